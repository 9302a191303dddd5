import type { Here } from "./compared.ts";
import { askGit, partsOf } from "./repository.ts";
import { type Change, changesOf } from "./staged.ts";

export interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly email: string;
  /** ISO 8601, with the author's own offset. */
  readonly date: string;
  readonly message: string;
  /** Of a merge there are none, unless only first parents are followed. */
  readonly changes: readonly Change[];
}

/** What may be asked of git's choice of commits; each is one of git's own options. */
export interface Choice {
  /** Ids, with `^` before those whose ancestors are left out; HEAD if there are none. */
  readonly revisions: readonly string[];
  readonly options: readonly string[];
  readonly patterns: readonly string[];
}

const FIELDS = ["%H", "%P", "%an", "%ae", "%aI", "%B"];

/** The commits, in git's order, with what each changed of the files that the patterns name. */
export async function commitsOf(here: Here, { revisions, options, patterns }: Choice): Promise<Commit[]> {
  const output = await askGit(here, [
    ...["log", "-z", "--raw", "--no-abbrev", "--find-renames", `--format=${FIELDS.join("%x00")}`],
    ...["--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color", "--no-relative"],
    ...["--ignore-submodules=all", "--no-mailmap", "--no-decorate", "--encoding=UTF-8", "--root"],
    ...options,
    ...revisions,
    "--",
    ...patterns,
  ]);
  return commitsIn(partsOf(output));
}

/** What `git log -z --raw` prints: the fields of a commit, and then its changes, the first behind a line break. */
export function commitsIn(parts: readonly string[]): Commit[] {
  const commits: Commit[] = [];
  for (let i = 0; i + FIELDS.length <= parts.length; ) {
    const [id, parents, author, email, date, message] = parts.slice(i, i + FIELDS.length) as [
      ...[string, string, string, string, string, string],
    ];
    i += FIELDS.length;
    const from = i;
    for (let raw = rawOf(parts[i]); raw; raw = rawOf(parts[i])) i += /[RC]\d*$/.test(raw) ? 3 : 2;
    const changes = changesOf(parts.slice(from, i).map((part) => rawOf(part) ?? part));
    commits.push({ id, parents: parents.split(" ").filter(Boolean), author, email, date, message, changes });
  }
  return commits;
}

/** A change without its paths; undefined for anything else. A file's name cannot stand where one is looked for. */
function rawOf(part: string | undefined): string | undefined {
  return /^\n?(:\d{6} \d{6} [0-9a-f]+ [0-9a-f]+ [A-Z]\d*)$/.exec(part ?? "")?.[1];
}
