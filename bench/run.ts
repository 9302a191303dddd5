/*
 * npm run bench [-- PART-OF-A-NAME …]: what tsops costs, against node itself and the real SOPS. All figures are CPU time, as ratios taken side by side in
 * one run. Without names everything is measured, which takes some minutes, most of them SOPS's, and docs/performance.md is written anew;
 * with names and --write, the lines of its table that were measured.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exePath } from "../scripts/exe.mjs";
import { REAL_SOPS_VERSION, realSopsPath } from "../scripts/real-sops.mjs";
import { jsonDocument, yamlDocument } from "./documents.ts";
import { measureEditor } from "./editor.ts";
import { measureFirstUse } from "./first-use.ts";
import { measureGitLog } from "./git-log.ts";
import { type Command, cpuSeconds, peakMemory, takingTurns } from "./measure.ts";
import { type Line, performancePage, tableOf, withLines } from "./report.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** `TSOPS` names another one than this checkout's: one that was installed. */
const launcher = process.env.TSOPS || join(root, "bin", "tsops.js");
/** `npm run build:exe` makes it. */
const executable = existsSync(exePath()) ? exePath() : undefined;
const keys = join(root, "fixtures", "golden", "keys");
const sopsPath = findSops();
const folder = mkdtempSync(join(tmpdir(), "tsops-bench-"));
const env = {
  HOME: folder,
  SOPS_DISABLE_VERSION_CHECK: "1",
  SOPS_AGE_KEY_FILE: join(keys, "age1.txt"),
  SOPS_AGE_RECIPIENTS: readFileSync(join(keys, "age1.pub"), "utf8").trim(),
};

/** SOPS takes one file at a time: it decrypts a sample, and its time is scaled. */
const SAMPLE = 50;

/** Each measures something and gives its lines of the table. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<Line[]>>> = {
  start: measureStart,
  "yaml-100000": measureYaml,
  "json-100000": measureJson,
  "json-20000": measureEncryptAndSet,
  linear: measureLinear,
  "files-1000": measureManyFiles,
  "status-1000": measureStatus,
  editor: measureEditors,
  "git-log": measureGitLogs,
  "first-use": measureFirstUses,
};

/** `npm run bench -- first-use=google,azure` measures those alone. */
let kindsOfKeys: readonly string[] = [];

