import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Approvals } from "../../src/config/approvals.ts";
import { userConfig } from "../../src/config/user.ts";
import type { TsopsError } from "../../src/errors.ts";
import { decrypt as decryptDocument } from "../../src/index.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Result, type Sandbox } from "../support/cli.ts";
import { LOADER, modulePath, PROGRAM } from "../support/program.ts";

/** Finding 5: a checkout does not vouch for itself (docs/security.md). */

const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE = "arn:aws:iam::111122223333:role/evil";
const GOOGLE = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
const HUAWEI = "tr-west-1:12345678-1234-1234-1234-123456789abc";
const STAMP = '"created_at": "2026-01-01T00:00:00Z"';
/** Recipient and identity of a plugin age-plugin-trust. */
const PLUGIN = "age1trust1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn3dgxr2";
const PLUGIN_IDENTITY = "AGE-PLUGIN-TRUST-1WDJKXUN9WSSXJER9DE6XJARER3NHVT";

/** A server that counts connections and keeps what it is sent in the clear. */
interface Listener {
  readonly port: number;
  readonly connections: () => number;
  readonly text: () => string;
}

async function listening(work: (listener: Listener) => Promise<void>): Promise<void> {
  let connections = 0;
  let text = "";
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const body = '{"errors":["permission denied"]}';
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await work({
      port: (server.address() as AddressInfo).port,
      connections: () => connections,
      text: () => text,
    });
  } finally {
    server.close();
  }
}

interface Kind {
  /** Its list in `allow`, and what stands there. */
  readonly field: string;
  readonly value: string;
  /** The key as the recipient of a rule in `.sopsrc`: a URI, or a map. */
  readonly key: string;
  /** The same in a rule of `.sops.yaml`, where that can name it. */
  readonly yaml?: string;
  /** What stands in the metadata of a file. */
  readonly metadata: string;
}

/** The kinds of keys that name a server, a role or a profile, all of them at the listener. */
function kindsAt(port: number): Record<string, Kind> {
  const host = `127.0.0.1:${port}`;
  const own = (uri: string) =>
    `"tsops": {"keys": [{"uri": "${uri}", "key_id": "0011223344556677", ${STAMP}, "enc": "v1:AAAA"}]}`;
  return {
    vault: {
      field: "vault",
      value: `http://${host}`,
      key: `"hashivault+http://${host}/v1/transit/keys/k"`,
      yaml: `hc_vault_transit_uri: http://${host}/v1/transit/keys/k`,
      metadata: `"hc_vault": [{"vault_address": "http://${host}", "engine_path": "transit", "key_name": "k", ${STAMP}, "enc": "vault:v1:AAAA"}]`,
    },
    vaultkv: {
      field: "vault",
      value: `http://${host}`,
      key: `"vaultkv+http://${host}/secret/k"`,
      metadata: own(`vaultkv+http://${host}/secret/k`),
    },
    azure: {
      field: "azure",
      value: `https://${host}`,
      key: `"azurekms://${host}/keys/k/v"`,
      yaml: `azure_keyvault: https://${host}/keys/k/v`,
      metadata: `"azure_kv": [{"vault_url": "https://${host}", "name": "k", "version": "v", ${STAMP}, "enc": "AAAA"}]`,
    },
    "AWS role": {
      field: "aws_role",
      value: ROLE,
      key: `{ uri: "awskms://${ARN}", role: "${ROLE}" }`,
      yaml: `kms: ${ARN}+${ROLE}`,
      metadata: `"kms": [{"arn": "${ARN}", "role": "${ROLE}", "aws_profile": "", ${STAMP}, "enc": "AAAA"}]`,
    },
    "AWS profile": {
      field: "aws_profile",
      value: "corp",
      key: `{ uri: "awskms://${ARN}", profile: "corp" }`,
      yaml: `{kms: '${ARN}', aws_profile: corp}`,
      metadata: `"kms": [{"arn": "${ARN}", "aws_profile": "corp", ${STAMP}, "enc": "AAAA"}]`,
    },
    keywhiz: {
      field: "keywhiz",
      value: host,
      key: `"keywhiz://${host}/k"`,
      metadata: own(`keywhiz://${host}/k`),
    },
    cluster: {
      field: "cluster",
      value: host,
      key: `"cluster://${host}/k"`,
      metadata: own(`cluster://${host}/k`),
    },
  };
}

/** Credentials of every kind. All that AWS and Azure are asked for would arrive at the listener, too. */
function credentials(box: Sandbox, port: number): void {
  mkdirSync(join(box.home, ".aws"));
  writeFileSync(
    join(box.home, ".aws", "credentials"),
    "[corp]\naws_access_key_id = AKIACORP\naws_secret_access_key = s\n",
  );
  for (const name of ["c.pem", "c.key"]) writeFileSync(join(box.home, name), "");
  Object.assign(box.env, {
    SOPS_AGE_RECIPIENTS: undefined,
    VAULT_TOKEN: "hvs.REAL",
    AWS_ACCESS_KEY_ID: "AKIA",
    AWS_SECRET_ACCESS_KEY: "s",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001",
    AZURE_CLIENT_ID: "c",
    AZURE_CLIENT_SECRET: "s",
    AZURE_AUTHORITY_HOST: `https://127.0.0.1:${port}`,
    KEYWHIZ_CLIENT_CERT: join(box.home, "c.pem"),
    KEYWHIZ_CLIENT_KEY: join(box.home, "c.key"),
    TSOPS_KMS_TIMEOUT: "60",
  });
}

function encryptedFor(metadata: string): string {
  return `{"a": "x", "sops": {${metadata}, "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}}`;
}

