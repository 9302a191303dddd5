import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { run } from "../../src/cli/run.ts";
import { OTHER_PROGRAM, PROGRAM } from "./program.ts";

/** The key that the golden files were made with; see fixtures/golden/keys. */
export const IDENTITY_FILE = new URL("../../fixtures/golden/keys/age1.txt", import.meta.url).pathname;
export const RECIPIENT = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
export const OTHER_RECIPIENT = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly input?: string;
  readonly terminal?: boolean;
  readonly person?: boolean;
  readonly cwd?: string;
  readonly slow?: boolean;
}

/**
 * A folder and a home of its own for one test, and the command line run in this process. Where another program is to be
 * tested (program.ts), it is that program instead, save at a terminal: this process has none to give it.
 */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), "tsops-test-"));
  readonly folder = join(this.root, "w");
  readonly home = join(this.root, "h");
  /** Where the program has its private folders, so that what it keeps on purpose is removed with the sandbox. */
  readonly runtime = join(this.root, "r");
  env: Record<string, string | undefined>;
  /** In this process whatever program is tested: a test reaches into it. */
  here = false;
  /** Folders in memory where the program said that it keeps what could not be saved. */
  private readonly kept = new Set<string>();

  constructor(env: Record<string, string | undefined> = {}) {
    mkdirSync(this.folder);
    mkdirSync(this.home);
    mkdirSync(this.runtime, { mode: 0o700 });
    this.env = {
      PATH: process.env.PATH,
      HOME: this.home,
      XDG_RUNTIME_DIR: this.runtime,
      SOPS_AGE_KEY_FILE: IDENTITY_FILE,
      SOPS_AGE_RECIPIENTS: RECIPIENT,
      // nothing that the person who runs the tests has unlocked; see test/cli/agent.test.ts
      TSOPS_AGENT: "off",
      ...env,
    };
  }

  write(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** `person`: somebody sits at the terminal, and types the input. `slow`: a second goes by whenever somebody looks. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    const result = await this.runOnce(argv, options);
    for (const [folder] of result.stderr.matchAll(/\/dev\/shm\/tsops-\w+/g)) this.kept.add(folder);
    return result;
  }

  private async runOnce(
    argv: readonly string[],
    { input = "", terminal = false, person = false, cwd = this.folder, slow = false }: RunOptions,
  ): Promise<Result> {
    if (OTHER_PROGRAM && !this.here && !terminal && !person) return await this.runOther(argv, input, cwd);
    const stdout = sink(terminal || person);
    const stderr = sink(terminal || person);
    const stdin = Object.assign(Readable.from(input === "" ? [] : [Buffer.from(input)]), { isTTY: person });
    let seconds = 0;
    const code = await run(argv, {
      env: this.env,
      cwd,
      program: PROGRAM,
      stdin,
      stdout: stdout.stream,
      stderr: stderr.stream,
      ...(slow ? { now: () => 1000 * seconds++ } : {}),
    });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  }

  private runOther(argv: readonly string[], input: string, cwd: string): Promise<Result> {
    const [program = "", ...first] = PROGRAM;
    const child = spawn(program, [...first, ...argv], { cwd, env: this.env, stdio: "pipe" });
    const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
    // it may end without reading all of it
    child.stdin.on("error", () => undefined).end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? -1, stdout: stdout(), stderr: stderr() }));
    });
  }

  remove(): void {
    for (const folder of [this.root, ...this.kept]) rmSync(folder, { recursive: true, force: true });
  }
}

function textOf(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

function sink(isTTY: boolean) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => Buffer.concat(chunks).toString("utf8") };
}

/** Runs a test in a sandbox that is removed afterwards. */
export async function inSandbox(
  work: (box: Sandbox) => Promise<void>,
  env: Record<string, string | undefined> = {},
): Promise<void> {
  const box = new Sandbox(env);
  try {
    await work(box);
  } finally {
    box.remove();
  }
}