try {
  await main(process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(given: string[]): Promise<void> {
  const page = join(root, "docs", "performance.md");
  const writes = given.includes("--write");
  const args = given.filter((argument) => argument !== "--write");
  const filters = args.map((argument) => {
    const [name, kinds] = argument.split("=");
    if (kinds) kindsOfKeys = kinds.split(",");
    return name!;
  });
  if (!existsSync(join(root, "dist", "program.cjs")))
    throw new Error("the program is not built: run `npm run build` first");
  const names = Object.keys(MEASUREMENTS).filter(
    (name) => filters.length === 0 || filters.some((part) => name.includes(part)),
  );
  if (names.length === 0)
    throw new Error(`there is no such measurement; there are ${Object.keys(MEASUREMENTS).join(", ")}`);
  if (!sopsPath)
    console.log(
      "The real SOPS is neither on the PATH nor where the tests install it: compared with node only.\n",
    );
  const lines: Line[] = [];
  for (const name of names) {
    const measured = await MEASUREMENTS[name]!();
    console.log(tableOf(measured));
    lines.push(...measured);
  }
  if (filters.length > 0) {
    if (writes) writeFileSync(page, withLines(readFileSync(page, "utf8"), lines));
    return;
  }
  if (!sopsPath) {
    console.log("docs/performance.md stays as it is: it needs the comparison with SOPS.");
    return;
  }
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
  const today = new Date().toISOString().slice(0, 10);
  const circumstances = { machine, today, node: process.versions.node, sops: REAL_SOPS_VERSION };
  writeFileSync(page, performancePage(lines, circumstances, readFileSync(page, "utf8")));
  console.log("written to docs/performance.md");
}

/** Where the tests install it, or on the PATH. */
function findSops(): string | undefined {
  const onPath = (process.env.PATH ?? "").split(":").map((part) => join(part, "sops"));
  return [realSopsPath(), ...onPath].find((path) => existsSync(path));
}

function tsops(...argv: string[]): Command {
  return { argv: [process.execPath, launcher, ...argv], cwd: folder, env };
}

function sops(...argv: string[]): Command {
  return { argv: [sopsPath!, ...argv], cwd: folder, env };
}

/** A file that tsops encrypted: both programs read the same. */
function encrypted(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  cpuSeconds(tsops("encrypt", "--in-place", name));
  return name;
}

async function measureStart(): Promise<Line[]> {
  const file = encrypted("ten.yaml", yamlDocument(10));
  const times = takingTurns(61, {
    ours: tsops("decrypt", file),
    theirs: { argv: [process.execPath, "-e", "0"], cwd: folder },
  });
  const what = "decrypt a YAML file of 10 values";
  const lines: Line[] = [{ what, against: "`node -e 0`", ...times, target: 1.45 }];
  if (!executable || !sopsPath) return lines;
  const beside = takingTurns(61, {
    ours: { argv: [executable, "decrypt", file], cwd: folder, env },
    theirs: sops("decrypt", file),
  });
  return [...lines, { what: `${what}, executable`, against: "SOPS", ...beside, target: 1.1 }];
}

async function measureYaml(): Promise<Line[]> {
  if (!sopsPath) return [];
  const file = encrypted("large.yaml", yamlDocument(100_000));
  writeFileSync(join(folder, "plain.yaml"), yamlDocument(100_000));
  const lines: Line[] = [];
  for (const [command, name, target] of [
    ["decrypt", file, 1 / 3],
    ["encrypt", "plain.yaml", 1],
    ["rotate", file, 1],
  ] as const) {
    const commands = { ours: tsops(command, name), theirs: sops(command, name) };
    // SOPS needs a minute for some of these
    const times = takingTurns(1, commands);
    const memory = { ours: await peakMemory(commands.ours), theirs: await peakMemory(commands.theirs) };
    const what = `${command} YAML, 100,000 values`;
    lines.push({ what, against: "SOPS", ...times, target });
    // encrypting and rotating read and decrypt their own result, which SOPS does not
    if (memory.ours && memory.theirs) {
      const bound = command === "decrypt" ? 1 : 2;
      const unit = "bytes";
      const both = { ours: memory.ours, theirs: memory.theirs };
      lines.push({ what: `${what}: peak memory`, against: "SOPS", ...both, target: bound, unit });
    }
  }
  return lines;
}

async function measureJson(): Promise<Line[]> {
  if (!sopsPath) return [];
  const file = encrypted("large.json", jsonDocument(100_000));
  const times = aroundOne(tsops("decrypt", file), sops("decrypt", file));
  return [{ what: "decrypt JSON, 100,000 values", against: "SOPS", ...times, target: 1 / 15 }];
}

async function measureEncryptAndSet(): Promise<Line[]> {
  if (!sopsPath) return [];
  writeFileSync(join(folder, "plain.json"), jsonDocument(20_000));
  const encrypt = aroundOne(tsops("encrypt", "plain.json"), sops("encrypt", "plain.json"));
  const ours = encrypted("ours.json", jsonDocument(20_000));
  copyFileSync(join(folder, ours), join(folder, "theirs.json"));
  const change = ['["service_200"]["setting_20"]', '"changed"'];
  const set = aroundOne(tsops("set", ours, ...change), sops("set", "theirs.json", ...change));
  return [
    { what: "encrypt JSON, 20,000 values", against: "SOPS", ...encrypt, target: 1 / 20 },
    { what: "`set` one value of 20,000 in JSON", against: "SOPS", ...set, target: 1 / 20 },
  ];
}

async function measureLinear(): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [format, document] of [
    ["yaml", yamlDocument],
    ["json", jsonDocument],
  ] as const) {
    const small = encrypted(`small.${format}`, document(10_000));
    const large = encrypted(`large.${format}`, document(100_000));
    const times = takingTurns(5, { theirs: tsops("decrypt", small), ours: tsops("decrypt", large) });
    lines.push({
      what: `decrypt 100,000 values of ${format.toUpperCase()}`,
      against: "10,000 values",
      ...times,
      target: 11,
    });
  }
  return lines;
}

