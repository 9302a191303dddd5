import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { newMaster } from "../support/keys/stores.ts";
import { argvOf } from "../support/program.ts";
import { startKeywhiz } from "../support/servers/keywhiz.ts";
import { makeCertificates } from "../support/servers/tls.ts";

/** Files with master keys that a store holds: through the command line, and beside the real SOPS. */

const KEYS = new URL("../../fixtures/golden/keys/", import.meta.url).pathname;
const RECIPIENT = readFileSync(join(KEYS, "age1.pub"), "utf8").trim();
const [port] = await freePorts(1);
const VAULT = `127.0.0.1:${port}`;
await startServer({
  argv: [
    ...([installed("BAO"), "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"] as const),
    `-dev-listen-address=${VAULT}`,
  ],
  ready: () => answers(`http://${VAULT}/v1/sys/health`, 200),
});
const certificates = makeCertificates(scratch());
const keywhiz = await startKeywhiz(certificates);
const HOME = scratch();
const CREDENTIALS: Record<string, string> = {
  TSOPS_ALLOW: `keywhiz=${keywhiz.address}`,
  VAULT_ADDR: `http://${VAULT}`,
  VAULT_TOKEN: "root",
  KEYWHIZ_CLIENT_CERT: certificates.client.cert,
  KEYWHIZ_CLIENT_KEY: certificates.client.key,
  KEYWHIZ_CA: certificates.ca,
};
const AGE = { SOPS_AGE_KEY_FILE: join(KEYS, "age1.txt") };

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not synchronous, because the Keywhiz double is in this process. */
async function run(
  argv: readonly [string, ...string[]],
  cwd: string,
  env: Record<string, string>,
): Promise<Outcome> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME, SOPS_DISABLE_VERSION_CHECK: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  return { code, ...outcome };
}

const tsops = (args: readonly string[], cwd: string, env: Record<string, string> = {}) =>
  run([...argvOf(installed("TSOPS")), ...args], cwd, { ...CREDENTIALS, ...env });
const sops = (args: readonly string[], cwd: string, env: Record<string, string> = AGE) =>
  run([installed("REAL_SOPS"), ...args], cwd, env);

function good({ code, stdout, stderr }: Outcome): string {
  assert.is(code, 0, stderr);
  return stdout;
}

async function putInVault(text: string): Promise<void> {
  const response = await fetch(`http://${VAULT}/v1/secret/data/sops/master`, {
    method: "POST",
    headers: { "X-Vault-Token": "root" },
    body: JSON.stringify({ data: { value: text } }),
  });
  assert.ok(response.ok);
}

/** A folder with a file in it. */
function folderWith(
  name: string,
  text: string,
): { folder: string; read: () => string; write: (text: string) => void } {
  const folder = scratch();
  const write = (content: string) => writeFileSync(join(folder, name), content);
  write(text);
  return { folder, write, read: () => readFileSync(join(folder, name), "utf8") };
}

const PLAIN: readonly [name: string, text: string][] = [
  ["a.yaml", "# note\npassword: s3cret\nlist:\n    - 1\n    - two\n"],
  ["a.json", '{\n\t"password": "s3cret",\n\t"list": [\n\t\t1,\n\t\t"two"\n\t]\n}\n'],
  ["a.env", "PASSWORD=s3cret\nOTHER=two\n"],
  ["a.ini", "[db]\npassword = s3cret\nother    = two\n"],
];

/** The stores, how a secret gets in, and the environment that a key needs. */
const STORES: readonly [uri: string, put: (text: string) => Promise<Record<string, string>>][] = [
  ["env://MASTER", async (text) => ({ MASTER: text })],
  [`vaultkv+http://${VAULT}/secret/sops/master`, async (text) => putInVault(text).then(() => ({}))],
  [
    `keywhiz://${keywhiz.address}/sops-master`,
    async (text) => {
      keywhiz.secrets.set("sops-master", { content: text, clients: ["client"] });
      return {};
    },
  ],
];

