import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";
import {
  DELETED,
  DISABLED,
  ENABLED,
  EXPIRED_TOKEN,
  FORBIDDEN,
  KEY_PAIR,
  OTHER,
  PROJECT,
  startHuaweiDouble,
} from "../support/servers/huawei-kms.ts";

// The command line and the real SOPS, with the vendor's SDK for Go in it, against the same KMS. The vendor offers no
// server to test with: these are doubles, which check every signature. The second one is not the project's.

const TSOPS = installed("TSOPS");
const SOPS = installed("REAL_SOPS");
const SHARED =
  process.env.SHARED_SERVERS ?? fileURLToPath(new URL("../../../shared/servers", import.meta.url));
const PLAIN =
  "db:\n    # where it is\n    host: db.example.com\n    password: s3cret\nlist:\n    - 1\n    - two\n";

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Readonly<Record<string, string>>;

/** Runs a program without stopping this process, which answers as the KMS. */
function run(argv: readonly [string, ...string[]], cwd: string, env: Env): Promise<Result> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const tsops = (args: readonly string[], cwd: string, env: Env): Promise<Result> =>
  run([...argvOf(TSOPS), ...args], cwd, env);
const sops = (args: readonly string[], cwd: string, env: Env): Promise<Result> =>
  run([SOPS, ...args], cwd, env);

async function output(result: Promise<Result>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.is(code, 0, stderr);
  return stdout;
}

function bothWays(name: string, env: () => Env, id: string): void {
  test(`${name}: what the real SOPS encrypts opens here, and the reverse`, async () => {
    const folder = scratch();
    writeFileSync(join(folder, "plain.yaml"), PLAIN);
    writeFileSync(
      join(folder, "theirs.yaml"),
      await output(sops(["encrypt", "--hckms", id, "plain.yaml"], folder, env())),
    );
    assert.is(await output(tsops(["decrypt", "theirs.yaml"], folder, env())), PLAIN);
    writeFileSync(
      join(folder, "ours.yaml"),
      await output(tsops(["encrypt", "--hckms", id, "plain.yaml"], folder, env())),
    );
    assert.is(await output(sops(["decrypt", "ours.yaml"], folder, env())), PLAIN);
    const shape = (text: string): string[] =>
      Array.from(text.matchAll(/^ {8}[- ] (\w+):/gm), ([, field]) => field!);
    const texts = ["ours.yaml", "theirs.yaml"].map((file) => readFileSync(join(folder, file), "utf8"));
    assert.equal(shape(texts[0]!), ["created_at", "enc", "key_id"]);
    assert.equal(shape(texts[0]!), shape(texts[1]!));
  });

  test(`${name}: rotate and set here, and the real SOPS reads on`, async () => {
    const folder = scratch();
    writeFileSync(join(folder, "a.yaml"), PLAIN);
    await output(sops(["encrypt", "--in-place", "--hckms", id, "a.yaml"], folder, env()));
    await output(tsops(["set", "a.yaml", '["db"]["password"]', '"new"'], folder, env()));
    await output(tsops(["rotate", "--in-place", "a.yaml"], folder, env()));
    const opened = await output(
      sops(["decrypt", "--extract", '["db"]["password"]', "a.yaml"], folder, env()),
    );
    assert.is(opened, "new");
  });
}

const double = await startHuaweiDouble();
test.before.each(() => {
  double.next.length = 0;
  double.requests.length = 0;
});
test.after(() => double.close());
const ENV: Env = {
  HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: double.url,
  HUAWEICLOUD_SDK_AK: KEY_PAIR.ak,
  HUAWEICLOUD_SDK_SK: KEY_PAIR.sk,
  HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
};
const ID = `tr-west-1:${ENABLED}`;
bothWays("the project's double", () => ENV, ID);

if (existsSync(join(SHARED, "fake-huaweikms.mjs"))) {
  const [port] = await freePorts(1);
  const env: Env = {
    HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${port}`,
    HUAWEICLOUD_SDK_AK: "AKTEST",
    HUAWEICLOUD_SDK_SK: "SKTEST",
    HUAWEICLOUD_SDK_PROJECT_ID: "proj1",
  };
  await startServer({
    argv: [process.execPath, join(SHARED, "fake-huaweikms.mjs")],
    env: { PORT: String(port) },
    ready: () => answers(`http://127.0.0.1:${port}/`),
  });
  bothWays("another's double", () => env, ID);

  test("another's double: a wrong secret key, an unknown key, a disabled key", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "plain.yaml"), PLAIN);
    const wrap = async (id: string, more: Env = {}): Promise<string> => {
      const { code, stderr } = await tsops(["encrypt", "--hckms", id, "plain.yaml"], folder, {
        ...env,
        ...more,
      });
      assert.is(code, 1);
      return stderr;
    };
    assert.match(await wrap(ID, { HUAWEICLOUD_SDK_SK: "wrong" }), /secret key does not belong/);
    assert.match(await wrap(ID.replaceAll("1111", "8888")), /no such key/);
    assert.match(await wrap("tr-west-1:99999999-2222-3333-4444-555555555555"), /the key is disabled/);
  });
}