async function measureEditors(): Promise<Line[]> {
  const small = encrypted("ten.yaml", yamlDocument(10));
  const large = encrypted("hundred-thousand.yaml", yamlDocument(100_000));
  return measureEditor({ launcher, small, large, cwd: folder, env });
}

async function measureFirstUses(): Promise<Line[]> {
  if (!sopsPath) return [];
  const npm = [process.execPath, launcher] as const;
  return measureFirstUse({ npm, executable, sops: sopsPath, keys, folder }, kindsOfKeys);
}

async function measureGitLogs(): Promise<Line[]> {
  if (!sopsPath) return [];
  return measureGitLog({ launcher, sops: sopsPath, keys, folder });
}

async function measureManyFiles(): Promise<Line[]> {
  if (!sopsPath) return [];
  mkdirSync(join(folder, "many"));
  const names = Array.from({ length: 1000 }, (_, i) => `many/${i}.yaml`);
  for (const name of names) writeFileSync(join(folder, name), yamlDocument(10));
  cpuSeconds(tsops("encrypt", "--in-place", ...names));
  const loop = 'for f in "$@"; do "$SOPS" decrypt "$f" >/dev/null || exit 1; done';
  const times = takingTurns(3, {
    ours: intoNewFolder(tsops("decrypt", "--output", "plain", ...names), "plain"),
    theirs: {
      argv: ["bash", "-c", loop, "bash", ...names.slice(0, SAMPLE)],
      cwd: folder,
      env: { ...env, SOPS: sopsPath },
    },
  });
  const theirs = (times.theirs * names.length) / SAMPLE;
  return [
    {
      what: "decrypt 1,000 YAML files of 10 values",
      against: `SOPS in a loop (${SAMPLE} of them, scaled)`,
      ours: times.ours,
      theirs,
      target: 1 / 10,
    },
  ];
}

/** What `status` says of a repository, without what every command takes to start; and what it costs to ask git. */
async function measureStatus(): Promise<Line[]> {
  const repository = join(folder, "repository");
  mkdirSync(repository);
  execFileSync("git", ["init", "--quiet", repository]);
  const names = Array.from({ length: 1000 }, (_, i) => `d${i % 20}/${i}.yaml`);
  for (const name of names) {
    mkdirSync(join(repository, name, ".."), { recursive: true });
    writeFileSync(join(repository, name), yamlDocument(10));
  }
  const here = (...argv: string[]): Command => ({ ...tsops(...argv), cwd: repository });
  cpuSeconds(here("encrypt", "--in-place", "."));
  const rule = `creation_rules:\n  - age: ${env.SOPS_AGE_RECIPIENTS}\n`;
  writeFileSync(join(repository, ".sops.yaml"), rule);
  const times = takingTurns(5, {
    status: here("status"),
    all: here("status", "--no-ignore"),
    start: here("--version", "--disable-version-check"),
  });
  return [
    {
      what: "`status` of 1,000 YAML files of 10 values, without the start of the program",
      against: "the aim",
      ours: times.status - times.start,
      theirs: 1,
      target: 1,
    },
    {
      what: "the same as a whole, git asked what is ignored",
      against: "`--no-ignore`",
      ours: times.status,
      theirs: times.all,
      target: 1.15,
    },
  ];
}

/** As in a deployment: files that replace others are flushed to the disk first, which SOPS, writing nowhere, is spared. */
function intoNewFolder({ argv, cwd, env: variables }: Command, output: string): Command {
  return {
    argv: ["bash", "-c", 'rm -rf "$0" && exec "$@"', output, ...argv],
    cwd,
    env: variables,
  };
}

/** One run of SOPS, which may take minutes, between two of tsops. */
function aroundOne(ours: Command, theirs: Command): { ours: number; theirs: number } {
  cpuSeconds(ours);
  const before = cpuSeconds(ours);
  const time = cpuSeconds(theirs);
  return { ours: (before + cpuSeconds(ours)) / 2, theirs: time };
}