for (const [uri, put] of STORES) {
  test(`${uri}: files of every format come back, and SOPS reads them by their other key`, async () => {
    const env = await put(newMaster().text);
    for (const [name, text] of PLAIN) {
      const { folder, read } = folderWith(name, text);
      good(await tsops(["encrypt", "-i", "--key", uri, "--age", RECIPIENT, name], folder, env));
      assert.match(read(), uri, name);
      assert.not.match(read(), "s3cret");
      assert.is(good(await tsops(["decrypt", name], folder, env)), text, name);
      assert.is(good(await sops(["decrypt", name], folder)), text, name);
      const other = folderWith(name, text);
      good(await tsops(["encrypt", "-i", "--key", uri, name], other.folder, env));
      assert.is(good(await tsops(["decrypt", name], other.folder, env)), text, name);
    }
  });

  test(`${uri}: a new master key for old files, and what is said when the old one is gone`, async () => {
    const [old, now] = [newMaster(), newMaster()];
    const [name, text] = PLAIN[0]!;
    const { folder, read, write } = folderWith(name, text);
    good(await tsops(["encrypt", "-i", "--key", uri, name], folder, await put(old.text)));
    const before = read();
    assert.match(before, `key_id: ${old.id}`);
    const both = await put(`${now.text}\n${old.text}\n`);
    assert.is(good(await tsops(["decrypt", name], folder, both)), text);
    good(await tsops(["rotate", "-i", name], folder, both));
    assert.match(read(), `key_id: ${now.id}`);
    const after = read();
    const alone = await put(now.text);
    assert.is(good(await tsops(["decrypt", name], folder, alone)), text);
    write(before);
    // a version of the secret that held the old key is still there in Vault, and opens it
    const late = await tsops(["decrypt", name], folder, alone);
    if (uri.startsWith("vaultkv")) assert.is(good(late), text);
    else {
      assert.is(late.code, 128);
      assert.match(late.stderr, `the master key whose id is ${old.id}`);
      assert.not.ok(late.stderr.includes(now.text));
    }
    write(after);
  });

  test(`${uri}: the seal covers its URI, its key id and what it wrapped`, async () => {
    const master = newMaster();
    const env = { ...(await put(master.text)), ...AGE };
    const [name, text] = PLAIN[0]!;
    const { folder, read, write } = folderWith(name, text);
    good(await tsops(["encrypt", "-i", "--key", uri, "--age", RECIPIENT, name], folder, env));
    const sealed = read();
    for (const [from, to] of [
      [`uri: ${uri}`, `uri: ${uri}x`],
      [`key_id: ${master.id}`, "key_id: 0123456789abcdef"],
      ["enc: v1:", "enc: v1:A"],
    ] as const) {
      assert.ok(sealed.includes(from), from);
      write(sealed.replace(from, to));
      const { code, stdout, stderr } = await tsops(["decrypt", name], folder, env);
      assert.is(code, 51, stderr);
      assert.match(stderr, /seal is broken/);
      assert.is(stdout, "");
    }
    // the group's number is among the fields, too
    write(sealed.replace(`key_id: ${master.id}`, `group: 0\n              key_id: ${master.id}`));
    assert.is((await tsops(["decrypt", name], folder, env)).code, 51);
  });
}

test("key groups: SOPS needs no group that has only a master key of ours, if others are enough", async () => {
  const env = { MASTER: newMaster().text };
  const other = readFileSync(join(KEYS, "age2.pub"), "utf8").trim();
  const both = `${readFileSync(join(KEYS, "age1.txt"), "utf8")}\n${readFileSync(join(KEYS, "age2.txt"), "utf8")}`;
  for (const [name, text] of PLAIN) {
    for (const groups of [
      '["age:A"], ["env://MASTER"], ["age:B"]',
      '["env://MASTER"], ["age:A"], ["age:B"]',
    ]) {
      const { folder } = folderWith(name, text);
      const keys = groups.replace("age:A", `age:${RECIPIENT}`).replace("age:B", `age:${other}`);
      writeFileSync(join(folder, ".sopsrc"), `{ rules: [{ key_groups: [${keys}], shamir_threshold: 2 }] }`);
      good(await tsops(["encrypt", "-i", name], folder, env));
      assert.is(good(await sops(["decrypt", name], folder, { SOPS_AGE_KEY: both })), text, name);
      assert.is(good(await tsops(["decrypt", name], folder, { ...env, ...AGE })), text, name);
      assert.is(good(await tsops(["decrypt", name], folder, { SOPS_AGE_KEY: both })), text, name);
      assert.is((await tsops(["decrypt", name], folder, env)).code, 128);
    }
  }
});

