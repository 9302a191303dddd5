import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findProgram, type Outcome, run } from "../keys/program.ts";

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
  "--no-optional-locks",
  "--no-pager",
];

/** What git needs to find itself, the person's own settings (safe.directory) and the repository; the last for Windows. */
const NEEDED: ReadonlySet<string> = new Set([
  ...[
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_EXEC_PATH",
  ],
  ...[
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_CONFIG_GLOBAL",
  ],
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
  return { ...Object.fromEntries(needed), GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none", LC_ALL: "C" };
}

/**
 * Whether a version of a file that git knows, the staged one included, had a seal. False also where git cannot tell: no
 * repository, no git, a history that takes too long.
 * @param path absolute.
 */
export async function wasSealedInGit(path: string, env: Environment): Promise<boolean> {
  const folder = dirname(path);
  if (!inRepository(folder)) return false;
  const program = await findProgram("git", env);
  if (program === undefined) return false;
  const git = async (...args: readonly string[]): Promise<Outcome | undefined> => {
    const argv = [program, "-C", folder, ...CALM, ...args];
    return await run({ argv, env: calmEnvironment(env), limit: LIMIT }).catch(() => undefined);
  };
  const name = basename(path);
  const staged = await git("cat-file", "blob", `:./${name}`);
  if (staged?.code === 0 && new RegExp(SEAL).test(staged.stdout.toString("latin1"))) return true;
  const quiet = ["--no-textconv", "--no-ext-diff", "--no-show-signature", "--format=%H", "--max-count=1"];
  const log = await git("log", ...quiet, "--follow", `-G${SEAL}`, "--", `./${name}`);
  return log?.code === 0 && log.stdout.length > 0;
}

/** Whether a folder above has a `.git`, so that starting git is worth it. */
function inRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (dirname(at) === at) return false;
  }
}
