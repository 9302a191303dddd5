import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { statOf } from "../files/stat.ts";
import { type Here, mergeBase, resolveRevision } from "../git/compared.ts";
import { printable } from "../printable.ts";

/** Two ends of a history; where one is left out in `A..B`, it is HEAD. */
export interface Range {
  readonly kind: "range";
  readonly from: string;
  readonly to: string;
  /** `A...B`: from the last commit that both have. */
  readonly symmetric: boolean;
}

export interface Revision {
  readonly kind: "revision";
  /** As it was typed. */
  readonly name: string;
  readonly id: string;
}

export interface Words {
  readonly revisions: readonly (Revision | Range)[];
  readonly files: readonly string[];
}

/**
 * What stands before `--`: revisions first, then files, as git has it. What could be both is an error, and so is what is
 * neither; behind `--` all are files. @throws TsopsError("usage")
 */
export async function splitWords(
  words: readonly string[],
  behind: readonly string[],
  { here, cwd, bare }: { here: Here; cwd: string; bare: boolean },
): Promise<Words> {
  // the files of a bare repository are none that it holds
  const isThere = (word: string) => !bare && statOf(resolve(cwd, word)) !== undefined;
  const revisions: (Revision | Range)[] = [];
  for (const [i, word] of words.entries()) {
    const revision = await asRevision(word, here);
    if (revision && isThere(word) && behind.length === 0) throw ambiguous(word);
    if (revision) revisions.push(revision);
    else if (behind.length > 0) throw unknown(word);
    else {
      const files = words.slice(i);
      const missing = files.find((file) => !isThere(file) && !/[*?[:]/.test(file));
      if (missing !== undefined) throw unknown(missing);
      return { revisions, files };
    }
  }
  return { revisions, files: behind };
}

export async function asRevision(word: string, here: Here): Promise<Revision | Range | undefined> {
  const id = await resolveRevision(here, word, "commit");
  if (id !== undefined) return { kind: "revision", name: word, id };
  const tree = await resolveRevision(here, word, "tree");
  if (tree !== undefined) return { kind: "revision", name: word, id: tree };
  const [, first = "", dots, second = ""] = /^(.*?)(\.{2,3})(.*)$/.exec(word) ?? [];
  if (dots === undefined || (first === "" && second === "")) return undefined;
  const [from, to] = await Promise.all(
    [first, second].map((name) => resolveRevision(here, name || "HEAD", "commit")),
  );
  if (from === undefined || to === undefined) return undefined;
  return { kind: "range", from, to, symmetric: dots === "..." };
}

/** The two commits that a range compares. */
export async function endsOf({ from, to, symmetric }: Range, here: Here): Promise<[string, string]> {
  return [symmetric ? await mergeBase(here, from, to) : from, to];
}

function ambiguous(word: string): TsopsError {
  return new TsopsError("usage", `${printable(word)} is both a revision and a file`, {
    hint: "put -- before files, and behind revisions: tsops diff REVISION -- FILE",
  });
}

function unknown(word: string): TsopsError {
  return new TsopsError("usage", `${printable(word)} is neither a revision nor a file`, {
    hint: "a file that is only in other versions is named behind --: tsops diff HEAD~1 -- FILE",
  });
}
