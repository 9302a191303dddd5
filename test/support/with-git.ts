import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { inSandbox, type Sandbox } from "./cli.ts";
import { Git, PROGRAM_WORDS, writeScript } from "./git.ts";

/** A sandbox with a repository in its folder, and a program named tsops on the PATH of git. */
export class GitBox extends Git {
  /** The folder that `tsops` is in. */
  readonly bin: string;

  constructor(box: Sandbox) {
    super(box);
    this.bin = join(box.root, "bin");
    mkdirSync(this.bin);
    writeScript(join(this.bin, "tsops"), `exec ${PROGRAM_WORDS} "$@"`);
    box.env.PATH = `${this.bin}:${process.env.PATH}`;
    // what tsops itself starts is the same git
    box.env.GIT_CONFIG_NOSYSTEM = "1";
    this.git("init", "-q", "-b", "main");
  }

  /** Has git say that it is of another release. */
  reportRelease(release: string): void {
    const folders = process.env.PATH!.split(":");
    const real = folders.map((folder) => join(folder, "git")).find(existsSync)!;
    writeScript(
      join(this.bin, "git"),
      `for a in "$@"; do [ "$a" = --version ] && { echo "git version ${release}"; exit; }; done\nexec '${real}' "$@"`,
    );
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
