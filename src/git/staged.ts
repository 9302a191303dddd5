import { askGit, partsOf, type Repository } from "./repository.ts";

/** One file of the index. */
export interface StagedFile {
  /** From the top of the work tree, with `/`. */
  readonly path: string;
  /** As git writes it: 100644, 100755, 120000 for a link, 160000 for a submodule. */
  readonly mode: string;
  /** The blob's id. */
  readonly id: string;
  /** 0, or where a merge is not finished 1 for the base, 2 for ours and 3 for theirs. */
  readonly stage: 0 | 1 | 2 | 3;
}

/** The files of the index below the paths, all of it if there are none. A file in conflict comes once for each stage. */
export async function stagedFiles(
  repository: Repository,
  paths: readonly string[] = [],
): Promise<StagedFile[]> {
  return await listStaged(repository, only(paths));
}

/** Those that are called so, in whatever folder, and those of the paths. */
export async function stagedByName(
  repository: Repository,
  names: readonly string[],
  paths: readonly string[] = [],
): Promise<StagedFile[]> {
  const anywhere = names.map((name) => `:(top,glob)**/${name}`);
  return await listStaged(repository, [...only(paths), ...(paths.length === 0 ? ["--"] : []), ...anywhere]);
}

async function listStaged(repository: Repository, specs: readonly string[]): Promise<StagedFile[]> {
  const output = await askGit(repository, ["ls-files", "--stage", "--full-name", "-z", ...specs]);
  return partsOf(output).flatMap((line) => {
    const [, mode, id, stage, path] = /^(\d+) ([0-9a-f]+) ([0-3])\t(.*)$/s.exec(line) ?? [];
    return path === undefined
      ? []
      : [{ path, mode: mode!, id: id!, stage: Number(stage) as StagedFile["stage"] }];
  });
}

/** The files in conflict, with their stages. */
export async function unmergedFiles(
  repository: Repository,
  paths: readonly string[] = [],
): Promise<StagedFile[]> {
  const output = await askGit(repository, ["ls-files", "--unmerged", "--stage", "-z", ...only(paths)]);
  const names = new Set(partsOf(output).map((line) => line.slice(line.indexOf("\t") + 1)));
  return names.size === 0
    ? []
    : (await stagedFiles(repository, [...names])).filter(({ stage }) => stage !== 0);
}

/** What a commit would change of a file. */
export interface Change {
  readonly path: string;
  /** What it was called before, where git sees that it was renamed. */
  readonly from?: string;
  readonly status: "A" | "C" | "D" | "M" | "R" | "T" | "U" | "X";
  /** The blobs' ids and modes before and after; undefined where there is no file. */
  readonly before?: { readonly id: string; readonly mode: string };
  /** An id of zeros only is that of a file in the work tree that git has not read. */
  readonly after?: { readonly id: string; readonly mode: string };
}

/**
 * What is staged, compared with HEAD: what a commit that starts now would change. In a hook of `git commit FILE` that is
 * the index which git made for it, if the repository was opened as `placed`.
 */
export async function stagedChanges(
  repository: Repository,
  paths: readonly string[] = [],
): Promise<Change[]> {
  return changesIn(await askGit(repository, ["diff", "--cached", ...RAW, ...only(paths)]));
}

/** Compares two trees or commits. */
export async function changesBetween(
  repository: Repository,
  [from, to]: readonly [string, string],
  paths: readonly string[] = [],
): Promise<Change[]> {
  return changesIn(
    await askGit(repository, ["diff-tree", "-r", ...RAW, "--end-of-options", from, to, ...only(paths)]),
  );
}

/** No other program of the repository's choice takes part, and names come as they are. */
const RAW = [
  "--raw",
  "--no-abbrev",
  "-z",
  "--find-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--ignore-submodules=all",
];

function only(paths: readonly string[]): string[] {
  return paths.length === 0 ? [] : ["--", ...paths.map((path) => `:(top,literal)${path}`)];
}

/** What git's raw format says, with `-z`. */
export function changesIn(output: Buffer): Change[] {
  return changesOf(partsOf(output));
}

/** The same of its parts. */
export function changesOf(parts: readonly string[]): Change[] {
  const changes: Change[] = [];
  for (let i = 0; i < parts.length; i++) {
    const found = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(parts[i]!);
    if (!found) continue;
    const [, beforeMode, afterMode, beforeId, afterId, letter] = found;
    const status = letter as Change["status"];
    const from = status === "R" || status === "C" ? parts[++i]! : undefined;
    const path = parts[++i]!;
    changes.push({
      path,
      status,
      ...(from === undefined ? {} : { from }),
      ...(Number(beforeMode) === 0 ? {} : { before: { id: beforeId!, mode: beforeMode! } }),
      ...(Number(afterMode) === 0 ? {} : { after: { id: afterId!, mode: afterMode! } }),
    });
  }
  return changes;
}
