import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import { IDENTITY_FILE, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/** Runs over many files where the system lets a process open few, with age and with AWS KMS (moto). */

const FILES = Array.from({ length: 400 }, (_, i) => `f${String(i).padStart(3, "0")}.yaml`);
const MAX_OPEN = 128;
const KEYS = { AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0", AWS_SECRET_ACCESS_KEY: "secret" };

const [port] = (await freePorts(1)) as [number];
const moto = `http://127.0.0.1:${port}`;
await startServer({
  argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(port)],
  ready: () => answers(`${moto}/moto-api/`, 200),
});

/** Stands before moto and counts calls and connections. */
let calls: Record<string, number> = {};
let open = 0;
let mostOpen = 0;
const counter = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const target = String(request.headers["x-amz-target"]);
  const action = target.replace(/^.*\./, "");
  calls[action] = (calls[action] ?? 0) + 1;
  const { authorization = "", "content-type": type = "" } = request.headers;
  const answer = await fetch(moto, {
    method: "POST",
    headers: { authorization, "content-type": type, "x-amz-target": target },
    body: Buffer.concat(chunks),
  });
  response
    .writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" })
    .end(Buffer.from(await answer.arrayBuffer()));
});
counter.keepAliveTimeout = 60_000;
counter.on("connection", (socket) => {
  mostOpen = Math.max(mostOpen, ++open);
  socket.on("close", () => open--);
});
await new Promise<void>((resolve) => counter.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${(counter.address() as AddressInfo).port}`;

/** What was asked since the last time, and how many connections were open at once. */
function asked(): { calls: Record<string, number>; mostOpen: number } {
  const found = { calls, mostOpen };
  calls = {};
  mostOpen = open;
  return found;
}

/** The built program, which may open few files, sockets included. */
async function tsops(folder: string, argv: readonly string[]): Promise<string> {
  const shell = `ulimit -n ${MAX_OPEN} && exec "$@"`;
  const child = spawn("sh", ["-c", shell, "sh", ...argvOf(installed("TSOPS")), ...argv], {
    cwd: folder,
    env: {
      ...KEYS,
      PATH: process.env.PATH,
      HOME: join(folder, "home"),
      AWS_ENDPOINT_URL: endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      SOPS_AGE_KEY_FILE: IDENTITY_FILE,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(code, 0, said.slice(-2000));
  return said;
}

function folderWith(rule: string): { folder: string; withRule: (keys: string) => void } {
  const folder = scratch();
  mkdirSync(join(folder, "home"));
  for (const name of FILES) writeFileSync(join(folder, name), `name: ${name}\nport: 5432\n`);
  const withRule = (keys: string) =>
    writeFileSync(join(folder, ".sops.yaml"), `creation_rules:\n  - ${keys}\n`);
  withRule(rule);
  return { folder, withRule };
}

test("400 files with age pass where 128 files may be open", async () => {
  const { folder, withRule } = folderWith(`age: ${RECIPIENT}`);
  assert.match(await tsops(folder, ["encrypt", "-i", ...FILES]), "encrypted 400 of 400 files");
  assert.match(await tsops(folder, ["decrypt", "--output", "out", ...FILES]), "decrypted 400 of 400 files");
  assert.match(await tsops(folder, ["rotate", "-i", ...FILES]), "rotated 400 of 400 files");
  withRule(`age: ${RECIPIENT},${OTHER_RECIPIENT}`);
  assert.match(await tsops(folder, ["updatekeys", "-y", ...FILES]), "synced 400 of 400 files");
});

test("400 files with AWS KMS pass, too: a connection for each file that is worked on, and no call too many", async () => {
  const admin = newAwsClient(
    () =>
      new KMS({
        endpoint: moto,
        region: "us-east-1",
        credentials: { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY },
      }),
  );
  const arn = (await admin.createKey({})).KeyMetadata!.Arn!;
  const { folder, withRule } = folderWith(`kms: ${arn}`);
  const steps: readonly [readonly string[], string, Record<string, number>, string?][] = [
    [["encrypt", "-i"], "encrypted 400 of 400 files", { Encrypt: 400 }],
    [["decrypt", "--output", "out"], "decrypted 400 of 400 files", { Decrypt: 400 }],
    [["rotate", "-i"], "rotated 400 of 400 files", { Decrypt: 400, Encrypt: 400 }],
    [["updatekeys", "-y"], "synced 400 of 400 files", { Decrypt: 400 }, `kms: ${arn}\n    age: ${RECIPIENT}`],
    [["updatekeys", "-y"], "synced 0 of 400 files, 400 up to date", {}],
    [["rotate", "-i", "--older-than", "1h"], "rotated 0 of 400 files, 400 not older than", {}],
  ];
  for (const [argv, said, expected, rule] of steps) {
    if (rule !== undefined) withRule(rule);
    assert.match(await tsops(folder, [...argv, ...FILES]), said);
    const { calls, mostOpen } = asked();
    assert.equal(calls, expected, argv.join(" "));
    assert.ok(mostOpen <= 16, `${argv.join(" ")}: ${mostOpen} connections at once`);
  }
  const few = await tsops(folder, ["decrypt", "--jobs", "4", "--output", "few", ...FILES]);
  assert.match(few, "decrypted 400 of 400 files");
  assert.ok(asked().mostOpen <= 4);
});

test.after(() => {
  counter.close();
  counter.closeAllConnections();
});
test.run();