/** The ways in which a repository's configuration can name a key. */
function configurations({ key, yaml, field, value }: Kind): [name: string, file: string, text: string][] {
  const ways: [string, string, string][] = [
    ["a matching rule", ".sopsrc", `{ keys: { evil: ${key} }, rules: [{ recipients: ["evil"] }] }`],
    [
      "a rule that never matches",
      ".sopsrc",
      `{ keys: { evil: ${key} }, rules: [{ path: "^never$", recipients: ["evil"] }] }`,
    ],
    ["keys", ".sopsrc", `{ keys: { evil: ${key} } }`],
    ["groups", ".sopsrc", `{ keys: { evil: ${key} }, groups: { team: ["evil"] } }`],
    ["allow", ".sopsrc", `{ allow: { ${field}: ["${value}"] } }`],
    [
      "a recreation rule",
      ".sopsrc",
      `{ keys: { evil: ${key} }, destinations: [{ folder: "out", recreation_rule: { recipients: ["evil"] } }] }`,
    ],
  ];
  if (yaml) {
    const lines = yaml.startsWith("{") ? yaml.slice(1, -1).split(", ") : [yaml];
    const rule = (first: string) =>
      `creation_rules:\n  - ${[first, ...lines].filter(Boolean).join("\n    ")}\n`;
    ways.push(["a matching rule of .sops.yaml", ".sops.yaml", rule("")]);
    ways.push(["a rule of .sops.yaml that never matches", ".sops.yaml", rule("path_regex: never-matches")]);
  }
  return ways;
}

test("the listener would hear it: each kind reaches it once it is named by the user", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      for (const [name, kind] of Object.entries(kindsAt(listener.port))) {
        if (name === "keywhiz") continue; // would need a certificate that is one
        const before = listener.connections();
        if (name === "AWS profile")
          Object.assign(box.env, { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
        box.write("s.json", encryptedFor(kind.metadata));
        box.env.TSOPS_ALLOW = `${kind.field}=${kind.value}`;
        assert.is((await box.run(["decrypt", "s.json"])).code, 128);
        assert.ok(listener.connections() > before, `${name} did not reach the listener`);
      }
      assert.match(listener.text(), "hvs.REAL");
    }),
  ));

for (const name of Object.keys(kindsAt(1))) {
  test(`finding 5: a checkout does not vouch for itself: ${name}, whatever names it`, () =>
    listening((listener) =>
      inSandbox(async (box) => {
        credentials(box, listener.port);
        const kind = kindsAt(listener.port)[name]!;
        for (const [way, file, text] of configurations(kind)) {
          for (const left of [".sopsrc", ".sops.yaml"]) rmSync(box.path(left), { force: true });
          box.write(file, text);
          box.write("s.json", encryptedFor(kind.metadata));
          const said = await box.run(["decrypt", "s.json"]);
          assert.is(said.code, 128, `${way}: ${said.stderr}`);
          assert.match(said.stderr, "you have not approved that", way);
          assert.match(said.stderr, `TSOPS_ALLOW=${kind.field}=${kind.value}`, way);
          for (const argv of [
            ["doctor"],
            ["doctor", "s.json"],
            ["set", "s.json", '["a"]', '"y"'],
            ["rotate", "-i", "s.json"],
            ["exec", "s.json", "--", "true"],
            ["exec-env", "s.json", "true"],
            ["edit", "s.json"],
            ["updatekeys", "-y", "s.json"],
            ["publish", "-y", "s.json"],
            ["decrypt", "--config", file, "s.json"],
          ]) {
            await box.run(argv);
            assert.is(listener.connections(), 0, `${way}: ${argv.join(" ")}: ${listener.text()}`);
          }
        }
      }),
    ));

  test(`finding 5: a checkout does not vouch for itself: no plaintext data key for ${name}`, () =>
    listening((listener) =>
      inSandbox(async (box) => {
        credentials(box, listener.port);
        const { key } = kindsAt(listener.port)[name]!;
        const plain = "password: s3cret\n";
        box.write(
          ".sopsrc",
          `{ keys: { evil: ${key} }, rules: [{ recipients: ["evil", "age:${RECIPIENT}"] }], seal: false }`,
        );
        box.write("a.yaml", plain);
        const refused = await box.run(["encrypt", "-i", "a.yaml"]);
        assert.is(refused.code, 1, refused.stderr);
        assert.match(refused.stderr, /only the configuration .*\.sopsrc names .*: it gets no credentials/);
        assert.is(box.read("a.yaml"), plain);
        await box.run(["encrypt", "-i", "--age", RECIPIENT, "a.yaml"]);
        const encrypted = box.read("a.yaml");
        assert.match(encrypted, "ENC[");
        for (const argv of [
          ["updatekeys", "-y", "a.yaml"],
          ["encrypt", "--config", ".sopsrc", "--filename-override", "b.yaml"],
        ]) {
          const { code } = await box.run(argv, { input: plain });
          assert.is.not(code, 0, argv.join(" "));
        }
        assert.is(box.read("a.yaml"), encrypted);
        assert.is(listener.connections(), 0, listener.text());
      }),
    ));
}

test("a token in ~/.vault-token, VAULT_ADDR that names another server, SOPS_CONFIG, a configuration beside the file", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const kind = kindsAt(listener.port).vault!;
      Object.assign(box.env, { VAULT_TOKEN: undefined, VAULT_ADDR: "https://vault.corp.example:8200" });
      writeFileSync(join(box.home, ".vault-token"), "hvs.REAL");
      const config = `creation_rules:\n  - path_regex: never-matches\n    ${kind.yaml}\n`;
      box.write("hostile/.sops.yaml", config);
      box.write("hostile/s.json", encryptedFor(kind.metadata));
      const beside = await box.run(["decrypt", "hostile/s.json"]);
      assert.is(beside.code, 128);
      assert.match(beside.stderr, `tsops allow ${box.path("hostile/.sops.yaml")}`);
      for (const argv of [["doctor"], ["doctor", "hostile/s.json"], ["decrypt", "hostile/s.json"]]) {
        await box.run([...argv, "--config", "hostile/.sops.yaml"]);
        box.env.SOPS_CONFIG = "hostile/.sops.yaml";
        await box.run(argv);
        delete box.env.SOPS_CONFIG;
      }
      box.write(".sops.yaml", config);
      await box.run(["decrypt", "hostile/s.json"]);
      assert.is(listener.connections(), 0, listener.text());
      // what SOPS's own list leaves out is refused, approved or not
      box.env.SOPS_HC_VAULT_ALLOWLIST = "https://vault.corp.example:8200";
      await box.run(["allow"]);
      assert.match((await box.run(["decrypt", "hostile/s.json"])).stderr, "SOPS_HC_VAULT_ALLOWLIST");
      assert.is(listener.connections(), 0, listener.text());
      delete box.env.SOPS_HC_VAULT_ALLOWLIST;
      await box.run(["decrypt", "hostile/s.json"]);
      assert.match(listener.text(), "hvs.REAL");
    }),
  ));

