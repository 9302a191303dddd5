import { TsopsError } from "../errors.ts";
import { type Entry, type PathElement, pathOf } from "./format.ts";
import { sameScalar } from "./scalar.ts";
import { type Tree, TreeList, TreeMap } from "./tree.ts";

/**
 * Reads SOPS's way to name a place in a document: `["key"][0]['other']` (docs/internals/sops.md §7, `set`). A key may
 * hold any character but its own quote followed by `]`, which is more than SOPS can.
 * @throws TsopsError("bad-path"), whose exit code the caller may replace, if it is malformed or empty.
 */
export function parsePath(text: string): PathElement[] {
  const path: PathElement[] = [];
  for (let i = 0; i < text.length; ) {
    if (text[i] !== "[") throw badPath(`there is no [ at character ${i + 1}`);
    const quote = text[i + 1];
    if (quote === '"' || quote === "'") {
      const end = text.indexOf(`${quote}]`, i + 2);
      if (end < 0) throw badPath(`the key that starts at character ${i + 2} has no ${quote}] at its end`);
      path.push(text.slice(i + 2, end));
      i = end + 2;
    } else {
      const end = text.indexOf("]", i);
      if (end < 0) throw badPath(`the [ at character ${i + 1} has no ]`);
      const index = text.slice(i + 1, end);
      if (!/^\d{1,9}$/.test(index)) {
        throw badPath("the text between [ and ] is neither a number nor in quotes");
      }
      path.push(Number(index));
      i = end + 1;
    }
  }
  if (path.length === 0) throw badPath("it is empty");
  return path;
}

function badPath(why: string): TsopsError {
  return new TsopsError("bad-path", `the path is malformed: ${why}`, {
    hint: `write it as '["key"][0]["other"]': keys in quotes, list items by their number from 0`,
  });
}

/** A path as {@link parsePath} reads it. */
export function formatPath(path: readonly PathElement[]): string {
  return path.map((element) => `[${typeof element === "string" ? `"${element}"` : element}]`).join("");
}

/** An entry's path for messages about it, with what cannot be seen escaped. */
export function shownPath(entry: Entry): string {
  const path = pathOf(entry).map((element) => JSON.stringify(element));
  return `[${path.join("][")}]`;
}

/**
 * What stands at a path; of duplicate keys the first. Undefined if nothing does.
 */
export function valueAt(root: Tree, path: readonly PathElement[]): Tree | undefined {
  let node: Tree | undefined = root;
  for (const element of path) {
    if (typeof element === "string") node = node instanceof TreeMap ? node.get(element) : undefined;
    else node = node instanceof TreeList ? node.values()[element] : undefined;
    if (node === undefined) return undefined;
  }
  return node;
}

/** Whether two trees say the same: order counts, comments do not. */
export function sameTree(a: Tree, b: Tree): boolean {
  if (a instanceof TreeMap) {
    if (!(b instanceof TreeMap)) return false;
    const [left, right] = [a.entries(), b.entries()];
    return (
      left.length === right.length &&
      left.every(({ key, value }, i) => key === right[i]!.key && sameTree(value, right[i]!.value))
    );
  }
  if (a instanceof TreeList) {
    if (!(b instanceof TreeList)) return false;
    const [left, right] = [a.values(), b.values()];
    return left.length === right.length && left.every((value, i) => sameTree(value, right[i]!));
  }
  return !(b instanceof TreeMap) && !(b instanceof TreeList) && sameScalar(a, b);
}
