// Runs the tests: node scripts/test.mjs [--cli | --interop | --integration | --callers | --exe | --release] [FILE | FOLDER | PART …]
//
//   (nothing)      all tests that need nothing but this checkout
//   --cli          the golden cases with the built program, and the package that is published
//   --interop      against the real SOPS, which is installed once
//   --integration  against real key management servers
//   --callers      with programs of others that call SOPS or read its files
//   --exe          what runs the command line, with the executable (scripts/exe.mjs), and tests of that itself
//   --release      what `npm run release:dry` has made, and the workflows that publish it
//
//   test/cli/args.test.ts   only this file
//   test/keys               only the files of this folder
//   yaml/spell              only files with this in their name
//
// Several of the last three may be given; each must be there. All is compiled once (scripts/compile-tests.mjs), and each
// test file runs in a process of its own, some side by side: more than there are cores, since some wait for servers.
// The last line says how many tests passed and failed; above it stand the names of those that failed. A file that dies,
// or that runs no test, counts as a failure. One file alone, from its source: node --import tsx test/cli/args.test.ts
//
// TSOPS_PROGRAM=PATH in the environment names another program for all of them to start: an executable, or the script or
// link of an installed package. Command lines that tests run in their own process are given to it, too. Tests and
// program run on the Node that runs this script.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { installCallers } from "./callers.mjs";
import { compileTests } from "./compile-tests.mjs";
import { exePath } from "./exe.mjs";
import { installRealSops } from "./real-sops.mjs";
import { installActionlint, installServers } from "./servers.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const APART = [
  "test/interop/",
  "test/integration/",
  "test/callers/",
  "test/package/",
  "test/exe/",
  "test/release/",
];
/** What starts the command line, or gives it command lines. */
const OF_PROGRAM = [
  "test/cli/",
  "test/editor/",
  "test/exe/",
  "test/exec/",
  "test/keyservice/",
  "test/security/",
];
const GOLDEN = "test/golden/golden.test.ts";
/** What takes longest begins first, so that the others fill the time beside it. */
const LONG = [
  "test/security/files.test.ts",
  "test/keys/age/x25519.test.ts",
  GOLDEN,
  "test/security/",
  "test/sops/",
  "test/cli/",
];
/** What looks into Node while it runs the program that this checkout built. */
const OF_NODE = ["test/integration/loading.test.ts"];
/** Only a file that hangs takes so long, on a machine that is ten times slower, too. */
const MINUTES = {
  ...{ "--cli": 90, "--interop": 90, "--integration": 90, "--callers": 90, "--exe": 90, "--release": 90 },
  "": 30,
};

const [modes, filters] = partition(process.argv.slice(2), (argument) => argument.startsWith("--"));
const mode = modes[0] ?? "";
if (modes.length > 1 || !(mode in MINUTES))
  quit(`unknown option ${modes.join(" ")}: see the top of scripts/test.mjs`);
const other = mode === "--exe" ? exePath() : process.env.TSOPS_PROGRAM && resolve(process.env.TSOPS_PROGRAM);
if (other && !existsSync(other)) quit(`there is no ${other}${mode === "--exe" ? ": npm run build:exe" : ""}`);

/** Whether Node runs the program, so that it can be watched from inside. */
const byNode = !other || /\.[cm]?js$/.test(other);

const wanted = filters.map(filterOf);
const all = await jobsOf(mode);
for (const [i, matches] of wanted.entries())
  if (!all.some(({ file }) => matches(file)))
    quit(`no test file of this run is, or has in its name, ${filters[i]}`);
const jobs = all.filter(({ file }) => wanted.length === 0 || wanted.some((matches) => matches(file)));
if (jobs.length === 0) quit("no test files found");

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => {
    for (const child of running) killGroup(child);
    process.exit(1);
  });
const compiled = await compileTests(root);
const sum = { passed: 0, failed: 0 };
const broken = [];
const queue = [...jobs].sort((a, b) => rank(a) - rank(b));
await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
for (const line of broken) console.log(line);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed > 0 || sum.passed === 0 ? 1 : 0);

/** Whether a file is meant by an argument: a path, or a part of a name. */
function filterOf(argument) {
  const path = resolve(argument);
  const name = relative(root, path).split(sep).join("/");
  if (name.startsWith("..") || !existsSync(path)) return (file) => file.includes(argument);
  return statSync(path).isDirectory()
    ? (file) => name === "" || file.startsWith(`${name}/`)
    : (file) => file === name;
}

function rank({ file }) {
  const at = LONG.findIndex((start) => file.startsWith(start));
  return at < 0 ? LONG.length : at;
}

