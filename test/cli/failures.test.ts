import { randomUUID } from "node:crypto";
import { chmodSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { alike } from "../../src/cli/alike.ts";
import { TsopsError } from "../../src/errors.ts";
import { inSandbox, type Sandbox } from "../support/cli.ts";
import { closeDoubles, double } from "../support/servers/aws.ts";
import { ARN, answerOf, awsEnvironment } from "../support/servers/counting-kms.ts";
import { fakeVault, stopServers } from "../support/servers/vault.ts";

/** How many blocks of lines begin with a file's name or path. */
const blocks = (stderr: string): number => stderr.match(/^tsops: \S*:/gm)?.length ?? 0;

async function encrypted(
  box: Sandbox,
  names: readonly string[],
  ...options: readonly string[]
): Promise<void> {
  for (const name of names) box.write(name, `a: ${name}\n`);
  const { code, stderr } = await box.run(["encrypt", "-i", "--input-type", "yaml", ...options, ...names]);
  assert.is(code, 0, stderr);
}

test("files that are not there: one is named, and how many more there are", () =>
  inSandbox(async (box) => {
    const names = ["no1.yaml", "no2.yaml", "no3.yaml", "no4.yaml"];
    const { stderr } = await box.run(["rotate", "-i", ...names]);
    assert.is(blocks(stderr), 1, stderr);
    assert.match(stderr, "no1.yaml: ");
    assert.match(stderr, "  the same for 3 more files; --verbose lists them");
    const all = await box.run(["rotate", "-i", "--verbose", ...names]);
    assert.match(all.stderr, "  the same for:\n    no2.yaml\n    no3.yaml\n    no4.yaml\n");
    // so few are named each
    assert.is(blocks((await box.run(["rotate", "-i", "no1.yaml", "no2.yaml"])).stderr), 2);
  }));

if (process.getuid?.() !== 0)
  test("files that may not be read: how many more there are", () =>
    inSandbox(async (box) => {
      const names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
      await encrypted(box, names);
      for (const name of names) chmodSync(box.path(name), 0);
      assert.match((await box.run(["rotate", "-i", ...names])).stderr, "the same for 3 more files");
    }));

test("names of one letter, which are in every sentence, do not make errors differ", () =>
  inSandbox(async (box) => {
    const names = ["a", "b", "c", "d", "e", "f"];
    await encrypted(box, names);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const { stderr } = await box.run(["decrypt", "--input-type", "yaml", "--output", "o", ...names]);
    assert.is(blocks(stderr), 1, stderr);
    assert.match(stderr, "the same for 5 more files");
  }));

test("more kinds of errors than are shown: how many errors and how many files are left", () =>
  inSandbox(async (box) => {
    const kinds = Array.from({ length: 23 }, (_, i) => i);
    const names = kinds.flatMap((i) => ["x", "y", "z"].map((end) => `k${i}${end}.yaml`));
    await encrypted(box, ["one.yaml"]);
    const text = box.read("one.yaml");
    // each kind of three files has its value at another place
    for (const name of names) box.write(name, text.replace(/^a:/, `${name.replace(/.\.yaml/, "")}:`));
    const { stderr } = await box.run(["rotate", "-i", ...names]);
    assert.is(blocks(stderr), 20, stderr);
    assert.match(stderr, "tsops: and 3 other errors of 9 files; --verbose shows them");
    assert.match(stderr, "rotated 0 of 69 files, 69 failed");
  }));

test("what a server says differently in each answer is the same error, and it is said that ids differ", async () => {
  await inSandbox(async (box) => {
    let refuses = false;
    const { address } = await fakeVault(({ path }) => {
      if (path.includes("/encrypt/"))
        return { body: { data: { ciphertext: `vault:v1:${btoa(String(Math.random()))}` } } };
      if (!refuses) return { body: { data: { name: "k", type: "aes256-gcm96", keys: { 1: 1 } } } };
      return {
        status: 400,
        body: { errors: [`not now, request ${randomUUID()}, trace_id=${Date.now()}${Math.random()}`] },
      };
    });
    box.env = { ...box.env, VAULT_ADDR: address, VAULT_TOKEN: "t", SOPS_AGE_RECIPIENTS: undefined };
    const names = Array.from({ length: 6 }, (_, i) => `f${i}.yaml`);
    await encrypted(box, names, "--hc-vault-transit", `${address}/v1/transit/keys/k`);
    refuses = true;
    const { stderr } = await box.run(["rotate", "-i", ...names]);
    assert.is(blocks(stderr), 1, stderr);
    assert.match(stderr, "not now, request");
    assert.match(stderr, "  the same but for ids or times in it for 5 more files; --verbose shows them");
    const all = await box.run(["rotate", "-i", "--verbose", ...names]);
    assert.is(all.stderr.match(/^tsops: f\d\.yaml: Failed to get the data key/gm)?.length, 6);
  });
});

for (const [what, answer] of [
  ["never answers", { silent: true }],
  ["breaks each connection", { broken: true }],
] as const) {
  test(`a service that ${what}: one error for all files, after three calls in a row`, () =>
    inSandbox(async (box) => {
      const works = await double(answerOf);
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      const names = Array.from({ length: 40 }, (_, i) => `f${String(i).padStart(2, "0")}.yaml`);
      for (const name of names) box.write(name, "a: x\n");
      for (const argv of [
        ["encrypt", "-i", "--kms", ARN],
        ["rotate", "-i"],
        ["decrypt", "-i"],
      ]) {
        // a call that breaks must come to its end before its time is over, however slow the machine is
        const hangs = "silent" in answer;
        box.env.TSOPS_KMS_TIMEOUT = hangs ? "0.3" : "600";
        for (const jobs of hangs ? ["1", "16"] : ["16"]) {
          // each run has its own, since what was asked last may arrive after the run has ended
          const service = await double(() => answer);
          box.env = { ...box.env, ...awsEnvironment(service) };
          const { code, stderr } = await box.run([...argv, "--jobs", jobs, ...names]);
          assert.is(code, 1);
          assert.is(blocks(stderr), 1, stderr);
          assert.match(stderr, /^ {2}the same for 39 more files; --verbose lists them$/m);
          assert.match(stderr, "0 of 40 files, 40 failed");
          if (!hangs) continue;
          assert.match(stderr, "it did not answer within 0.3 seconds");
          // so few calls that none waited behind more than two others that came to nothing
          assert.ok(service.asked.length <= Number(jobs) + 2, String(service.asked.length));
        }
        if (argv[0] !== "encrypt") continue;
        box.env = { ...box.env, ...awsEnvironment(works), TSOPS_KMS_TIMEOUT: undefined };
        assert.is((await box.run([...argv, ...names])).code, 0);
      }
    }));
}

const error = (message: string, place = {}): TsopsError =>
  new TsopsError("bad-key", message, { place, hint: "see" });
const kindsOf = (...texts: readonly string[]): number =>
  alike(
    texts.map((text, i) => ({ name: `file${i}`, error: error(text) })),
    "/w",
    false,
  ).length;

test("ids of requests and times do not make errors differ; keys, servers and places do", () => {
  const id = (digit: number): string => `${digit}f3c1a2b-9d0e-4f1a-8b2c-3d4e5f6a7b8c`;
  assert.is(kindsOf(`request ${id(1)}`, `request ${id(2)}`), 1);
  assert.is(kindsOf("RequestId: 4A7B9C1D2E", "RequestId: 5A7B9C1D2F"), 1);
  assert.is(kindsOf("request_id=4a7b9c1d2e.", "request_id=5a7b9c1d2f."), 1);
  assert.is(kindsOf("req-4a7b9c1d2e failed", "req-5a7b9c1d2f failed"), 1);
  assert.is(kindsOf("left alone for 57 seconds", "left alone for 9 seconds"), 1);
  assert.is(kindsOf("at 2026-03-01T12:00:00Z", "at 2026-03-01T12:00:01.5Z"), 1);
  assert.is(kindsOf(`the file /w/file0: ${id(1)}`, `the file /w/file1: ${id(2)}`), 1);
  for (const [one, other] of [
    [
      `key arn:aws:kms:eu-west-1:111122223333:key/${id(1)}`,
      `key arn:aws:kms:eu-west-1:111122223333:key/${id(2)}`,
    ],
    [`key eu-west-101:${id(1)}`, `key eu-west-101:${id(2)}`],
    ["the key sops-2025", "the key sops-2026"],
    ["age age1w6xwrwe0e0e2396wh43rw", "age age1rfckf8ds57u0x30uplswhg"],
    ["PGP 85D77543B3D624B63CEA9E6DBC17301B491B3F21", "PGP 95D77543B3D624B63CEA9E6DBC17301B491B3F21"],
    ["the master key 0123456789abcdef", "the master key 1123456789abcdef"],
    ["at https://vault1.example.com:8200", "at https://vault2.example.com:8200"],
    ["at server1234.example.com", "at server1235.example.com"],
    ["status 500", "status 503"],
    ["2 of 3 groups", "1 of 3 groups"],
  ] as const)
    assert.is(kindsOf(one, other), 2, one);
  const at = (line: number) => ({ name: "x", error: error("same", { file: "/etc/sops.yaml", line }) });
  assert.is(alike([at(12345), at(12346)], "/w", false).length, 2, "lines are no ids");
});

test.after(stopServers);
test.after(closeDoubles);
test.run();
