import { askGit, partsOf, type Repository } from "./repository.ts";

/** A file that a merge commit has as none of its parents has it. */
export interface MergedFile {
  readonly commit: string;
  /** From the top of the work tree, with `/`. */
  readonly path: string;
}

/** What merge commits of a range put together: their files that differ from those of every parent. */
export async function mergedFiles(repository: Repository, range: string): Promise<MergedFile[]> {
  const merges = await askGit(repository, ["rev-list", "--merges", "--end-of-options", range, "--"]);
  if (merges.length === 0) return [];
  const args = ["diff-tree", "--stdin", "-r", "-c", "-z", "--name-only", "--no-ext-diff", "--no-textconv"];
  const files: MergedFile[] = [];
  let commit = "";
  for (const part of partsOf(await askGit(repository, args, merges))) {
    if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(part)) commit = part;
    else if (part !== "") files.push({ commit, path: part });
  }
  return files;
}