test("credentials from the file serve SOPS and this program alike", async () => {
  const folder = scratch();
  mkdirSync(join(folder, ".huaweicloud"));
  writeFileSync(
    join(folder, ".huaweicloud", "credentials"),
    `[basic]\nak = ${KEY_PAIR.ak}\nsk = ${KEY_PAIR.sk}\niam_endpoint = ${double.url}\n`,
  );
  const env = { HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: double.url };
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  for (const [one, other] of [
    [sops, tsops],
    [tsops, sops],
  ] as const) {
    writeFileSync(
      join(folder, "x.yaml"),
      await output(one(["encrypt", "--hckms", ID, "plain.yaml"], folder, env)),
    );
    assert.is(await output(other(["decrypt", "x.yaml"], folder, env)), PLAIN);
  }
  assert.ok(
    double.requests.filter((line) => line === "GET /v3/projects").length >= 4,
    "both asked for the project",
  );
});

const FAILURES: readonly [name: string, id: string, env: Env, message: RegExp][] = [
  [
    "no credentials",
    ENABLED,
    { HUAWEICLOUD_SDK_AK: "", HUAWEICLOUD_SDK_SK: "" },
    /HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK/,
  ],
  [
    "expired credentials",
    ENABLED,
    { HUAWEICLOUD_SDK_SECURITY_TOKEN: EXPIRED_TOKEN },
    /credentials have expired/,
  ],
  ["a wrong secret key", ENABLED, { HUAWEICLOUD_SDK_SK: "wrong" }, /secret key does not belong/],
  ["access denied", FORBIDDEN, {}, /may not use the key/],
  ["an unknown key", OTHER.replaceAll("2222", "7777"), {}, /no such key in this region/],
  ["a disabled key", DISABLED, {}, /the key is disabled/],
  ["a key that is being deleted", DELETED, {}, /going to be deleted/],
];
for (const [name, id, more, message] of FAILURES) {
  test(`the command line says of ${name} what it is`, async () => {
    const folder = scratch();
    writeFileSync(join(folder, "plain.yaml"), PLAIN);
    const env = { ...ENV, ...more };
    const { code, stdout, stderr } = await tsops(
      ["encrypt", "--hckms", `tr-west-1:${id}`, "plain.yaml"],
      folder,
      env,
    );
    assert.is(code, 1);
    assert.is(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, `tr-west-1:${id}`);
    for (const secret of [KEY_PAIR.sk, "s3cret"]) assert.not.ok(stderr.includes(secret));
  });
}

test("the report of a file whose key cannot be used: damaged, wrong region, malformed region, nothing there", async () => {
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const theirs = await output(sops(["encrypt", "--hckms", ID, "plain.yaml"], folder, ENV));
  const [dead] = await freePorts(1);
  const report = async (text: string, more: Env = {}): Promise<string> => {
    writeFileSync(join(folder, "x.yaml"), text);
    const { code, stderr } = await tsops(["decrypt", "x.yaml"], folder, {
      ...ENV,
      TSOPS_KMS_TIMEOUT: "5",
      ...more,
    });
    assert.is(code, 128, stderr);
    return stderr;
  };
  const enc = /enc: (\S{40})(\S)/;
  const damaged = theirs.replace(
    enc,
    (_, head: string, char: string) => `enc: ${head}${char === "A" ? "B" : "A"}`,
  );
  assert.match(await report(damaged), /damaged/);
  assert.match(await report(theirs.replace("tr-west-1:", "cn-moon-9:")), /no KMS in a region cn-moon-9/);
  assert.match(await report(theirs.replace("tr-west-1:", "evil.example/:")), /not the name of a region/);
  const address = { HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${dead}` };
  assert.match(await report(theirs, address), /nothing listens there/);
  const headers = { "retry-after": "3600" };
  double.next.push(...Array.from({ length: 9 }, () => ({ status: 429, code: "APIGW.0308", headers })));
  assert.match(await report(theirs), /too many requests/);
});

test.run();