test("who may name a server: options, variables, the user's own configuration", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, value, key } = kindsAt(listener.port).vault!;
      const uri = `${value}/v1/transit/keys/k`;
      box.write(".sopsrc", `{ rules: [{ recipients: [${key}] }] }`);
      box.write("s.json", encryptedFor(metadata));
      const clean = { ...box.env };
      const reached = async (argv: readonly string[], env: Record<string, string>): Promise<boolean> => {
        box.env = { ...clean, ...env };
        box.write("a.yaml", "a: 1\n");
        const before = listener.connections();
        await box.run(argv);
        return listener.connections() > before;
      };
      const decrypt = ["decrypt", "s.json"];
      assert.not.ok(await reached(decrypt, {}));
      assert.not.ok(await reached(decrypt, { VAULT_ADDR: "http://127.0.0.1:1" }));
      assert.ok(await reached(decrypt, { VAULT_ADDR: value }));
      assert.ok(await reached(decrypt, { VAULT_ADDR: "http://127.0.0.1:1", SOPS_VAULT_URIS: uri }));
      assert.ok(await reached(decrypt, { SOPS_HC_VAULT_ALLOWLIST: value }));
      assert.ok(await reached(decrypt, { TSOPS_ALLOW: `vault=${value}/` }));
      assert.ok(await reached(["encrypt", "-i", "--hc-vault-transit", uri, "a.yaml"], {}));
      assert.ok(await reached(["encrypt", "-i", "--key", `hashivault+http://${uri.slice(7)}`, "a.yaml"], {}));
      assert.not.ok(await reached(["encrypt", "-i", "a.yaml"], {}));
      const folder = join(box.home, "elsewhere");
      mkdirSync(join(folder, "tsops"), { recursive: true });
      writeFileSync(join(folder, "tsops", "config.json5"), `{ allow: { vault: ["${value}"] } }`);
      assert.ok(await reached(decrypt, { XDG_CONFIG_HOME: folder }));
      assert.not.ok(await reached(decrypt, { XDG_CONFIG_HOME: "elsewhere" }));
      mkdirSync(join(box.home, ".config", "tsops"), { recursive: true });
      writeFileSync(join(box.home, ".config", "tsops", "config.json5"), `{ allow: { vault: ["${value}"] } }`);
      assert.ok(await reached(decrypt, {}));
    }),
  ));

test("a checkout is nobody's home: an empty or relative HOME brings no approval and no configuration of it", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, key, value } = kindsAt(listener.port).vault!;
      const config = box.write(".sopsrc", `{ rules: [{ recipients: [${key}] }] }`);
      box.write("s.json", encryptedFor(metadata));
      // approved, and taken into the checkout, where the attacker would make it
      assert.is((await box.run(["allow"])).code, 0);
      for (const folder of [".", "home"]) {
        mkdirSync(box.path(join(folder, ".config", "tsops")), { recursive: true });
        box.write(join(folder, ".config", "tsops", "config.json5"), `{ allow: { vault: ["${value}"] } }`);
        mkdirSync(box.path(join(folder, APPROVED)), { recursive: true, mode: 0o700 });
        for (const name of readdirSync(join(box.home, APPROVED))) {
          box.write(join(folder, APPROVED, name), config);
        }
      }
      const known = box.home;
      const before = process.cwd();
      process.chdir(box.folder);
      try {
        for (const HOME of ["", ".", "home", "./home"]) {
          for (const more of [{}, { XDG_CONFIG_HOME: ".config", XDG_DATA_HOME: ".local/share" }]) {
            Object.assign(box.env, { HOME, USERPROFILE: undefined, ...more });
            const { code } = await box.run(["decrypt", "s.json"]);
            assert.is(code, 128);
            assert.is(listener.connections(), 0, JSON.stringify([HOME, more]));
          }
        }
        assert.equal((await userConfig({ XDG_CONFIG_HOME: ".config" }, "")).allow.vault, []);
        assert.not.ok(new Approvals({ XDG_DATA_HOME: ".local/share" }, "").has(config, readFileSync(config)));
      } finally {
        process.chdir(before);
      }
      Object.assign(box.env, { HOME: known, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined });
      await box.run(["decrypt", "s.json"]);
      assert.ok(listener.connections() > 0);
    }),
  ));

test("an approval is for one file: no other path and content look like it together", () =>
  inSandbox(async (box) => {
    const named = (server: string) =>
      `creation_rules: [{hc_vault_transit_uri: '${server}/v1/transit/keys/k'}]`;
    const other = `${named("http://evil.example")} #", ${named("https://vault.example.com")}}\n`;
    const folder = box.path('rules\n{x: "');
    mkdirSync(folder);
    const path = box.write("rules", `{x: "/.sops.yaml\n${other}`);
    writeFileSync(join(folder, ".sops.yaml"), other);
    const allowed = await box.run(["allow", path]);
    assert.match(allowed.stdout, "the Vault server https://vault.example.com\n");
    assert.not.match(allowed.stdout, "evil");
    assert.match((await box.run(["allow", "--dry-run", path])).stdout, "that is approved");
    const hidden = await box.run(["allow", "--dry-run", join(folder, ".sops.yaml")]);
    assert.match(hidden.stdout, "the Vault server http://evil.example");
    assert.match(hidden.stdout, "that is not approved");
  }));

