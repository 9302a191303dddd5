import { runGit, withoutFilters } from "./program.ts";
import { askGit, gitFailed, type Repository } from "./repository.ts";
import { type Change, changesIn } from "./staged.ts";

/** What git compares: ids of commits or trees, the index, and the work tree. */
export type Comparison =
  | { readonly kind: "work tree" }
  | { readonly kind: "staged"; readonly from: string }
  | { readonly kind: "commit to work tree"; readonly from: string }
  | { readonly kind: "commits"; readonly from: string; readonly to: string };

/** git in the folder where a person stands, so that names and patterns of files mean what they mean there. */
export type Here = Pick<Repository, "git">;

/** The names come as they are, from the top of the work tree; no program of the repository's choice takes part. */
const RAW = [
  ...["--raw", "--no-abbrev", "-z", "--no-ext-diff", "--no-textconv"],
  ...["--no-relative", "--ignore-submodules=all"],
];

/** What changed, of the files that the patterns name; all of them if there are none. */
export async function compared(
  here: Here,
  comparison: Comparison,
  patterns: readonly string[],
): Promise<Change[]> {
  const only = ["--", ...patterns];
  const ask = async (...args: readonly string[]) => changesIn(await askGit(here, [...args, ...only]));
  const askWorkTree = async () => {
    const git = await withoutFilters(here.git);
    return oneEach(changesIn(await askGit({ git }, ["diff-files", ...RAW, ...only])));
  };
  switch (comparison.kind) {
    case "commits":
      return await ask("diff-tree", "-r", ...RAW, "--find-renames", comparison.from, comparison.to);
    case "staged":
      return await ask("diff-index", "--cached", ...RAW, "--find-renames", comparison.from);
    case "work tree":
      return await askWorkTree();
    case "commit to work tree": {
      const { from } = comparison;
      // without looking for renames in the work tree, for which git would run filters
      const staged = await ask("diff-index", "--cached", ...RAW, "--find-renames", from);
      return joined(staged, await askWorkTree());
    }
  }
}

/** A file in conflict comes twice. */
function oneEach(changes: readonly Change[]): Change[] {
  const unmerged = new Set(changes.filter(({ status }) => status === "U").map(({ path }) => path));
  return changes.filter(({ path, status }) => status === "U" || !unmerged.has(path));
}

/** From a commit to the index, and from there to the work tree. */
function joined(staged: readonly Change[], inWorkTree: readonly Change[]): Change[] {
  const later = new Map(inWorkTree.map((change) => [change.path, change]));
  const both = staged.map((change) => {
    const last = later.get(change.path);
    later.delete(change.path);
    return last ? { ...change, status: last.status, after: last.after } : change;
  });
  return [...both, ...later.values()].filter(
    ({ before, after, status }) => before || after || status === "U",
  );
}

/** The id of the tree or commit that a revision names; undefined if it names none. */
export async function resolveRevision(
  { git }: Here,
  revision: string,
  type: "commit" | "tree" = "commit",
): Promise<string | undefined> {
  if (revision.startsWith("-")) return undefined;
  const { code, stdout } = await runGit(git, ["rev-parse", "--verify", "--quiet", `${revision}^{${type}}`]);
  return code === 0 ? stdout.toString().trim() : undefined;
}

/** The last commit that two have in common. @throws TsopsError("git") if there is none. */
export async function mergeBase({ git }: Here, one: string, other: string): Promise<string> {
  const { code, stdout, stderr } = await runGit(git, ["merge-base", one, other]);
  if (code === 0) return stdout.toString().trim();
  throw gitFailed("the two revisions have no commit in common", stderr);
}

/** The tree without files, which the first commit is compared with. */
export async function emptyTree(here: Here): Promise<string> {
  return (await askGit(here, ["hash-object", "-t", "tree", "--stdin"], new Uint8Array())).toString().trim();
}
