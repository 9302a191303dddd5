/** Where a text does not say yet what a merge has to say. */

import { buildTrees } from "../formats/build.ts";
import type { PathElement, Reading } from "../formats/format.ts";
import { sameTree } from "../formats/path.ts";
import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { type CommentNumbers, commentCounts } from "./comments.ts";
import type { Meaning } from "./meaning.ts";

/** What a merged text has to say. */
export interface Wanted extends Pick<Meaning, "documents" | "ordered"> {
  /** How often each comment stands in the file. */
  readonly comments: CommentNumbers;
}

/** A place that has to be changed: to this value, or to nothing. */
export interface Difference {
  readonly document: number;
  readonly path: readonly PathElement[];
  readonly want: Tree | undefined;
  readonly have: Tree | undefined;
}

export interface Differences {
  readonly values: readonly Difference[];
  /** Comments that are missing and those that are too many, once for each. */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

export function differences(wanted: Wanted, reading: Reading): Differences {
  const trees = buildTrees(reading.entries, reading.documents);
  const { documents, ordered } = wanted;
  const values: Difference[] = [];
  if (trees.length !== documents.length) {
    values.push({ document: 0, path: [], want: documents[0], have: trees[0] });
  } else {
    for (const [document, want] of documents.entries()) {
      compare(want, trees[document]!, { document, path: [], ordered, found: values });
    }
  }
  return { values, ...commentDifferences(wanted, commentCounts(reading)) };
}

/** How many there are, for choosing between texts. */
export function distance({ values, missing, surplus }: Differences): number {
  return 2 * values.length + missing.length + surplus.length;
}

interface Walk {
  readonly document: number;
  readonly path: readonly PathElement[];
  readonly ordered: Wanted["ordered"];
  readonly found: Difference[];
}

function compare(want: Tree, have: Tree, walk: Walk): void {
  if (want instanceof TreeMap && have instanceof TreeMap && compareMaps(want, have, walk)) return;
  if (want instanceof TreeList && have instanceof TreeList && compareLists(want, have, walk)) return;
  const { document, path, found } = walk;
  if (!sameTree(want, have)) found.push({ document, path, want, have });
}

/** Returns false where the whole map has to be changed. */
function compareMaps(want: TreeMap, have: TreeMap, walk: Walk): boolean {
  const [wanted, there] = [want.entries(), have.entries()];
  const [byKey, now] = [new Map(pairs(wanted)), new Map(pairs(there))];
  if (byKey.size < wanted.length || now.size < there.length) return false;
  const fixed = walk.ordered.get(want) ?? wanted.map(({ key }) => key);
  const inOrder = new Set(fixed);
  const order = there.flatMap(({ key }) => (inOrder.has(key) ? [key] : []));
  const left = new Set(order);
  const right = fixed.filter((key) => left.has(key));
  if (order.some((key, i) => key !== right[i])) return false;
  const { document, path, found } = walk;
  for (const [key, value] of byKey) {
    const other = now.get(key);
    const at = [...path, key];
    if (other === undefined) found.push({ document, path: at, want: value, have: undefined });
    else compare(value, other, { ...walk, path: at });
  }
  for (const [key, value] of now) {
    if (!byKey.has(key)) found.push({ document, path: [...path, key], want: undefined, have: value });
  }
  return true;
}

const pairs = (entries: readonly { key: string; value: Tree }[]) =>
  entries.map(({ key, value }): [string, Tree] => [key, value]);

/** Returns false where the whole list has to be changed. */
function compareLists(want: TreeList, have: TreeList, walk: Walk): boolean {
  const [wanted, there] = [want.values(), have.values()];
  const { document, path, found } = walk;
  if (there.length > 0 && startsWith(wanted, there)) {
    for (let i = there.length; i < wanted.length; i++) {
      found.push({ document, path: [...path, i], want: wanted[i], have: undefined });
    }
    return true;
  }
  if (wanted.length > 0 && wanted.length < there.length) {
    const extra = extraItems(wanted, there);
    if (!extra) return false;
    // from the end, so that the numbers of the others stay
    for (const i of extra.reverse()) {
      found.push({ document, path: [...path, i], want: undefined, have: there[i] });
    }
    return true;
  }
  if (wanted.length !== there.length) return false;
  wanted.forEach((item, i) => void compare(item, there[i]!, { ...walk, path: [...path, i] }));
  return true;
}

function startsWith(longer: readonly Tree[], shorter: readonly Tree[]): boolean {
  return longer.length > shorter.length && shorter.every((item, i) => sameTree(item, longer[i]!));
}

/** Indices of what has to go so that the rest is what is wanted; undefined if that is not enough. */
function extraItems(wanted: readonly Tree[], there: readonly Tree[]): number[] | undefined {
  const extra: number[] = [];
  let next = 0;
  for (const [i, item] of there.entries()) {
    if (next < wanted.length && sameTree(item, wanted[next]!)) next++;
    else extra.push(i);
  }
  return next === wanted.length ? extra : undefined;
}

function commentDifferences({ comments }: Wanted, have: ReadonlyMap<string, number>) {
  const missing: string[] = [];
  const surplus: string[] = [];
  for (const text of new Set([...comments.keys(), ...have.keys()])) {
    const { least, most } = comments.get(text) ?? { least: 0, most: 0 };
    const number = have.get(text) ?? 0;
    for (let i = number; i < least; i++) missing.push(text);
    for (let i = most; i < number; i++) surplus.push(text);
  }
  return { missing, surplus };
}