test("the user's own configuration: one that every user may write says nothing", () =>
  inSandbox(async (box) => {
    if (process.platform === "win32") return;
    const path = join(box.home, ".config", "tsops", "config.json5");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `{ allow: { plugin: ["evil"] } }`);
    chmodSync(path, 0o666);
    const error = await userConfig({}, box.home).catch((error: unknown) => error as TsopsError);
    assert.match((error as TsopsError).message, "every user may write into it");
    // as umask 002 leaves it
    chmodSync(path, 0o664);
    assert.equal((await userConfig({}, box.home)).allow.plugin, ["evil"]);
  }));

test("the user's own configuration: one that a group of several may write says nothing", () =>
  inSandbox(async (box) => {
    const path = join(box.home, ".config", "tsops", "config.json5");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `{ allow: { plugin: ["evil"] } }`);
    const uid = process.getuid?.();
    const group = uid === 0 ? 4242 : process.getgroups?.().find((gid) => gid !== uid);
    // nobody but root has a group to give it to
    if (uid === undefined || group === undefined) return;
    chownSync(path, uid, group);
    chmodSync(path, 0o664);
    const error = await userConfig({}, box.home).catch((error: unknown) => error as TsopsError);
    assert.match((error as TsopsError).message, "its group may write into it");
    assert.match((error as TsopsError).hint ?? "", "chmod go-w");
    chmodSync(path, 0o644);
    assert.equal((await userConfig({}, box.home)).allow.plugin, ["evil"]);
  }));

test("the user's own configuration: unknown fields and wrong types are errors with their place", () =>
  inSandbox(async (box) => {
    const path = join(box.home, ".config", "tsops", "config.json5");
    const failure = async (text: string) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return await userConfig({}, box.home).then(
        () => assert.unreachable(text),
        (error) => error,
      );
    };
    assert.equal((await userConfig({}, box.home)).requireSeal, undefined);
    for (const [text, message, line, column] of [
      ["{\n  alow: {} }", "the file has an unknown field", 2, 3],
      ["{ allow: {\n vualt: [] } }", "allow has an unknown field", 2, 2],
      ["{ require_seal: 'yes' }", "require_seal must be true or false", 1, 17],
      ["{ allow: { plugin: 'x' } }", "plugin of allow must be a list", 1, 20],
      ["{ rules: [] }", "the file has an unknown field", 1, 3],
    ] as const) {
      const error = await failure(text);
      assert.is(error.code, "config", text);
      assert.match(error.message, message);
      assert.equal(error.place, { file: path, line, column });
    }
    assert.match((await failure("[]")).message, "cannot be read");
    writeFileSync(path, "{ require_seal: true, allow: { aws_profile: ['prod'] } }");
    const config = await userConfig({}, box.home);
    assert.is(config.requireSeal, true);
    assert.equal(config.allow.awsProfile, ["prod"]);
  }));

const APPROVED = ".local/share/tsops/allowed";

test("tsops allow: shows, approves by content, lists and withdraws", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, value, key } = kindsAt(listener.port).vault!;
      const config = `{ keys: { v: ${key} }, rules: [{ recipients: ["v"] }], allow: { aws_profile: ["\\u001b[2Jx"] } }`;
      const path = box.write(".sopsrc", config);
      box.write("s.json", encryptedFor(metadata));
      const reached = async () => {
        const before = listener.connections();
        await box.run(["decrypt", "s.json"]);
        return listener.connections() > before;
      };
      const shown = await box.run(["allow", "--dry-run"]);
      assert.is(shown.code, 0, shown.stderr);
      assert.match(shown.stdout, `  the Vault server ${value}\n`);
      assert.match(shown.stdout, "  the AWS profile \\x1b[2Jx\n");
      assert.match(shown.stdout, "that is not approved");
      assert.not.ok(await reached());
      assert.match((await box.run(["allow"])).stdout, "approved, until the file changes");
      const folder = join(box.home, APPROVED);
      const [name = ""] = readdirSync(folder);
      assert.is(statSync(folder).mode & 0o777, 0o700);
      assert.is(statSync(join(folder, name)).mode & 0o777, 0o600);
      assert.is(readFileSync(join(folder, name), "utf8"), path);
      assert.ok(await reached());
      assert.is((await box.run(["allow", "--list"])).stdout, `${path}\n`);
      // any change withdraws it
      box.write(".sopsrc", `${config}\n`);
      assert.not.ok(await reached());
      assert.match((await box.run(["allow", "--list"])).stdout, "says something else now");
      box.write(".sopsrc", config);
      assert.ok(await reached());
      // the same content elsewhere is another configuration
      box.write("b/.sopsrc", config);
      const elsewhere = await box.run(["decrypt", "--config", "b/.sopsrc", "s.json"]);
      assert.match(elsewhere.stderr, "you have not approved that");
      assert.is((await box.run(["allow", "--revoke"])).code, 0);
      assert.not.ok(await reached());
      assert.is((await box.run(["allow", "--list"])).stdout, "");
      assert.is((await box.run(["allow", "--revoke"])).code, 1);
      // a folder where others can write approves nothing
      await box.run(["allow"]);
      chmodSync(folder, 0o777);
      assert.not.ok(await reached());
    }),
  ));