test("key groups: one group has nothing but a master key in a variable", async () => {
  const env = { MASTER: newMaster().text };
  const rules = (threshold: number) => `{
    rules: [{
      key_groups: [["age:${RECIPIENT}"], ["env://MASTER"]],
      shamir_threshold: ${threshold},
    }],
  }`;
  for (const [name, text] of PLAIN) {
    const { folder } = folderWith(name, text);
    writeFileSync(join(folder, ".sopsrc"), rules(2));
    good(await tsops(["encrypt", "-i", name], folder, env));
    assert.is(good(await tsops(["decrypt", name], folder, { ...env, ...AGE })), text, name);
    for (const one of [env, AGE] as const) {
      const { code, stderr } = await tsops(["decrypt", name], folder, one);
      assert.is(code, 128);
      assert.match(stderr, /2 of 2 key groups are needed, 1 could be opened/);
    }
    good(await tsops(["rotate", "-i", name], folder, { ...env, ...AGE }));
    assert.is(good(await tsops(["decrypt", name], folder, { ...env, ...AGE })), text, name);
  }
});

test("keys are added and taken away by URI, and updatekeys follows the rule", async () => {
  const env = { ...AGE, MASTER: newMaster().text };
  const [name, text] = PLAIN[1]!;
  const { folder, read } = folderWith(name, text);
  good(await tsops(["encrypt", "-i", "--age", RECIPIENT, name], folder, env));
  good(await tsops(["rotate", "-i", "-y", "--add-key", "env://MASTER", name], folder, env));
  assert.match(read(), '"uri": "env://MASTER"');
  assert.is(good(await tsops(["decrypt", name], folder, { MASTER: env.MASTER })), text);
  good(await tsops(["rotate", "-i", "-y", "--rm-key", "env://MASTER", name], folder, env));
  assert.not.match(read(), "env://MASTER");
  writeFileSync(join(folder, ".sopsrc"), '{ rules: [{ recipients: ["env://MASTER"] }] }');
  good(await tsops(["updatekeys", "-y", name], folder, env));
  assert.not.match(read(), RECIPIENT);
  assert.is(good(await tsops(["decrypt", name], folder, { MASTER: env.MASTER })), text);
});

test("a master key that is wrapped by age or by Vault opens files only together with that key", async () => {
  const [name, text] = PLAIN[0]!;
  await fetch(`http://${VAULT}/v1/sys/mounts/transit`, {
    method: "POST",
    headers: { "X-Vault-Token": "root" },
    body: JSON.stringify({ type: "transit" }),
  });
  await fetch(`http://${VAULT}/v1/transit/keys/kek`, {
    method: "POST",
    headers: { "X-Vault-Token": "root" },
  });
  for (const [key, needs] of [
    [`age:${RECIPIENT}`, AGE],
    [`hashivault+http://${VAULT}/v1/transit/keys/kek`, { VAULT_TOKEN: "root" }],
  ] as const) {
    const { folder, read } = folderWith(name, text);
    const MASTER = good(await tsops(["keygen", "--master", "--key", key], folder, needs));
    const without = { VAULT_TOKEN: "", MASTER };
    good(await tsops(["encrypt", "-i", "--key", "env://MASTER", name], folder, { ...without, ...needs }));
    assert.is(good(await tsops(["decrypt", name], folder, { ...without, ...needs })), text);
    const { code, stderr } = await tsops(["decrypt", name], folder, without);
    assert.is(code, 128);
    assert.match(stderr, /the master key in env:\/\/MASTER is wrapped by/);
    assert.not.match(read(), MASTER.trim().split("#")[1]!);
  }
});

test("no message, at any verbosity, shows a master key", async () => {
  const [name, text] = PLAIN[0]!;
  const { folder } = folderWith(name, text);
  const [master, other] = [newMaster(), newMaster()];
  good(await tsops(["encrypt", "-i", "--key", "env://MASTER", name], folder, { MASTER: master.text }));
  const broken = `${other.text} ${randomBytes(20).toString("base64")}`;
  for (const MASTER of [other.text, broken, `${other.text}x`]) {
    const { stdout, stderr } = await tsops(["--verbose", "decrypt", name], folder, { MASTER, DEBUG: "*" });
    for (const part of [
      ...MASTER.split(" "),
      other.text,
      Buffer.from(other.text, "base64").toString("hex"),
    ]) {
      assert.not.ok(`${stdout}${stderr}`.includes(part));
    }
    assert.match(stderr, /env:\/\/MASTER/);
  }
});

test.run();
