import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import type { Sandbox } from "./cli.ts";
import { PROGRAM } from "./program.ts";

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody without settings of this machine. */
const SOMEBODY = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A. Author",
  GIT_AUTHOR_EMAIL: "author@example.org",
  GIT_COMMITTER_NAME: "A. Author",
  GIT_COMMITTER_EMAIL: "author@example.org",
  GIT_EDITOR: "true",
};

type Env = Readonly<Record<string, string | undefined>>;

/** Real git in a folder of a sandbox. */
export class Git {
  readonly box: Sandbox;
  readonly folder: string;
  readonly #more: Env;

  constructor(box: Sandbox, folder = box.folder, more: Env = {}) {
    this.box = box;
    this.folder = folder;
    this.#more = more;
  }

  /** The sandbox's, as it is now. */
  get env(): Env {
    return { ...this.box.env, ...SOMEBODY, ...this.#more };
  }

  /** Runs git, whatever comes of it. */
  try(...args: readonly string[]): GitResult {
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: this.folder,
      env: this.env as NodeJS.ProcessEnv,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    return { code: status ?? -1, stdout, stderr };
  }

  /** Runs git, which has to succeed. @returns what it prints. */
  git(...args: readonly string[]): string {
    const { code, stdout, stderr } = this.try(...args);
    assert.is(code, 0, `git ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** The same in another folder. */
  in(folder: string): Git {
    return new Git(this.box, folder, this.#more);
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), content);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  /** Has git run tsops in a hook, from these sources. */
  hook(name: string, ...args: readonly string[]): void {
    const folder = join(this.git("rev-parse", "--absolute-git-dir").trim(), "..", ".git", "hooks");
    mkdirSync(folder, { recursive: true });
    writeScript(join(folder, name), `exec ${PROGRAM_WORDS} ${args.map(quoted).join(" ")}`);
  }

  commit(message: string): void {
    this.git("add", "-A");
    this.git("commit", "-qm", message);
  }

  /** Runs tsops in this process, which has to succeed. */
  async tsops(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.box.run(argv);
    assert.is(code, 0, `tsops ${argv.join(" ")}: ${stderr}`);
    return stdout;
  }
}

/** Runs git in a sandbox, as {@link watchedGit} does not see it. */
export function gitIn(box: Sandbox, ...args: readonly string[]): string {
  const git = new Git(box, box.folder, { PATH: process.env.PATH });
  return git.git("-c", "protocol.file.allow=always", ...args);
}

/** The program under test as words of a shell. */
export const PROGRAM_WORDS = PROGRAM.map(quoted).join(" ");

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes a script that a shell starts. */
export function writeScript(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

/** A program that stands before git on the sandbox's PATH, and writes down each start. @returns that file's path. */
export function watchedGit(box: Sandbox): string {
  const folder = join(box.root, "watched");
  const seen = join(box.root, "git-starts");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  mkdirSync(folder);
  writeScript(join(folder, "git"), `echo "$*" >> '${seen}'\nexec '${real}' "$@"`);
  writeFileSync(seen, "");
  box.env.PATH = `${folder}:${box.env.PATH}`;
  return seen;
}
