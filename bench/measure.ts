import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Seconds of CPU, user and system, that a command and its children take. Node cannot tell those of one child, bash can.
 * @throws if the command fails.
 */
export function cpuSeconds({ argv, cwd, env }: Command): number {
  const script = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null';
  const { status, stderr, error } = spawnSync("bash", ["-c", script, "bash", ...argv], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (error) throw error;
  const times = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr);
  if (status !== 0 || !times) throw new Error(`${argv.join(" ")} ended with exit code ${status}: ${stderr}`);
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
