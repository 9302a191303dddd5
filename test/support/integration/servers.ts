import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Servers of others, started for one test file on free loopback ports, and stopped by their process ids at its end. */

/** Where scripts/servers.mjs installed a program. @throws if the tests were not started by scripts/test.mjs. */
export function installed(variable: string): string {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: run npm run test:integration`);
  return path;
}

/** Where no system takes ports for outgoing connections by itself: those would be taken again before a server starts. */
const PORTS = { from: 15_000, to: 31_999 };

/** Loopback ports that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from + 1));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.on("exit", () => {
  for (const child of running) stop(child);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that is removed when the tests end. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "tsops-integration-"));
  folders.add(folder);
  return folder;
}

export interface ServerOptions {
  readonly argv: readonly [string, ...string[]];
  /** Added to PATH and a HOME of its own; nothing else of this process's environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Asked until it gives true. */
  readonly ready: () => Promise<boolean>;
  readonly seconds?: number;
}

/** Starts a server and waits until it is ready. @throws with what it printed, if it ends or is not ready in time. */
export async function startServer({
  argv,
  env,
  cwd,
  ready,
  seconds = 300,
}: ServerOptions): Promise<ChildProcess> {
  const home = scratch();
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd: cwd ?? home,
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-20_000)));
  child.once("exit", () => running.delete(child));
  child.once("error", (error) => (output += String(error)));
  for (const start = Date.now(); Date.now() - start < seconds * 1000; await sleep(100)) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    if (await ready().catch(() => false)) {
      // its pipes and itself must not keep the test process alive
      child.unref();
      for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
      return child;
    }
  }
  stop(child);
  throw new Error(`${program} did not become ready; it printed:\n${output}`);
}

export function stop(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

/** Whether a server answers a GET at all, or with the given status. */
export async function answers(url: string, status?: number): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  await response.body?.cancel();
  return status === undefined || response.status === status;
}
