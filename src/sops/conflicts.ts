/**
 * Conflicts of a merge that are not resolved yet: an encrypted field of the metadata, `sops.tsops.conflicts`
 * (docs/format.md). The document itself holds what our side says; the field holds what base and theirs say.
 */

import { TsopsError } from "../errors.ts";
import type { PathElement } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { Time } from "../formats/scalar.ts";
import { encodeText } from "../formats/text.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../formats/tree.ts";
import { type CipherInputs, encryptBytes } from "./cipher.ts";
import { CONFLICTS_AAD, type HeldConflicts, holdsConflicts } from "./held.ts";
import type { Metadata } from "./metadata.ts";

export { holdsConflicts };

export const CONFLICT_KINDS = [
  "value",
  "added by both",
  "deleted by ours",
  "deleted by theirs",
  "order",
  "comment",
  "whole text",
  "recipients",
  "selector",
] as const;

export type ConflictKind = (typeof CONFLICT_KINDS)[number];

/** One place that two sides changed in different ways. A side that has nothing there is left out. */
export interface Conflict {
  readonly document: number;
  /** Empty where it is about the whole document, or the whole file. */
  readonly path: readonly PathElement[];
  readonly kind: ConflictKind;
  readonly base?: Tree;
  readonly ours?: Tree;
  readonly theirs?: Tree;
}

/** One change of lines: from which line on, counted from 0, what stands there, and what stands there instead. */
export interface LinePatch {
  readonly line: number;
  readonly old: readonly string[];
  readonly now: readonly string[];
}

export interface Labels {
  readonly base?: string;
  readonly ours?: string;
  readonly theirs?: string;
}

/** What the field says. */
export interface Conflicts {
  readonly labels: Labels;
  readonly conflicts: readonly Conflict[];
  /** Makes the plaintext that has theirs in every place that is in conflict. */
  readonly theirs: readonly LinePatch[];
  /** The same for base; undefined where there is none. */
  readonly base?: readonly LinePatch[];
}

const VERSION = 1;

/** The field's ciphertext. */
export function encryptConflicts(conflicts: Conflicts, inputs: CipherInputs): string {
  const { labels, base, theirs } = conflicts;
  const patches = (patch: readonly LinePatch[] | undefined) =>
    patch?.map(({ line, old, now }) => [line, old, now]);
  const text = JSON.stringify({
    version: VERSION,
    labels,
    conflicts: conflicts.conflicts.map((conflict) => ({
      document: conflict.document,
      path: conflict.path,
      kind: conflict.kind,
      ...sides(conflict),
    })),
    theirs: patches(theirs),
    base: patches(base),
  });
  return encryptBytes(encodeText(text), "str", CONFLICTS_AAD, inputs);
}

/** What a file says of its conflicts; undefined if that cannot be understood. */
export function conflictsIn({ said }: HeldConflicts): Conflicts | undefined {
  if (said === undefined) return undefined;
  try {
    return readConflicts(JSON.parse(said));
  } catch {
    return undefined;
  }
}

/** The same without a key. @throws TsopsError("merge-conflict") */
export function refuseHeldConflicts(metadata: Pick<Metadata, "own">): void {
  if (holdsConflicts(metadata)) refuseConflicts({ said: undefined });
}

/** What stops every write of such a file, and names the first places. @throws TsopsError("merge-conflict") */
export function refuseConflicts(held: HeldConflicts | undefined): void {
  if (!held) return;
  throw new TsopsError(
    "merge-conflict",
    `${describeConflicts(held)}: the file is not written as long as it has any`,
    {
      hint: "tsops git resolve FILE opens them in your editor; --ours, --theirs or --base takes one side",
      exit: 1,
    },
  );
}

/** More paths than this help nobody. */
const SHOWN = 3;

export function describeConflicts(held: HeldConflicts): string {
  const said = conflictsIn(held);
  if (!said) return "the file holds conflicts of a merge";
  const { conflicts } = said;
  const places = [...new Set(conflicts.map(describePlace))];
  const more = places.length > SHOWN ? `, and ${places.length - SHOWN} more` : "";
  const number = conflicts.length === 1 ? "a conflict" : `${conflicts.length} conflicts`;
  return `the file holds ${number} of a merge (${places.slice(0, SHOWN).join(", ")}${more})`;
}