test("tsops allow: of a configuration that names nothing, of none, and of one that stands only beside the file", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, key } = kindsAt(listener.port).vault!;
      assert.is((await box.run(["allow"])).code, 1);
      assert.is((await box.run(["allow", "no.yaml"])).code, 1);
      assert.is((await box.run(["allow", "--list", "--revoke"])).code, 1);
      const plain = box.write(
        "plain/.sops.yaml",
        `creation_rules:\n  - age: ${RECIPIENT}\n    kms: ${ARN}\n`,
      );
      assert.match((await box.run(["allow", plain])).stdout, "names nothing that needs an approval");
      assert.not.ok(existsSync(join(box.home, APPROVED)));
      box.write("far/.sopsrc", `{ rules: [{ recipients: [${key}] }] }`);
      box.write("far/s.json", encryptedFor(metadata));
      await box.run(["decrypt", "far/s.json"]);
      // nobody is asked about such a one
      const person = await box.run(["decrypt", "far/s.json"], { person: true, input: "y\n" });
      assert.not.match(person.stderr, "(y/N)");
      assert.is(listener.connections(), 0);
      await box.run(["allow", "far/.sopsrc"]);
      await box.run(["decrypt", "far/s.json"]);
      const decrypted = listener.connections();
      assert.ok(decrypted > 0);
      await box.run(["exec", "far/s.json", "--", "true"]);
      assert.ok(listener.connections() > decrypted);
    }),
  ));

test("at a terminal the person is asked once, and no is what Enter means", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, value, key } = kindsAt(listener.port).vault!;
      const { metadata: azure } = kindsAt(listener.port).azure!;
      box.write(
        ".sopsrc",
        `{ rules: [{ recipients: [${key}, "azurekms://127.0.0.1:${listener.port}/keys/k/v"] }] }`,
      );
      box.write("s.json", encryptedFor(`${metadata}, ${azure}`));
      const asked = ({ stderr }: Result) => stderr.split("(y/N)").length - 1;
      for (const input of ["\n", "n\n", "what\n", ""]) {
        const no = await box.run(["decrypt", "s.json"], { person: true, input });
        assert.is(asked(no), 1, no.stderr);
        assert.match(no.stderr, `the Vault server ${value}`);
        assert.match(no.stderr, "the key vault https://127.0.0.1");
        assert.is(listener.connections(), 0);
      }
      // --yes answers other questions: whoever types it has not seen this one
      assert.is(asked(await box.run(["rotate", "-y", "-i", "s.json"], { person: true, input: "n\n" })), 1);
      // doctor asks nobody
      assert.is(asked(await box.run(["doctor", "s.json"], { person: true, input: "y\n" })), 0);
      assert.is(listener.connections(), 0);
      assert.is(asked(await box.run(["decrypt", "s.json"], { person: true, input: "y\n" })), 1);
      assert.ok(listener.connections() > 0);
      assert.is(asked(await box.run(["decrypt", "s.json"], { person: true, input: "n\n" })), 0);
    }),
  ));

test("the line for CI names all that is needed, and can be pasted", () =>
  inSandbox(async (box) => {
    credentials(box, 1);
    const vault = "https://vault.example.com:8200";
    box.write(
      ".sopsrc",
      `{ keys: { a: { uri: "awskms://${ARN}", role: "${ROLE}" } },
         rules: [{ recipients: ["hashivault://vault.example.com:8200/v1/transit/keys/k", "a"] }],
         allow: { aws_profile: ["it's"] } }`,
    );
    box.write("s.json", encryptedFor(kindsAt(1).vault!.metadata.replace("http://127.0.0.1:1", vault)));
    const line = async () => /TSOPS_ALLOW=.*/.exec((await box.run(["decrypt", "s.json"])).stderr)?.[0] ?? "";
    assert.is(await line(), `TSOPS_ALLOW='aws_role=${ROLE},aws_profile=it'\\''s,vault=${vault}'`);
    // what is known already is kept, and not asked for again
    box.env.TSOPS_ALLOW = "aws_profile=it's";
    assert.match(await line(), `,aws_role=${ROLE},vault=${vault}'`);
  }));

test("keys that everybody can reach alike ask nothing: age, PGP, AWS KMS without role and profile, Google, HuaweiCloud", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
    box.write("a.yaml", "a: 1\n");
    assert.equal(await box.run(["encrypt", "-i", "a.yaml"], { person: true }), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    assert.equal(await box.run(["decrypt", "a.yaml"], { person: true }), {
      code: 0,
      stdout: "a: 1\n",
      stderr: "",
    });
    const path = box.write(
      "all/.sops.yaml",
      `creation_rules:
  - {kms: '${ARN}', gcp_kms: ${GOOGLE}, hckms: ['${HUAWEI}'], age: ${RECIPIENT}, pgp: D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262}
destination_rules:
  - {s3_bucket: b}
  - {gcs_bucket: b}
  - {vault_path: b}
`,
    );
    assert.match((await box.run(["allow", path])).stdout, "names nothing that needs an approval");
  }));

