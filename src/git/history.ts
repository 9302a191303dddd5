import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Outcome } from "../programs/run.ts";
import { type Environment, gitIn, runGit } from "./program.ts";

/** Seconds. In a very long history the question stays open. */
const LIMIT = 20;

/** A repository among the files of another one, which a checkout may bring along, has a history of its own choice. */
const EXPLICIT = ["-c", "safe.bareRepository=explicit"];

/** A seal as all formats write it, in the extended regular expressions of POSIX. */
const SEAL = "seal[^A-Za-z0-9]+v[0-9]+:[A-Za-z0-9+/]{43}=";

/**
 * Whether a version of a file that git knows, the staged one included, had a seal. False also where git cannot tell: no
 * repository, no git, a history that takes too long.
 * @param path absolute. Where it leads through links, the file's own place counts as well.
 */
export async function wasSealedInGit(path: string, env: Environment): Promise<boolean> {
  if (await wasSealedAs(path, env)) return true;
  const real = await realpath(path).catch(() => path);
  return real !== path && (await wasSealedAs(real, env));
}

async function wasSealedAs(path: string, env: Environment): Promise<boolean> {
  const root = repositoryOf(dirname(path));
  if (root === undefined) return false;
  const found = await gitIn(root, env);
  if (found === undefined) return false;
  const git = async (...args: readonly string[]): Promise<Outcome | undefined> =>
    await runGit(found, [...EXPLICIT, ...args], { limit: LIMIT }).catch(() => undefined);
  const name = relative(root, path).replaceAll(sep, "/");
  const staged = await git("cat-file", "blob", `:./${name}`);
  if (staged?.code === 0 && new RegExp(SEAL).test(staged.stdout.toString("latin1"))) return true;
  const quiet = ["--no-textconv", "--no-ext-diff", "--no-show-signature", "--format=%H", "--max-count=1"];
  // what merges change counts, and so do files that .gitattributes calls binary
  const all = ["--text", "--full-history", "-m"];
  const log = await git("log", ...quiet, ...all, "--follow", `-G${SEAL}`, "--", `./${name}`);
  return log?.code === 0 && log.stdout.length > 0;
}

/**
 * The nearest folder with a `.git`: git starts there, since what a checkout holds further down may look like a repository,
 * too. Undefined if there is none, so that starting git is not worth it.
 */
function repositoryOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (dirname(at) === at) return undefined;
  }
}
