import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { inSandbox, type Sandbox } from "./cli.ts";
import { PROGRAM } from "./program.ts";

/** A sandbox with a repository in its folder, and a program named tsops on the PATH of git. */
export class GitBox {
  readonly box: Sandbox;
  /** The folder that `tsops` is in. */
  readonly bin: string;

  constructor(box: Sandbox) {
    this.box = box;
    this.bin = join(box.root, "bin");
    mkdirSync(this.bin);
    const words = PROGRAM.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    writeFileSync(join(this.bin, "tsops"), `#!/bin/sh\nexec ${words} "$@"\n`);
    chmodSync(join(this.bin, "tsops"), 0o755);
    box.env = { ...box.env, ...IDENTITY, GIT_CONFIG_NOSYSTEM: "1", PATH: `${this.bin}:${process.env.PATH}` };
    this.git("init", "-q", "-b", "main");
  }

  /** Standard output. @throws Error with what git says if it fails. */
  git(...args: readonly string[]): string {
    return this.gitIn(this.box.folder, ...args);
  }

  gitIn(cwd: string, ...args: readonly string[]): string {
    const options = { cwd, env: this.box.env as NodeJS.ProcessEnv };
    return execFileSync("git", args, { ...options, stdio: ["ignore", "pipe", "pipe"] }).toString();
  }

  /** The same, where it may fail. */
  tryGit(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
    const env = this.box.env as NodeJS.ProcessEnv;
    const { status, stdout, stderr } = spawnSync("git", args, { cwd: this.box.folder, env });
    return { code: status, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  commit(message: string): void {
    this.git("add", "-A");
    this.git("commit", "-qm", message);
  }

  /** Runs tsops in this process. @throws Error unless it exits with 0 */
  async tsops(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.box.run(argv);
    if (code !== 0) throw new Error(`tsops ${argv.join(" ")} exits with ${code}: ${stderr}`);
    return stdout;
  }

  /** The files below the sandbox, and the objects of git, in which a text stands, but for those that may hold it. */
  filesWith(text: string, allowed: readonly string[] = []): string[] {
    return walk(this.box.root).filter((name) => {
      const path = join(this.box.root, name);
      if (allowed.includes(name)) return false;
      const bytes = readFileSync(path);
      return bytes.includes(text) || inflated(bytes)?.includes(text);
    });
  }
}

const IDENTITY = {
  GIT_AUTHOR_NAME: "A. Author",
  GIT_AUTHOR_EMAIL: "author@example.org",
  GIT_COMMITTER_NAME: "A. Author",
  GIT_COMMITTER_EMAIL: "author@example.org",
};

function walk(folder: string, prefix = ""): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (!existsSync(path)) return [];
    return statSync(path).isDirectory() ? walk(path, `${prefix}${name}/`) : [prefix + name];
  });
}

/** A loose object of git. */
function inflated(bytes: Buffer): Buffer | undefined {
  try {
    return inflateSync(bytes);
  } catch {
    return undefined;
  }
}

/** Runs a test in a repository that is removed afterwards. */
export function inGit(
  work: (git: GitBox) => Promise<void>,
  env: Record<string, string | undefined> = {},
): () => Promise<void> {
  return () => inSandbox((box) => work(new GitBox(box)), env);
}