/** What is to be run: a file, with the variables that say how. */
async function jobsOf(mode) {
  const files = testFiles(join(root, "test")).filter((file) => byNode || !OF_NODE.includes(file));
  if (mode === "--interop") {
    const env = { REAL_SOPS: installRealSops(), TSOPS: builtProgram() };
    const golden = inParts(4, { GOLDEN_PROGRAM: env.TSOPS, REAL_SOPS: env.REAL_SOPS });
    return [
      ...golden,
      ...plain(
        files.filter((file) => file.startsWith("test/interop/")),
        env,
      ),
    ];
  }
  if (mode === "--integration") {
    const env = { REAL_SOPS: installRealSops(), TSOPS: builtProgram(), ...(await installServers()) };
    return plain(
      files.filter((file) => file.startsWith("test/integration/")),
      env,
    );
  }
  if (mode === "--callers") {
    const env = { REAL_SOPS: installRealSops(), TSOPS: builtProgram(), ...(await installCallers()) };
    return plain(
      files.filter((file) => file.startsWith("test/callers/")),
      env,
    );
  }
  if (mode === "--cli") {
    const env = { TSOPS: builtProgram() };
    const golden = inParts(availableParallelism(), { GOLDEN_PROGRAM: env.TSOPS });
    return [
      ...golden,
      ...plain(
        files.filter((file) => file.startsWith("test/package/")),
        env,
      ),
    ];
  }
  if (mode === "--release") {
    if (!existsSync(join(root, "build", "release", "SHA256SUMS")))
      quit("there is no release to look at: run `npm run release:dry` first");
    return plain(
      files.filter((file) => file.startsWith("test/release/")),
      { ACTIONLINT: await installActionlint() },
    );
  }
  if (mode === "--exe")
    return [
      ...inParts(availableParallelism(), { GOLDEN_PROGRAM: builtProgram() }),
      ...plain(files.filter((file) => OF_PROGRAM.some((folder) => file.startsWith(folder)))),
    ];
  return [
    ...inParts(2, {}),
    ...plain(files.filter((file) => file !== GOLDEN && !APART.some((folder) => file.startsWith(folder)))),
  ];
}

function plain(files, env = {}) {
  return files.map((file) => ({ file, env }));
}

/** The golden cases, which are many, side by side. */
function inParts(parts, env) {
  return Array.from({ length: parts }, (_, i) => ({
    file: GOLDEN,
    env: { ...env, GOLDEN_PART: `${i + 1}/${parts}` },
  }));
}

function testFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => relative(root, join(folder, name)).split(sep).join("/"))
    .sort();
}

/** The program that is started where a test starts one. */
function builtProgram() {
  if (other) return other;
  if (!existsSync(join(root, "dist", "program.cjs")))
    quit("the program is not built: run `npm run build` first");
  return join(root, "bin", "tsops.js");
}

async function work() {
  for (let job = queue.shift(); job; job = queue.shift()) {
    const result = await runFile(job);
    const { passed, failed, problem } = judge(result);
    sum.passed += passed;
    sum.failed += failed;
    const part = job.env.GOLDEN_PART ? ` ${job.env.GOLDEN_PART}` : "";
    process.stdout.write(`${job.file}${part}\n${result.output}${result.output.endsWith("\n") ? "" : "\n"}`);
    if (problem) broken.push(`FAILED ${job.file}${part}: ${problem}`);
  }
}

/** Runs a file and gives what it printed. */
async function runFile({ file, env }) {
  const colour = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const script = join(compiled, file.replace(/\.ts$/, ".js"));
  const child = spawn(process.execPath, ["--enable-source-maps", script], {
    cwd: root,
    env: {
      ...process.env,
      ...colour,
      ...(other && { TSOPS_PROGRAM: other }),
      ...env,
      COMPILED_TESTS: compiled,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // a group of its own, so that nothing it started outlives it
    detached: true,
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child);
  }, MINUTES[mode] * 60_000);
  const closed = new Promise((resolve) => child.once("close", resolve));
  const [code, signal] = await new Promise((resolve, reject) =>
    child.once("error", reject).once("exit", (...end) => resolve(end)),
  );
  clearTimeout(timer);
  killGroup(child);
  running.delete(child);
  // what went into the background with the pipe open is not waited for
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  return { output, code, signal, late };
}

function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // gone by itself
  }
}

/** Counts what uvu reports; whatever does not look like a complete, clean run is a failure. */
function judge({ output, code, signal, late }) {
  const plain = output.replace(/\x1b\[[\d;]*m/g, "");
  const number = (name) =>
    Array.from(plain.matchAll(new RegExp(`^  ${name}:\\s+(\\d+)$`, "gm")), ([, n]) => Number(n)).at(-1);
  const total = number("Total");
  const passed = number("Passed") ?? 0;
  const skipped = number("Skipped") ?? 0;
  if (late) return { passed, failed: 1, problem: `it took more than ${MINUTES[mode]} minutes` };
  if (total === undefined)
    return {
      passed,
      failed: 1,
      problem: `it died (${signal ?? `exit code ${code}`}) before its tests were done`,
    };
  if (total === 0) return { passed, failed: 1, problem: "it runs no test" };
  if (skipped > 0)
    return {
      passed,
      failed: total - passed + skipped,
      problem: `${skipped} tests are left out by test.skip or test.only`,
    };
  if (total > passed) {
    const names = Array.from(plain.matchAll(/^ {3}FAIL {2}(.*)$/gm), ([, name]) => `\n  ${name}`);
    return {
      passed,
      failed: total - passed,
      problem: `${total - passed} of ${total} tests${names.join("")}`,
    };
  }
  if (code !== 0)
    return { passed, failed: 1, problem: `it ended with ${signal ?? `exit code ${code}`} after its tests` };
  return { passed, failed: 0 };
}

function partition(items, test) {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function quit(message) {
  console.error(`test: ${message}`);
  process.exit(1);
}
