import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Nothing of this process's environment is passed on. */
  readonly alone?: boolean;
}

const BASH = "/bin/bash";
const TIMED = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null';

/**
 * Seconds of CPU, user and system, that a command and its children take. Node cannot tell those of one child, bash can.
 * @throws if the command fails.
 */
export function cpuSeconds({ argv, cwd, env }: Command): number {
  const { status, stderr, error } = spawnSync(BASH, ["-c", TIMED, "bash", ...argv], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${status}: ${stderr}`);
  return secondsIn(stderr);
}

function secondsIn(stderr: string): number {
  const times = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr);
  if (!times) throw new Error(`no times in: ${stderr}`);
  return Number(times[1]) + Number(times[2]);
}

/** The most memory that a command had at a time, in bytes; undefined where there is no /proc. */
export async function peakMemory({
  argv: [program, ...rest],
  cwd,
  env,
}: Command): Promise<number | undefined> {
  const child = spawn(program, rest, { cwd, env: { ...process.env, ...env }, stdio: "ignore" });
  let kilobytes: number | undefined;
  while (child.exitCode === null && child.signalCode === null) {
    kilobytes = highWater(child.pid!) ?? kilobytes;
    await sleep(3);
  }
  return kilobytes && kilobytes * 1024;
}

/**
 * Seconds of CPU and the most memory (bytes) of one run, in which a process may have so many files open. This process goes on
 * meanwhile. @throws if the command fails.
 */
export async function cpuAndMemory(
  command: Command,
  maxOpen: number,
): Promise<{ cpu: number; memory: number }> {
  const script = `ulimit -n ${maxOpen}; ${TIMED}`;
  const [program, ...rest] = [BASH, "-c", script, "bash", ...command.argv] as const;
  const child = spawn(program, rest, {
    cwd: command.cwd,
    env: command.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let ended = false;
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  }).finally(() => (ended = true));
  let kilobytes = 0;
  while (!ended) {
    for (const pid of childrenOf(child.pid!)) kilobytes = Math.max(kilobytes, highWater(pid) ?? 0);
    await Promise.race([closed, sleep(10)]);
  }
  const code = await closed;
  if (code !== 0)
    throw new Error(`${command.argv.join(" ")} ended with exit code ${code}: ${stderr.slice(-2000)}`);
  return { cpu: secondsIn(stderr), memory: kilobytes * 1024 };
}

/** Processes that a process started; none where there is no /proc. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function highWater(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes);
  } catch {
    return undefined;
  }
}

/**
 * Medians of several commands that take turns (A B A B …), so that whatever else the machine does falls on all of
 * them. A first round, in which files and caches are read in, does not count.
 */
export function takingTurns<Name extends string>(
  rounds: number,
  commands: Readonly<Record<Name, Command>>,
): Record<Name, number> {
  const names = Object.keys(commands) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const seconds = cpuSeconds(commands[name]);
      if (round > 0 || rounds === 1) times.get(name)!.push(seconds);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>;
}

/**
 * Medians of several commands, in a new random order each round. This process goes on meanwhile: it may be the server
 * that the commands talk to. A first round does not count.
 */
export async function inRandomOrder<Name extends string>(
  rounds: number,
  commands: Readonly<Record<Name, Command>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(commands) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of shuffled(names)) {
      const argv = [BASH, "-c", TIMED, "bash", ...commands[name].argv] as const;
      const { stderr } = await ended({ ...commands[name], argv });
      if (round > 0) times.get(name)!.push(secondsIn(stderr));
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<Name, number>;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** What a command prints. @throws if it fails. */
export async function outputOf(command: Command): Promise<string> {
  return (await ended(command)).stdout;
}

async function ended({ argv, cwd, env, alone }: Command): Promise<{ stdout: string; stderr: string }> {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, { cwd, env: { ...(alone ? {} : process.env), ...env } });
  child.stdin.end();
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${code}: ${texts.stderr}`);
  return texts;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
