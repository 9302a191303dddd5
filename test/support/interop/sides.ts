import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { argvOf } from "../program.ts";

const KEYS = new URL("../../../fixtures/golden/keys/", import.meta.url);

export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A folder in which the real SOPS and the built tsops work with the same key, each in processes of its own. */
export class Sides {
  readonly folder = mkdtempSync(join(tmpdir(), "tsops-interop-"));
  private readonly real = program("REAL_SOPS");
  private readonly ours = program("TSOPS");
  private readonly env: Record<string, string>;

  constructor() {
    const home = this.path("home");
    mkdirSync(home);
    this.env = {
      PATH: process.env.PATH ?? "",
      HOME: home,
      LANG: "C.UTF-8",
      SOPS_DISABLE_VERSION_CHECK: "1",
      SOPS_AGE_KEY_FILE: fileURLToPath(new URL("age1.txt", KEYS)),
      SOPS_AGE_RECIPIENTS: readFileSync(new URL("age1.pub", KEYS), "utf8").trim(),
    };
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  sops(argv: readonly string[], env: Record<string, string> = {}): Outcome {
    return this.run(this.real, argv, env);
  }

  tsops(argv: readonly string[], env: Record<string, string> = {}): Outcome {
    return this.run(this.ours, argv, env);
  }

  private run(
    [command, ...first]: readonly string[],
    argv: readonly string[],
    env: Record<string, string>,
  ): Outcome {
    const { status, stdout, stderr, error } = spawnSync(command!, [...first, ...argv], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      maxBuffer: 2 ** 28,
      timeout: 300_000,
    });
    if (error) {
      // uvu shows no error of what runs before the tests
      const line = [command!, ...first, ...argv].join(" ").slice(0, 200);
      process.stderr.write(`${line}: ${error.message}\n${stdout}${stderr}`);
      throw error;
    }
    return { code: status, stdout, stderr: stderr.toString() };
  }

  /** Has tsops do the same to many files at once: starting a process for each would take most of the time. */
  tsopsAll(command: "encrypt" | "decrypt", files: readonly string[], into: string): void {
    mkdirSync(this.path(into));
    // whether each file worked is seen by what is there afterwards
    const [only] = files;
    const target = files.length === 1 ? join(into, only!) : into;
    mkdirSync(dirname(this.path(target)), { recursive: true });
    this.tsops([command, "--output", target, ...files]);
  }

  write(path: string, content: string | Buffer): void {
    writeFileSync(this.path(path), content);
  }

  /** A file's bytes; undefined if it is not there. */
  read(...parts: string[]): Buffer | undefined {
    try {
      return readFileSync(this.path(...parts));
    } catch {
      return undefined;
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The command line of a program that a variable names. */
function program(variable: string): readonly string[] {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: run these tests with npm run test:interop`);
  return argvOf(path);
}