test("an age plugin that only a rule or a file names is not started", () =>
  inSandbox(async (box) => {
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "age-plugin-trust"), `#!/bin/sh\ntouch '${box.path("started")}'\n`, {
      mode: 0o755,
    });
    box.env.PATH = [bin, process.env.PATH].join(delimiter);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(
      ".sops.yaml",
      `creation_rules:\n  - path_regex: plugin\n    age: ${PLUGIN}\n  - age: ${RECIPIENT}\n`,
    );
    const clean = { ...box.env };
    const started = async (argv: readonly string[], env: Record<string, string> = {}) => {
      rmSync(box.path("started"), { force: true });
      box.env = { ...clean, ...env };
      const result = await box.run(argv, { input: "a: 1\n" });
      return { ...result, started: existsSync(box.path("started")) };
    };
    const encrypt = ["encrypt", "--filename-override", "plugin.yaml"];
    const refused = await started(encrypt);
    assert.is(refused.code, 1);
    assert.not.ok(refused.started);
    assert.match(
      refused.stderr,
      /names the age plugin trust, and you have not approved that: it gets no data key/,
    );
    assert.match(refused.stderr, "TSOPS_ALLOW=plugin=trust");
    // in a file: rotating would wrap the new data key by the plugin
    box.write("a.json", '{"a": 1}');
    box.write("off/.sopsrc", "{ seal: false }");
    await started(["encrypt", "-i", "--age", RECIPIENT, "--config", "off/.sopsrc", "a.json"]);
    const file = JSON.parse(box.read("a.json"));
    file.sops.age.push({ recipient: PLUGIN, enc: file.sops.age[0].enc });
    box.write("a.json", JSON.stringify(file));
    const rotated = await started(["rotate", "-i", "-y", "a.json"]);
    assert.is.not(rotated.code, 0);
    assert.not.ok(rotated.started);
    assert.match(rotated.stderr, "the age plugin trust");
    await started(["doctor"]).then((result) => assert.not.ok(result.started));
    // who has an identity of it, or names it, trusts it
    const named: Record<string, string>[] = [
      { TSOPS_ALLOW: "plugin=trust" },
      { SOPS_AGE_KEY: PLUGIN_IDENTITY },
      { SOPS_AGE_RECIPIENTS: PLUGIN },
    ];
    for (const env of named) {
      assert.ok((await started(encrypt, env)).started, JSON.stringify(env));
    }
    assert.ok((await started([...encrypt, "--age", PLUGIN])).started);
    assert.not.ok((await started(encrypt)).started);
    await started(["allow"]);
    assert.ok((await started(encrypt)).started);
  }));

test("doctor without files sends nothing, not even to where the environment says", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const address = `127.0.0.1:${listener.port}`;
      Object.assign(box.env, {
        VAULT_ADDR: `http://${address}`,
        TSOPS_ALLOW: `keywhiz=${address},cluster=${address},azure=https://${address},aws_role=${ROLE},aws_profile=corp`,
        GCE_METADATA_HOST: address,
        SOPS_GCP_KMS_ENDPOINT: `https://${address}`,
        TSOPS_HUAWEICLOUD_METADATA: `http://${address}`,
        HUAWEICLOUD_SDK_IAM_ENDPOINT: `http://${address}`,
        HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://${address}`,
        SOPS_AGE_KEY_CMD: `touch ${box.path("started")}`,
      });
      const keys = Object.entries(kindsAt(listener.port)).map(
        ([name, { key }], i) => `"${name} ${i}": ${key}`,
      );
      const more = [
        `plain: "awskms://${ARN}"`,
        `google: "gcpkms://${GOOGLE}"`,
        `huawei: "hckms:${HUAWEI}"`,
        `other: "age:${OTHER_RECIPIENT}"`,
      ];
      box.write(".sopsrc", `{ keys: { ${[...keys, ...more].join(", ")} } }`);
      const ways: Record<string, string | undefined>[] = [
        {},
        // credentials that have to be asked for: of the machine, of a container, of a federation
        {
          AWS_ACCESS_KEY_ID: undefined,
          AWS_SECRET_ACCESS_KEY: undefined,
          AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${address}`,
          AZURE_CLIENT_SECRET: undefined,
          IDENTITY_ENDPOINT: `http://${address}`,
          IDENTITY_HEADER: "h",
          AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
        },
        {
          AWS_ACCESS_KEY_ID: undefined,
          AWS_SECRET_ACCESS_KEY: undefined,
          AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${address}/aws`,
          VAULT_TOKEN: undefined,
          TSOPS_VAULT_AUTH: "approle",
          VAULT_ROLE_ID: "r",
          VAULT_SECRET_ID: "s",
        },
      ];
      // in processes of their own: some kinds only use what the process itself has in its environment
      const results = await Promise.all(
        ways.map((way) => inProcess(box, ["doctor"], { ...box.env, ...way })),
      );
      for (const { code, stdout } of results) {
        assert.is(code, 0, stdout);
        assert.is(listener.connections(), 0, `${stdout}\n${listener.text()}`);
        assert.match(stdout, "0 of 11 keys can be used here, 11 perhaps");
        assert.is(stdout.split("was not asked").length - 1, 10, stdout);
        assert.match(stdout, "what SOPS_AGE_KEY_CMD prints");
      }
      assert.not.ok(existsSync(box.path("started")));
      // with a file it does ask
      for (const metadata of [
        `"gcp_kms": [{"resource_id": "${GOOGLE}", ${STAMP}, "enc": "AAAA"}]`,
        `"hckms": [{"key_id": "${HUAWEI}", ${STAMP}, "enc": "AAAA"}]`,
        `"kms": [{"arn": "${ARN}", ${STAMP}, "enc": "AAAA"}]`,
        ...Object.values(kindsAt(listener.port)).flatMap(({ field, metadata }) =>
          field === "keywhiz" ? [] : [metadata],
        ),
      ]) {
        const before = listener.connections();
        box.write("s.json", encryptedFor(metadata));
        const { stdout } = await box.run(["doctor", "s.json"]);
        assert.ok(listener.connections() > before, stdout);
      }
    }),
  ));

test("publish: neither token nor plaintext goes to a server that only the configuration names", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const address = `http://127.0.0.1:${listener.port}`;
      box.write("a.yaml", "password: s3cret\n");
      await box.run(["encrypt", "-i", "--age", RECIPIENT, "a.yaml"]);
      box.env.AZURE_STORAGE_SAS_TOKEN = "sig=REAL";
      const destinations = [
        `{ vault_path: "x", vault_address: "${address}" }`,
        `{ azure_url: "${address}/devstoreaccount1", azure_container: "c" }`,
      ];
      for (const destination of destinations) {
        box.write(".sopsrc", `{ destinations: [${destination}] }`);
        const { code, stderr } = await box.run(["publish", "-y", "a.yaml"]);
        assert.is(code, 1);
        assert.match(stderr, "you have not approved that");
        assert.is(listener.connections(), 0, listener.text());
      }
      for (const destination of destinations) {
        box.write(".sopsrc", `{ destinations: [${destination}] }`);
        const before = listener.connections();
        await box.run(["allow"]);
        await box.run(["publish", "-y", "a.yaml"]);
        assert.ok(listener.connections() > before, destination);
      }
    }),
  ));

