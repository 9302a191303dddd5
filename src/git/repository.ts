import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";
import { type Environment, type Git, type GitOptions, gitIn, runGit } from "./program.ts";

/** A git repository, and how git is run in it. */
export interface Repository {
  /** Started at the top of the work tree, or in the git folder of a bare repository. */
  readonly git: Git;
  /** The top folder of the work tree; undefined in a bare repository. Absolute. */
  readonly top: string | undefined;
  /** The git folder of this work tree: `.git`, or a folder below it for linked work trees. Absolute. */
  readonly gitFolder: string;
  /** The git folder that all work trees share: configuration and `info/attributes` are there. Absolute. */
  readonly commonFolder: string;
}

/**
 * The repository that a folder is in.
 * @returns undefined if it is in none, or there is no git.
 * @throws TsopsError("git") if git refuses the repository, as one of another owner.
 */
export async function repositoryAt(
  folder: string,
  env: Environment,
  options: GitOptions = {},
): Promise<Repository | undefined> {
  const git = await gitIn(folder, env, options);
  if (git === undefined) return undefined;
  const asked = await runGit(git, [
    "rev-parse",
    "--absolute-git-dir",
    "--git-common-dir",
    "--is-bare-repository",
  ]);
  if (asked.code !== 0) {
    if (/not a git repository/.test(asked.stderr)) return undefined;
    throw gitFailed("git cannot read the repository", asked.stderr);
  }
  const [gitFolder = "", common = "", bare] = linesOf(asked.stdout);
  const work = bare === "true" ? undefined : await topOf(git);
  return {
    git: (await gitIn(work ?? folder, env, options)) ?? git,
    top: work,
    gitFolder,
    commonFolder: resolve(folder, common),
  };
}

/** Inside `.git` there is no work tree, although the repository has one. */
async function topOf(git: Git): Promise<string | undefined> {
  const asked = await runGit(git, ["rev-parse", "--show-toplevel"]);
  return asked.code === 0 ? linesOf(asked.stdout)[0] : undefined;
}

/** @throws TsopsError("git") if there is no repository. */
export async function requireRepository(
  folder: string,
  env: Environment,
  options: GitOptions = {},
): Promise<Repository> {
  const found = await repositoryAt(folder, env, options);
  if (found) return found;
  if ((await gitIn(folder, env)) === undefined) {
    throw new TsopsError("git", "git is not installed", {
      hint: "it is looked for in the absolute folders of PATH",
    });
  }
  throw new TsopsError("git", `${printable(folder)} is not in a git repository`, {
    hint: "change into a repository, or make one with: git init",
  });
}

/** Runs a command of git that has to succeed. @returns its standard output. @throws TsopsError("git") */
export async function askGit(
  { git }: Pick<Repository, "git">,
  args: readonly string[],
  input?: Uint8Array,
): Promise<Buffer> {
  const { code, stdout, stderr } = await runGit(git, args, { input });
  if (code !== 0) throw gitFailed(`git ${args[0]} failed`, stderr);
  return stdout;
}

export function gitFailed(what: string, stderr: string): TsopsError {
  const why = stderr
    .split("\n")
    .map((line) => printable(line.replace(/^(fatal|error): /, "")).trim())
    .filter((line) => line !== "");
  return new TsopsError("git", `${what}: ${why[0] ?? "no reason given"}`, {
    hint: why.slice(1).join("\n") || undefined,
  });
}

function linesOf(output: Buffer): string[] {
  return output.toString().split("\n").slice(0, -1);
}

/** What git separates by zero bytes. */
export function partsOf(output: Buffer): string[] {
  return output.length === 0 ? [] : output.toString().replace(/\0$/, "").split("\0");
}
