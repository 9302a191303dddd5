import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { findProgram, type Outcome, run } from "../programs/run.ts";

/** Seconds. In a very long history the question stays open. */
const LIMIT = 20;

/** A seal as all formats write it, in the extended regular expressions of POSIX. */
const SEAL = "seal[^A-Za-z0-9]+v[0-9]+:[A-Za-z0-9+/]{43}=";

/** Nothing that the repository or its configuration names may run here. */
const CALM = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  // a repository among the files of another one, which a checkout may bring along, has a history of its own choice
  "-c",
  "safe.bareRepository=explicit",
  "--no-optional-locks",
  "--no-pager",
];

/**
 * What git needs to find itself and the person's own settings (safe.directory); the last for Windows. Not what points it
 * to another repository than that of the folder, as GIT_DIR does in a hook and for whoever set it.
 */
const NEEDED: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_EXEC_PATH"],
  ...["GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_GLOBAL"],
  ...[
    "SYSTEMROOT",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "PROGRAMDATA",
    "TEMP",
    "TMP",
    "PATHEXT",
  ],
]);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * An environment for git. A repository's configuration can name programs that git would run, so git holds no secrets, and
 * asks nobody for objects that are not here: releases before 2.45 do so whatever GIT_NO_LAZY_FETCH says.
 */
function calmEnvironment(env: Environment): Environment {
  const needed = Object.entries(env).filter(([name]) => NEEDED.has(name.toUpperCase()));
  const calm = {
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_ALLOW_PROTOCOL: "none",
    LC_ALL: "C",
  };
  return { ...Object.fromEntries(needed), ...calm };
}

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
  const program = await findProgram("git", env);
  if (program === undefined) return false;
  const git = async (...args: readonly string[]): Promise<Outcome | undefined> => {
    const argv = [program, "-C", root, ...CALM, ...args];
    return await run({ argv, env: calmEnvironment(env), limit: LIMIT }).catch(() => undefined);
  };
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
