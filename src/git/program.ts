import { TsopsError } from "../errors.ts";
import { findProgram, type Outcome, run } from "../programs/run.ts";

/** Starts git so that nothing a repository says runs another program, and no secret is in its environment. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing that the repository or its configuration names may run here. */
const CALM: readonly string[] = [
  ...["-c", "core.fsmonitor=false"],
  ...["-c", "core.hooksPath=/dev/null"],
  "--no-optional-locks",
  "--no-pager",
];

/** What git needs to find itself and the person's own settings (safe.directory); the last for Windows. */
const NEEDED: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_EXEC_PATH"],
  ...["GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_GLOBAL"],
  ...["SYSTEMROOT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "PROGRAMDATA"],
  ...["TEMP", "TMP", "PATHEXT"],
]);

/** What says which repository and which index are meant: git gives them to hooks and drivers, and a person may, too. */
const PLACES: ReadonlySet<string> = new Set([
  ...["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"],
  ...["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"],
]);

/** How git is started: where, and with what. */
export interface Git {
  /** The program's path. */
  readonly program: string;
  /** What comes before the command. */
  readonly before: readonly string[];
  readonly env: Environment;
}

export interface GitOptions {
  /**
   * Obey GIT_DIR, GIT_INDEX_FILE and the like: for commands that git itself starts, or that stand for one of git's own.
   * Default false: the repository is that of the folder.
   */
  readonly placed?: boolean;
}

/**
 * git in a folder; undefined if there is none on PATH. A repository's configuration can name programs that git would run,
 * so git holds no secrets, and asks nobody for objects that are not here: releases before 2.45 do so whatever
 * GIT_NO_LAZY_FETCH says.
 */
export async function gitIn(
  folder: string,
  env: Environment,
  { placed = false }: GitOptions = {},
): Promise<Git | undefined> {
  const program = findProgram("git", env);
  if (program === undefined) return undefined;
  const needed = Object.entries(env).filter(
    ([name]) => NEEDED.has(name.toUpperCase()) || (placed && PLACES.has(name)),
  );
  const calm = {
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_ALLOW_PROTOCOL: "none",
    LC_ALL: "C",
  };
  return { program, before: ["-C", folder, ...CALM], env: { ...Object.fromEntries(needed), ...calm } };
}

export interface GitRun {
  readonly input?: Uint8Array;
  /** Seconds after which it is ended. */
  readonly limit?: number;
}

/** Seconds: git reads a large repository's index in a few. */
const LIMIT = 120;
/** Bytes: the names of a million files. */
const MAX_OUTPUT = 2 ** 28;

/** Runs one command of git to its end. @throws TsopsError("program-failed") if it cannot be started or takes too long. */
export async function runGit(
  { program, before, env }: Git,
  args: readonly string[],
  { input, limit = LIMIT }: GitRun = {},
): Promise<Outcome> {
  return await run({ argv: [program, ...before, ...args], env, input, limit, maxOutput: MAX_OUTPUT });
}

/**
 * The same git without the filters that the configuration names: where a file's time does not say whether it changed, git
 * compares its content with the index, and would run them for that.
 */
export async function withoutFilters(git: Git): Promise<Git> {
  const ask = [
    "config",
    "--null",
    "--name-only",
    "--get-regexp",
    "^filter\\..*\\.(clean|smudge|process|required)$",
  ];
  const { stdout } = await runGit(git, ask);
  const keys = stdout.toString().split("\0").filter(Boolean);
  // git takes the first = for the end of the name
  if (keys.some((key) => key.includes("=")))
    throw new TsopsError("git", "a filter of git has a name with = in it");
  const off = [...new Set(keys)].flatMap((key) => [
    "-c",
    `${key}=${key.endsWith(".required") ? "false" : ""}`,
  ]);
  return { ...git, before: [...git.before, ...off] };
}
