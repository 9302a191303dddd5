import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";
import { type Environment, type Git, gitIn, runGit } from "./program.ts";
import { partsOf } from "./repository.ts";

/*
 * What git has and would take of the files of work trees: tracked files, and those that neither .gitignore, nor
 * info/exclude, nor the person's own excludes name. One git lists all that is asked about a work tree.
 */

/** What git says of the files below some folders of a work tree. Paths are absolute, as `pathKey` writes them. */
export interface Listing {
  readonly files: ReadonlySet<string>;
  /** All folders on the way to the files, and those that git cannot read: it finds no file in them. */
  readonly folders: ReadonlySet<string>;
  /** Submodules, and other repositories among the files. */
  readonly repositories: ReadonlySet<string>;
  /** Files whose merge is not finished. */
  readonly unmerged: ReadonlySet<string>;
  /** What was asked about and is ignored itself. */
  readonly ignored: ReadonlySet<string>;
}

/**
 * The top of the work tree that a path is in: the nearest folder with a `.git`, which may be a file. It is found without
 * git, since what a checkout holds further down may look like a repository, too. Undefined if there is none.
 */
export function topOf(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Where upper and lower case are one, git may know a file by another spelling than the disk. */
const FOLDS = process.platform === "win32" || process.platform === "darwin";

export function pathKey(path: string): string {
  return FOLDS ? path.normalize("NFC").toLowerCase() : path;
}

/** With more paths, or more bytes of them, the whole work tree is listed: git compares each file with each path. */
const MAX_PATHS = 200;
const MAX_BYTES = 30_000;

/**
 * Asks git about files and folders of one work tree, and all that is below them.
 * @param paths absolute, without links on the way.
 * @throws TsopsError("git") if there is no git, or it refuses the repository.
 */
export async function listFiles(top: string, paths: readonly string[], env: Environment): Promise<Listing> {
  const git = await gitIn(top, env);
  if (git === undefined) throw new TsopsError("git", "git is not installed");
  const specs = paths.map((path) => `:(literal)${relative(top, path).replaceAll(sep, "/")}`);
  const many = specs.length > MAX_PATHS || specs.join(" ").length > MAX_BYTES;
  const whole = many || paths.includes(top);
  const { parts, stderr } = await ask(git, [...LIST, ...(whole ? [] : ["--", ...specs])]);
  const listing = readListing(top, parts, unreadableIn(stderr));
  const empty = paths.filter((path) => path !== top && !knows(listing, path));
  return { ...listing, ignored: await ignoredOf(git, top, empty) };
}

/** Tags tell the names of files that git does not have from what it says of those that it has. */
const LIST = [
  "ls-files",
  ...["--cached", "--others", "--exclude-standard", "--stage", "-t", "-z", "--no-recurse-submodules"],
];

/** git only warns of them, and of none that is ignored. */
function unreadableIn(stderr: string): string[] {
  const warnings = stderr.matchAll(/^warning: could not open directory '(.*?)\/?': [^'\n]*$/gms);
  return [...warnings].map(([, name = ""]) => name);
}

async function ask(
  git: Git,
  args: readonly string[],
  input?: Uint8Array,
): Promise<{ parts: string[]; stderr: string }> {
  const { code, stdout, stderr } = await runGit(git, args, { input });
  // check-ignore: 1 says that nothing is
  if (code === 0 || (code === 1 && args[0] === "check-ignore")) return { parts: partsOf(stdout), stderr };
  const [line = ""] = stderr.split("\n");
  throw new TsopsError("git", printable(line.replace(/^(fatal|error): /, "")) || "it gave no reason");
}

function readListing(
  top: string,
  lines: readonly string[],
  unreadable: readonly string[],
): Omit<Listing, "ignored"> {
  const files = new Set<string>();
  const repositories = new Set<string>();
  const unmerged = new Set<string>();
  for (const line of lines) {
    const other = line.startsWith("? ");
    const [, mode = "", stage = "", known = ""] = /^\S (\d+) [0-9a-f]+ ([0-3])\t(.*)$/s.exec(line) ?? [];
    const name = other ? line.slice(2) : known;
    if (name === "") continue;
    const path = pathKey(join(top, name));
    // git looks into no other repository, and ends its name with a slash where it has none of it
    if (name.endsWith("/")) repositories.add(path.slice(0, -1));
    else if (mode === SUBMODULE) repositories.add(path);
    else files.add(path);
    if (stage !== "" && stage !== "0") unmerged.add(path);
  }
  const closed = unreadable.map((name) => pathKey(join(top, name)));
  // what a closed folder holds would have a longer path
  const inside = [...files, ...closed.map((folder) => join(folder, "*"))];
  return { files, folders: foldersOf(inside, pathKey(top)), repositories, unmerged };
}

const SUBMODULE = "160000";

function foldersOf(files: readonly string[], top: string): Set<string> {
  const folders = new Set([top]);
  for (const file of files)
    for (let at = dirname(file); !folders.has(at) && at.length > top.length; at = dirname(at))
      folders.add(at);
  return folders;
}

function knows({ files, folders, repositories }: Omit<Listing, "ignored">, path: string): boolean {
  const key = pathKey(path);
  return files.has(key) || folders.has(key) || repositories.has(key);
}

async function ignoredOf(git: Git, top: string, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const names = paths.map((path) => `${relative(top, path).replaceAll(sep, "/")}\0`).join("");
  const { parts } = await ask(git, ["check-ignore", "--stdin", "-z"], Buffer.from(names));
  return new Set(parts.map((name) => pathKey(resolve(top, name))));
}