/** Where a conflict is, in words. */
export function describePlace({ path, kind, document }: Conflict): string {
  if (path.length === 0) return kind;
  return `${formatPath(path)}${document > 0 ? ` in document ${document}` : ""}`;
}

function sides({ base, ours, theirs }: Conflict) {
  const side = (tree: Tree | undefined) => (tree === undefined ? undefined : toJson(tree));
  return { base: side(base), ours: side(ours), theirs: side(theirs) };
}

/** A tree with its types: JSON has no 64-bit integers, no times, and no order that everybody keeps. */
function toJson(tree: Tree | TreeComment): unknown {
  if (tree instanceof TreeComment) return { comment: tree.text };
  if (tree instanceof TreeMap) {
    return {
      map: tree.items.map((item) =>
        item instanceof TreeComment ? toJson(item) : { key: item.key, value: toJson(item.value) },
      ),
    };
  }
  if (tree instanceof TreeList) return { list: tree.items.map(toJson) };
  if (tree instanceof Time) return { time: tree.text };
  if (typeof tree === "bigint") return { int: String(tree) };
  if (typeof tree === "number") return { float: Object.is(tree, -0) ? "-0" : String(tree) };
  return tree;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws on anything that is not as {@link encryptConflicts} writes it. */
function readConflicts(said: unknown): Conflicts {
  const { version, labels, conflicts, theirs, base } = fieldsOf(said);
  if (version !== VERSION) throw new TypeError("another version");
  return {
    labels: readLabels(fieldsOf(labels)),
    conflicts: arrayOf(conflicts).map(readConflict),
    theirs: readPatch(theirs),
    base: base === undefined ? undefined : readPatch(base),
  };
}

function readLabels(labels: Fields): Labels {
  const label = (side: unknown) => (side === undefined ? undefined : textOf(side));
  return { base: label(labels.base), ours: label(labels.ours), theirs: label(labels.theirs) };
}

function readConflict(said: unknown): Conflict {
  const { document, path, kind, base, ours, theirs } = fieldsOf(said);
  const side = (tree: unknown) => (tree === undefined ? undefined : fromJson(tree));
  const known = CONFLICT_KINDS.find((one) => one === kind);
  if (!known) throw new TypeError("another kind");
  return {
    document: indexOf(document),
    path: arrayOf(path).map((element) => (typeof element === "string" ? element : indexOf(element))),
    kind: known,
    base: side(base),
    ours: side(ours),
    theirs: side(theirs),
  };
}

function readPatch(said: unknown): LinePatch[] {
  return arrayOf(said).map((one) => {
    const [line, old, now] = arrayOf(one);
    return { line: indexOf(line), old: arrayOf(old).map(textOf), now: arrayOf(now).map(textOf) };
  });
}

function fromJson(said: unknown): Tree {
  if (said === null || typeof said === "string" || typeof said === "boolean") return said;
  const fields = fieldsOf(said);
  if (fields.map !== undefined) return new TreeMap(arrayOf(fields.map).map(memberOf));
  if (fields.list !== undefined) {
    return new TreeList(arrayOf(fields.list).map((item) => commentOf(item) ?? fromJson(item)));
  }
  if (fields.int !== undefined) return BigInt(textOf(fields.int));
  if (fields.float !== undefined) return Number(textOf(fields.float));
  const time = Time.parse(textOf(fields.time));
  if (!time) throw new TypeError("not a time");
  return time;
}

function memberOf(said: unknown) {
  const comment = commentOf(said);
  if (comment) return comment;
  const { key, value } = fieldsOf(said);
  return { key: textOf(key), value: fromJson(value) };
}

function commentOf(said: unknown): TreeComment | undefined {
  if (typeof said !== "object" || said === null || !("comment" in said)) return undefined;
  return new TreeComment(textOf(said.comment));
}

function fieldsOf(said: unknown): Fields {
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw new TypeError("not a map");
  return said as Fields;
}

function arrayOf(said: unknown): unknown[] {
  if (!Array.isArray(said)) throw new TypeError("not a list");
  return said;
}

function textOf(said: unknown): string {
  if (typeof said !== "string") throw new TypeError("not a text");
  return said;
}

function indexOf(said: unknown): number {
  if (!Number.isSafeInteger(said) || (said as number) < 0) throw new TypeError("not an index");
  return said as number;
}
