import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { argvOf, LOADER, modulePath } from "../program.ts";

/** One run of a program. Output is bytes as Latin-1. */
export interface Outcome {
  readonly code: number | "timeout";
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Buffer;
}

export interface Program {
  /** What `@BIN` stands for. */
  readonly path: string;
  readonly call: (call: Call) => Promise<Outcome>;
}

/** Only what hangs takes so long. */
const TIME_LIMIT = 300_000;

/** A program in a process of its own; scripts are run by node, with these options. */
export function spawned(path: string, nodeOptions: readonly string[] = []): Program {
  return {
    path,
    call: ({ argv, cwd, env, stdin }) =>
      new Promise((resolve, reject) => {
        const child = start(path, argv, { cwd, env, nodeOptions });
        const out = collect(child.stdout);
        const err = collect(child.stderr);
        let late = false;
        const timer = setTimeout(() => {
          late = true;
          stop(child);
        }, TIME_LIMIT);
        child.stdin?.on("error", () => {}); // it may end without reading all of it
        child.stdin?.end(stdin);
        child.once("error", reject);
        child.once("close", (code, signal) => {
          clearTimeout(timer);
          const status = code ?? (signal ? 128 : 1);
          resolve({ code: late ? "timeout" : status, stdout: out(), stderr: err() });
        });
      }),
  };
}

/** Its own process group, so that a program's children can be stopped with it. */
export function start(
  path: string,
  argv: readonly string[],
  options: {
    cwd: string;
    env: Readonly<Record<string, string>>;
    stdio?: "ignore";
    nodeOptions?: readonly string[];
  },
): ChildProcess {
  const { nodeOptions = [], ...more } = options;
  const [command, ...first] = argvOf(path, nodeOptions);
  return spawn(command, [...first, ...argv], { ...more, detached: true });
}

export function stop(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // gone by itself
  }
}

/**
 * What can run in this process. Other command lines may start programs that write to the terminal they inherit, and
 * that would be the one of the tests.
 */
const SAFE = /^(encrypt|decrypt|set|unset|rotate|updatekeys|groups|filestatus|-d|-e|-r|--help|--version)$/;

/** The command line in this process, from its sources. */
export function inProcess(path: string): Program {
  const child = spawned(modulePath("src/cli/main.ts"), LOADER);
  return {
    path,
    call: async (call) => {
      const { argv, cwd, env, stdin } = call;
      if (!argv.some((argument) => SAFE.test(argument))) return await child.call(call);
      const { run } = await import("../../../src/cli/run.ts");
      const stdout = new Collector();
      const stderr = new Collector();
      const input = Readable.from(stdin.length > 0 ? [stdin] : []);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"timeout">((resolve) => {
        timer = setTimeout(resolve, TIME_LIMIT, "timeout");
      });
      const code = await Promise.race([run(argv, { env, cwd, stdin: input, stdout, stderr }), late]);
      clearTimeout(timer);
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    },
  };
}

/** Keeps what is written, as Latin-1. */
export class Collector extends Writable {
  private readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    done();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}

function collect(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("latin1");
}