async function inProcess(box: Sandbox, argv: readonly string[], env: NodeJS.ProcessEnv) {
  const [program = "", ...args] = PROGRAM;
  const child = spawn(program, [...args, ...argv], {
    cwd: box.folder,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  const [code] = await once(child, "close");
  return { code: code as number, stdout };
}

test("the library reads neither approvals nor the user's own configuration", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, value, key } = kindsAt(listener.port).vault!;
      box.write(".sopsrc", `{ rules: [{ recipients: [${key}] }] }`);
      await box.run(["allow"]);
      mkdirSync(join(box.home, ".config", "tsops"), { recursive: true });
      writeFileSync(join(box.home, ".config", "tsops", "config.json5"), `{ allow: { vault: ["${value}"] } }`);
      const before = process.cwd();
      process.chdir(box.folder);
      try {
        const options = { format: "json", env: box.env, home: box.home } as const;
        const error = await decryptDocument(encryptedFor(metadata), options).catch((error: unknown) => error);
        assert.match((error as TsopsError).hint ?? "", "nothing here vouches for it");
        assert.is(listener.connections(), 0);
        await decryptDocument(encryptedFor(metadata), { ...options, allow: { vault: [value] } }).catch(
          () => 0,
        );
        assert.ok(listener.connections() > 0);
      } finally {
        process.chdir(before);
      }
    }),
  ));

test("the library with identities of its own takes nothing from the working folder for a home's", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      const { metadata, value } = kindsAt(listener.port).vault!;
      box.write(".vault-token", "hvs.PLANTED");
      chmodSync(box.path(".vault-token"), 0o600);
      const before = process.cwd();
      process.chdir(box.folder);
      try {
        const options = { format: "json", identities: [], allow: { vault: [value] } } as const;
        const error = await decryptDocument(encryptedFor(metadata), options).catch((error: unknown) => error);
        assert.is((error as TsopsError).code, "no-data-key");
        assert.is(listener.connections(), 0, listener.text());
      } finally {
        process.chdir(before);
      }
    }),
  ));

test("gpg looks nowhere else for the key of a name that a configuration chose", () =>
  inSandbox(async (box) => {
    const home = join(box.root, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    const dirmngr = join(box.root, "dirmngr");
    writeFileSync(dirmngr, `#!/bin/sh\ntouch ${join(box.root, "asked")}\nexit 1\n`, { mode: 0o755 });
    writeFileSync(join(home, "gpg.conf"), `dirmngr-program ${dirmngr}\n`);
    Object.assign(box.env, { GNUPGHOME: home, SOPS_AGE_RECIPIENTS: undefined });
    // gpg takes a name only if its last 16 characters could be a key id
    box.write(".sops.yaml", "creation_rules:\n  - pgp: a@evil.example.0123456789abcdef\n");
    box.write("a.yaml", "a: 1\n");
    assert.is.not((await box.run(["encrypt", "a.yaml"])).code, 0);
    assert.not.ok(existsSync(join(box.root, "asked")));
  }));

test("a key service asks no server that only its working folder's configuration names", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { value, yaml } = kindsAt(listener.port).vault!;
      box.write("server/.sops.yaml", `creation_rules:\n  - ${yaml}\n`);
      const socket = join(box.root, "s");
      const [program = "", ...args] = [...PROGRAM, "keyservice", "--network", "unix", "--address", socket];
      const child = spawn(program, args, {
        cwd: box.path("server"),
        env: box.env,
        stdio: ["ignore", "ignore", "pipe"],
      });
      try {
        for await (const chunk of child.stderr) if (String(chunk).includes("listening")) break;
        box.write("a.yaml", "a: 1\n");
        const argv = ["--keyservice", `unix://${socket}`, "--enable-local-keyservice=false"];
        const { code, stderr } = await box.run([
          "encrypt",
          "-i",
          ...argv,
          "--hc-vault-transit",
          `${value}/v1/transit/keys/k`,
          "a.yaml",
        ]);
        assert.is.not(code, 0, stderr);
        assert.is(listener.connections(), 0, listener.text());
      } finally {
        child.kill();
        await once(child, "exit");
      }
    }),
  ));

const STRANGER = 12345;

