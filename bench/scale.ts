/*
 * npm run bench:scale [-- FILES]: what the commands cost on many files (5,000 unless another number is given) with age and with
 * AWS KMS (moto, which is installed once): CPU, peak memory, and calls as the server counts them, where a process may have
 * 256 files open. Prints the table of docs/performance.md, and writes it there if there are 5,000.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KMS } from "@aws-sdk/client-kms";
import { installServers } from "../scripts/servers.mjs";
import { newAwsClient } from "../src/keys/aws/client.ts";
import { answers, freePorts, startServer } from "../test/support/integration/servers.ts";
import { yamlDocument } from "./documents.ts";
import { cpuAndMemory } from "./measure.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const keys = join(root, "fixtures", "golden", "keys");
const launcher = process.env.TSOPS || join(root, "bin", "tsops.js");
const PAGE = join(root, "docs", "performance.md");
const PLACE = /(<!-- made by bench\/scale\.ts -->\n\n)[\s\S]*?(\n\n)/;
const WHOLE = 5000;
const MAX_OPEN = 256;
const VALUES = 10;
const AWS = { AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0", AWS_SECRET_ACCESS_KEY: "secret" };

const publicKey = (name: string): string => readFileSync(join(keys, name), "utf8").trim();
const [AGE, OTHER] = [publicKey("age1.pub"), publicKey("age2.pub")];

/** What a command costs with one kind of key. */
interface Cost {
  readonly cpu: number;
  readonly memory: number;
  readonly calls: number;
}

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
  /** The rule gets another recipient first. */
  readonly grows?: true;
}

const STEPS: readonly Step[] = [
  { name: "`encrypt -i`", argv: ["encrypt", "-i", "."] },
  { name: "`status`", argv: ["status"] },
  { name: "`decrypt --output`", argv: ["decrypt", "--output", "../out", "."] },
  { name: "`rotate -i`", argv: ["rotate", "-i", "."] },
  { name: "`updatekeys -y`, an age recipient more", argv: ["updatekeys", "-y", "."], grows: true },
  { name: "`updatekeys -y`, all up to date", argv: ["updatekeys", "-y", "."] },
  { name: "`doctor`", argv: ["doctor", "."] },
];

const scratch = mkdtempSync(join(tmpdir(), "tsops-scale-"));
try {
  await main(Number(process.argv[2] ?? WHOLE));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
// the server ends with this process
process.exit();

async function main(count: number): Promise<void> {
  if (!Number.isInteger(count) || count < 1) throw new Error("the number of files is not a number");
  if (!existsSync(launcher)) throw new Error("the program is not built: run `npm run build` first");
  const { endpoint, arn, callsSince } = await startAws();
  const env = {
    ...AWS,
    PATH: process.env.PATH ?? "",
    AWS_ENDPOINT_URL: endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
    SOPS_AGE_KEY_FILE: join(keys, "age1.txt"),
  };
  const age = await costsOf(
    count,
    { place: "age", rule: `age: ${AGE}`, more: `age: ${AGE},${OTHER}` },
    env,
    () => 0,
  );
  const aws = await costsOf(
    count,
    { place: "aws", rule: `kms: ${arn}`, more: `kms: ${arn}\n    age: ${AGE}` },
    env,
    callsSince,
  );
  const table = tableOf(age, aws);
  console.log(`${count} files of ${VALUES} values\n\n${table}`);
  if (count === WHOLE) writeTable(table);
}

interface Rules {
  readonly place: string;
  /** The creation rule, and the same with one recipient more. */
  readonly rule: string;
  readonly more: string;
}

/** A repository with so many files, worked on step by step. */
async function costsOf(
  count: number,
  { place, rule, more }: Rules,
  env: Readonly<Record<string, string>>,
  callsSince: () => number,
): Promise<Cost[]> {
  const folder = join(scratch, place, "repository");
  const home = join(scratch, place, "home");
  for (const path of [folder, home]) mkdirSync(path, { recursive: true });
  execFileSync("git", ["init", "--quiet", folder], { env: { PATH: env.PATH, HOME: home } });
  for (let i = 0; i < count; i++) {
    const inner = join(folder, `d${i % 50}`);
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, `f${i}.yaml`), yamlDocument(VALUES));
  }
  const configure = (recipients: string) =>
    writeFileSync(
      join(folder, ".sops.yaml"),
      `creation_rules:\n  - path_regex: \\.yaml$\n    ${recipients}\n`,
    );
  configure(rule);
  const costs: Cost[] = [];
  for (const { name, argv, grows } of STEPS) {
    if (grows) configure(more);
    callsSince();
    const command = [process.execPath, launcher, ...argv] as const;
    const { cpu, memory } = await cpuAndMemory(
      { argv: command, cwd: folder, env: { ...env, HOME: home } },
      MAX_OPEN,
    );
    costs.push({ cpu, memory, calls: callsSince() });
    console.error(`${place}: ${name}: ${cpu.toFixed(1)} s`);
  }
  return costs;
}

function tableOf(age: readonly Cost[], aws: readonly Cost[]): string {
  const seconds = ({ cpu }: Cost) => `${cpu.toFixed(1)} s`;
  const mebibytes = ({ memory }: Cost) => `${Math.round(memory / 2 ** 20)} MiB`;
  const rows = STEPS.map(({ name }, i) => {
    const [one, other] = [age[i]!, aws[i]!];
    const calls = other.calls.toLocaleString("en");
    return `| ${name} | ${seconds(one)} | ${mebibytes(one)} | ${calls} | ${seconds(other)} | ${mebibytes(other)} |`;
  });
  return [
    "| command | age: CPU | peak memory | AWS KMS: calls | CPU | peak memory |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function writeTable(table: string): void {
  const page = readFileSync(PAGE, "utf8");
  if (!PLACE.test(page)) throw new Error(`${PAGE} has no place for the table`);
  writeFileSync(PAGE, page.replace(PLACE, `$1${table}$2`));
}

/** moto with one key, behind a server that counts what is asked. */
async function startAws(): Promise<{ endpoint: string; arn: string; callsSince: () => number }> {
  const { MOTO } = await installServers();
  const [port] = (await freePorts(1)) as [number];
  const moto = `http://127.0.0.1:${port}`;
  await startServer({
    argv: [MOTO!, "-H", "127.0.0.1", "-p", String(port)],
    ready: () => answers(`${moto}/moto-api/`, 200),
  });
  const credentials = { accessKeyId: AWS.AWS_ACCESS_KEY_ID, secretAccessKey: AWS.AWS_SECRET_ACCESS_KEY };
  const admin = newAwsClient(() => new KMS({ endpoint: moto, region: "us-east-1", credentials }));
  const arn = (await admin.createKey({})).KeyMetadata!.Arn!;
  let calls = 0;
  const counter = createServer(async (request, response) => {
    calls++;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization = "", "content-type": type = "", "x-amz-target": target } = request.headers;
    const answer = await fetch(moto, {
      method: "POST",
      headers: { authorization, "content-type": type, "x-amz-target": String(target) },
      body: Buffer.concat(chunks),
    });
    response
      .writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" })
      .end(Buffer.from(await answer.arrayBuffer()));
  });
  counter.keepAliveTimeout = 60_000;
  const endpoint = `http://127.0.0.1:${await listening(counter)}`;
  const callsSince = (): number => {
    const count = calls;
    calls = 0;
    return count;
  };
  return { endpoint, arn, callsSince };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
