import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import { IDENTITY_FILE, RECIPIENT } from "../support/cli.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/**
 * What whole runs ask of AWS, by the trace of a server that others made (roto-aws), and behind a proxy of others that
 * makes calls fail (microburst). No double of ours counts here.
 */

const COUNT = 200;
const FILES = Array.from({ length: COUNT }, (_, i) => `d${i % 4}/f${i}.yaml`);
const MAX_OPEN = 256;
const AWS = {
  AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
};
const ROLE = "arn:aws:iam::123456789012:role/sops";

const [port, faultsPort] = (await freePorts(2)) as [number, number];
const roto = `http://127.0.0.1:${port}`;
const faults = `http://127.0.0.1:${faultsPort}`;
const trace = join(scratch(), "trace.jsonl");
await startServer({
  argv: [installed("ROTO"), "--port", String(port), "--ephemeral", "--trace", trace],
  ready: () => answers(roto),
});
await startServer({
  argv: [installed("MICROBURST"), "-u", roto, "--port", String(faultsPort), "--host", "127.0.0.1"],
  ready: () => answers(`${faults}/_microburst/rules`, 200),
});

let seen = 0;
/** What the server was asked since the last time, by its own trace: calls that succeeded. */
function calls(): Record<string, number> {
  const lines = readFileSync(trace, "utf8").split("\n").slice(0, -1);
  const counts: Record<string, number> = {};
  for (const line of lines.slice(seen)) {
    const { service, operation, outcome } = JSON.parse(line) as Record<string, string>;
    if (operation === undefined || operation === null) continue;
    const name = `${service}:${operation}${outcome === "success" ? "" : ` (${outcome})`}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  seen = lines.length;
  return counts;
}

async function newKey(): Promise<string> {
  const credentials = { accessKeyId: AWS.AWS_ACCESS_KEY_ID, secretAccessKey: AWS.AWS_SECRET_ACCESS_KEY };
  const client = newAwsClient(() => new KMS({ endpoint: roto, region: AWS.AWS_REGION, credentials }));
  const arn = (await client.createKey({})).KeyMetadata!.Arn!;
  calls();
  return arn;
}

interface Place {
  readonly folder: string;
  configure(rule: string): void;
  run(
    argv: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ code: number; said: string }>;
}

/** A folder of files in plaintext, and the built program in it, which may have few files open. */
function place(): Place {
  const folder = scratch();
  for (const inner of ["home", "d0", "d1", "d2", "d3"]) mkdirSync(join(folder, inner));
  for (const name of FILES) writeFileSync(join(folder, name), `name: ${name}\nport: 5432\n`);
  return {
    folder,
    configure: (rule) =>
      writeFileSync(join(folder, ".sopsrc"), `{ rules: [{ glob: "**/*.yaml", ${rule} }] }`),
    async run(argv, env = {}) {
      const shell = `ulimit -n ${MAX_OPEN} && exec "$@"`;
      const child = spawn("sh", ["-c", shell, "sh", ...argvOf(installed("TSOPS")), ...argv], {
        cwd: folder,
        env: {
          ...AWS,
          PATH: process.env.PATH,
          HOME: join(folder, "home"),
          AWS_ENDPOINT_URL: roto,
          TSOPS_ALLOW: `aws_role=${ROLE}`,
          ...env,
        },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      const code = await new Promise<number>((resolve) => child.on("close", (exit) => resolve(exit ?? -1)));
      return { code, said };
    },
  };
}

async function steps(
  { run }: Place,
  list: readonly (readonly [readonly string[], string, Record<string, number>])[],
): Promise<void> {
  for (const [argv, summary, expected] of list) {
    const { code, said } = await run(argv);
    assert.is(code, 0, said.slice(-2000));
    assert.match(said, summary);
    assert.equal(calls(), expected, argv.join(" "));
  }
}

test("each file has a key of its own: as many calls as files, and one where the key is looked at", async () => {
  const arn = await newKey();
  const box = place();
  box.configure(`recipients: ["awskms://${arn}"]`);
  await steps(box, [
    [["encrypt", "-i", "."], "encrypted 200 of 200 files", { "kms:Encrypt": 200 }],
    [["decrypt", "--output", "out", ...FILES], "decrypted 200 of 200", { "kms:Decrypt": 200 }],
    [["rotate", "-i", ...FILES], "rotated 200 of 200 files", { "kms:Decrypt": 200, "kms:Encrypt": 200 }],
  ]);
  box.configure(`recipients: ["awskms://${arn}", "age:${RECIPIENT}"]`);
  await steps(box, [
    [["updatekeys", "-y", ...FILES], "synced 200 of 200 files", { "kms:Decrypt": 200 }],
    [["updatekeys", "-y", ...FILES], "synced 0 of 200 files, 200 up to date", {}],
    [["rotate", "-i", "--older-than", "1h", ...FILES], "200 not older than", {}],
  ]);
  const doctor = await box.run(["doctor", ...FILES]);
  assert.is(doctor.code, 0, doctor.said);
  const asked = Object.values(calls()).reduce((sum, count) => sum + count, 0);
  assert.is(asked, 1, "doctor asks the key once");
});

test("with a role: one login a run", async () => {
  const arn = await newKey();
  const box = place();
  box.configure(`recipients: ["awskms://${arn}+${ROLE}"]`);
  const login = { "sts:AssumeRole": 1 };
  await steps(box, [
    [["encrypt", "-i", "."], "encrypted 200 of 200 files", { ...login, "kms:Encrypt": 200 }],
    [["rotate", "-i", ...FILES], "rotated 200 of 200", { ...login, "kms:Decrypt": 200, "kms:Encrypt": 200 }],
  ]);
});

for (const [shares, count] of [
  ["folder", 4],
  ["rule", 1],
] as const) {
  test(`files that share a data key by ${shares}: ${count} of each call for 200 files`, async () => {
    const arn = await newKey();
    const box = place();
    box.configure(`recipients: ["awskms://${arn}"], share_data_key: "${shares}"`);
    const both = { "kms:Decrypt": count, "kms:Encrypt": count };
    await steps(box, [
      [["encrypt", "-i", "."], "encrypted 200 of 200 files", { "kms:Encrypt": count }],
      [["decrypt", "--output", "out", ...FILES], "decrypted 200 of 200", { "kms:Decrypt": count }],
      [["rotate", "-i", ...FILES], "rotated 200 of 200 files", both],
    ]);
    box.configure(`recipients: ["awskms://${arn}", "age:${RECIPIENT}"], share_data_key: "${shares}"`);
    await steps(box, [[["updatekeys", "-y", ...FILES], "synced 200 of 200", { "kms:Decrypt": count }]]);
    // who is let out: a new data key for all of them
    box.configure(`recipients: ["awskms://${arn}"], share_data_key: "${shares}"`);
    await steps(box, [[["updatekeys", "-y", ...FILES], "synced 200 of 200", both]]);
    const old = await box.run(["decrypt", FILES[0]!], {
      SOPS_AGE_KEY_FILE: IDENTITY_FILE,
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
    });
    assert.is(old.code, 128, "whoever was let out opens nothing");
  });
}

test("microburst throttles four calls of five: of 200 files none is lost", async () => {
  const arn = await newKey();
  const box = place();
  box.configure(`recipients: ["awskms://${arn}"]`);
  const rule = [{ service: "kms", probability: 0.8, error: { code: "ThrottlingException" } }];
  const set = await fetch(`${faults}/_microburst/rules`, { method: "POST", body: JSON.stringify(rule) });
  assert.ok(set.ok, await set.text());
  const env = { AWS_ENDPOINT_URL: faults };
  const { code, said } = await box.run(["encrypt", "-i", "."], env);
  assert.is(code, 0, said.slice(-2000));
  assert.match(said, "encrypted 200 of 200 files");
  assert.equal(calls(), { "kms:Encrypt": 200 }, "what came through");
  const rules = (await (await fetch(`${faults}/_microburst/rules`)).json()) as { fired_count: number }[];
  assert.ok(rules[0]!.fired_count > 200, `${rules[0]!.fired_count} calls were throttled`);
});

test.run();