/** Runs commands in a child that is an ordinary user, after a run as root has loaded what they need. */
async function asUser(
  uid: number,
  box: Sandbox,
  argv: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stderr: string }> {
  const code = `
    const { run } = await import(${JSON.stringify(modulePath("src/cli/run.ts"))});
    const io = (cwd) => ({ env: process.env, cwd, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr });
    await run(["encrypt", "--filename-override", "x.yaml", "warm.yaml"], io(process.env.WARM));
    process.setuid(${uid});
    process.stderr.write("NOW\\n");
    process.exitCode = await run(${JSON.stringify(argv)}, io(process.env.WORK));
  `;
  const warm = join(box.root, "warm");
  mkdirSync(warm, { recursive: true });
  if (!existsSync(join(warm, "warm.yaml"))) {
    writeFileSync(join(warm, ".sops.yaml"), `creation_rules:\n  - age: ${RECIPIENT}\n`);
    writeFileSync(join(warm, "warm.yaml"), "a: 1\n");
  }
  const child = spawn(process.execPath, [...LOADER, "--input-type=module", "-e", code], {
    env: { PATH: process.env.PATH, HOME: box.home, WARM: warm, WORK: box.folder, ...more },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [exit] = await once(child, "close");
  return { code: exit as number, stderr: stderr.split("NOW\n")[1] ?? stderr };
}

// only root can give files away; what an ordinary user sees of others' files is in test/config/find.test.ts, too
const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot("somebody else's configuration: refused where it was only found, by every command that reads it", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const path = box.write(".sops.yaml", `creation_rules:\n  - age: ${OTHER_RECIPIENT}\n`);
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "--age", RECIPIENT, "a.yaml"]);
    box.write("b.yaml", "b: 1\n");
    chownSync(path, STRANGER, STRANGER);
    // decrypting needs no configuration: it goes on without this one, and says so
    const read = await box.run(["decrypt", "a.yaml"]);
    assert.is(read.code, 0, read.stderr);
    assert.match(read.stderr, /the configuration is not used: .*belongs to user/);
    for (const argv of [
      ["encrypt", "b.yaml"],
      ["set", "a.yaml", '["a"]', "2"],
      ["rotate", "a.yaml"],
      ["updatekeys", "-y", "a.yaml"],
      ["publish", "-y", "a.yaml"],
      ["doctor"],
      ["config", "check"],
      ["config", "explain", "a.yaml"],
      ["allow"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, argv.join(" "));
      assert.match(stderr, `${path}: the configuration belongs to user ${STRANGER}, and you are user 0`);
      assert.match(stderr, "--config");
    }
    // a pipe of theirs, at which everybody would wait
    renameSync(path, `${path}.away`);
    execFileSync("mkfifo", [box.path(".sopsrc")]);
    chownSync(box.path(".sopsrc"), STRANGER, STRANGER);
    const piped = await box.run(["encrypt", "b.yaml"]);
    assert.is(piped.code, 1);
    assert.match(piped.stderr, `belongs to user ${STRANGER}`);
    rmSync(box.path(".sopsrc"));
    renameSync(`${path}.away`, path);
    assert.is((await box.run(["encrypt", "--config", path, "b.yaml"])).code, 0);
    box.env.SOPS_CONFIG = path;
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 0);
    delete box.env.SOPS_CONFIG;
    box.env.SUDO_UID = String(STRANGER);
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 0);
    box.env.SUDO_UID = "54321";
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 1);
    delete box.env.SUDO_UID;
    // beside the file, and through links
    mkdirSync(box.path("sub"));
    rmSync(path);
    const far = join(box.root, "far");
    mkdirSync(far);
    writeFileSync(join(far, ".sopsrc"), `{ rules: [{ recipients: ["age:${RECIPIENT}"] }] }`);
    writeFileSync(join(far, "c.yaml"), "c: 1\n");
    assert.is((await box.run(["encrypt", join(far, "c.yaml")])).code, 0);
    chownSync(join(far, ".sopsrc"), STRANGER, STRANGER);
    assert.is((await box.run(["encrypt", join(far, "c.yaml")])).code, 1);
    symlinkSync(join(far, ".sopsrc"), box.path(".sopsrc"));
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 1);
    chownSync(join(far, ".sopsrc"), 0, 0);
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 0);
    lchownSync(box.path(".sopsrc"), STRANGER, STRANGER);
    assert.is((await box.run(["encrypt", "b.yaml"])).code, 1);
  }),
);

asRoot(
  "somebody else's configuration: an ordinary user's own and root's count, another user's does not",
  () =>
    inSandbox(async (box) => {
      for (const folder of [box.root, box.folder, box.home]) chmodSync(folder, 0o755);
      const path = box.write(".sops.yaml", `creation_rules:\n  - age: ${OTHER_RECIPIENT}\n`);
      box.write("a.yaml", "a: 1\n");
      const encrypt = ["encrypt", "a.yaml"];
      const roots = await asUser(1002, box, encrypt);
      assert.is(roots.code, 0, roots.stderr);
      chownSync(path, STRANGER, STRANGER);
      const [found, named, own] = await Promise.all([
        asUser(1002, box, encrypt),
        asUser(1002, box, [...encrypt, "--config", path]),
        asUser(STRANGER, box, encrypt),
      ]);
      assert.is(found!.code, 1);
      assert.match(found!.stderr, `belongs to user ${STRANGER}, and you are user 1002: it is not used`);
      assert.equal([named!.code, own!.code], [0, 0]);
    }),
);

asRoot("a user whom the system does not know, without a home: nothing of the working folder is theirs", () =>
  inSandbox(async (box) => {
    for (const folder of [box.root, box.folder]) chmodSync(folder, 0o755);
    box.write(".sops.yaml", `creation_rules:\n  - age: ${OTHER_RECIPIENT}\n`);
    box.write("a.yaml", "a: 1\n");
    mkdirSync(box.path(".config/tsops"), { recursive: true });
    box.write(".config/tsops/config.json5", "{ broken");
    for (const HOME of [undefined, "", "."]) {
      const { code, stderr } = await asUser(54321, box, ["encrypt", "a.yaml"], { HOME });
      assert.is(code, 0, stderr);
    }
  }),
);

asRoot("somebody else's files in the user's own folders approve nothing", () =>
  listening((listener) =>
    inSandbox(async (box) => {
      credentials(box, listener.port);
      const { metadata, key, value } = kindsAt(listener.port).vault!;
      box.write(".sopsrc", `{ rules: [{ recipients: [${key}] }] }`);
      box.write("s.json", encryptedFor(metadata));
      await box.run(["allow"]);
      chownSync(join(box.home, APPROVED), STRANGER, STRANGER);
      await box.run(["decrypt", "s.json"]);
      const own = join(box.home, ".config", "tsops", "config.json5");
      mkdirSync(dirname(own), { recursive: true });
      writeFileSync(own, `{ allow: { vault: ["${value}"] } }`);
      chownSync(own, STRANGER, STRANGER);
      assert.match((await box.run(["decrypt", "s.json"])).stderr, `it belongs to user ${STRANGER}`);
      assert.is(listener.connections(), 0);
    }),
  ),
);

test.run();
