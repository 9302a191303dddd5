import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { argvOf } from "../program.ts";
import { installed, scratch, startServer } from "./servers.ts";

/** Running the built program and the real SOPS against each other's key services. */

export const TSOPS = installed("TSOPS");
export const SOPS = installed("REAL_SOPS");
export const RECIPIENT = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
export const PLAIN = "db:\n    host: db.example.com\n    password: s3cret-pass\n";

export type Env = Readonly<Record<string, string>>;

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without blocking this process, which may be serving it. `onError`: it wrote to standard error. */
export async function run(
  argv: readonly [string, ...string[]],
  cwd: string,
  env: Env,
  onError: () => void = () => undefined,
): Promise<Result> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: "pipe",
  });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (out[name] += text));
  child.stderr.on("data", onError);
  child.stdin.end();
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  return { code, ...out };
}

export const tsops = (
  args: readonly string[],
  cwd: string,
  env: Env = {},
  onError?: () => void,
): Promise<Result> => run([...argvOf(TSOPS), ...args], cwd, env, onError);
export const sops = (args: readonly string[], cwd: string, env: Env = {}): Promise<Result> =>
  run([SOPS, ...args], cwd, { SOPS_DISABLE_VERSION_CHECK: "1", ...env });

/** What a run printed, which has to end well. */
export async function output(result: Promise<Result>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.is(code, 0, stderr);
  return stdout;
}

/** A folder with the plaintext in it. */
export function folderWith(text = PLAIN, name = "plain.yaml"): string {
  const folder = scratch();
  writeFileSync(join(folder, name), text);
  return folder;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `tsops keyservice` in a process of its own. */
export class OurServer {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";

  private constructor(args: readonly string[], env: Env) {
    const home = scratch();
    const [program, ...first] = argvOf(TSOPS);
    this.child = spawn(program, [...first, "keyservice", ...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...env },
      stdio: "pipe",
    });
    running.add(this.child);
    this.child.once("exit", () => running.delete(this.child));
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    // a test that fails before it stops its server must not keep this process alive
    this.hold("unref");
  }

  private hold(how: "ref" | "unref"): void {
    this.child[how]();
    for (const stream of this.child.stdio)
      (stream as unknown as Record<typeof how, () => void> | null)?.[how]();
  }

  static async start(args: readonly string[], env: Env): Promise<OurServer> {
    const server = new OurServer(args, env);
    await server.until(() => server.stderr.includes('"listening"'));
    return server;
  }

  /** Waits for something. @throws with the log, if the server ends before it or it never happens. */
  async until(what: () => boolean): Promise<void> {
    for (const start = Date.now(); !what(); await sleep(20)) {
      if (this.child.exitCode !== null || Date.now() - start > 180_000) throw new Error(this.stderr);
    }
  }

  get log(): Record<string, unknown>[] {
    return this.stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  requests(): string[] {
    const ended = this.log.filter(({ event, ms }) => event === "request" && ms !== undefined);
    return ended.map(({ method, kind, result }) => `${method} ${kind} ${result}`);
  }

  /** The exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.hold("ref");
    const ended = new Promise<number | null>((resolve) => this.child.once("close", resolve));
    this.child.kill(signal);
    return await ended;
  }
}

/** `sops keyservice`, the real one, on a Unix socket. Gives its URI. */
export async function realServer(env: Env): Promise<string> {
  const socket = join(scratch(), "real.sock");
  await startServer({
    argv: [SOPS, "keyservice", "--network", "unix", "--address", socket],
    env: { SOPS_DISABLE_VERSION_CHECK: "1", ...env },
    ready: async () => existsSync(socket),
  });
  return `unix://${socket}`;
}

export const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");
