import { TsopsError } from "../../errors.ts";
import type { PathElement, PrintOptions } from "../format.ts";
import type { Scalar } from "../scalar.ts";
import type { Edit } from "../text.ts";
import { type Tree, TreeList, TreeMap } from "../tree.ts";
import type { Dialect } from "./dialect.ts";
import { type Collection, collectionAt, type Member, nextToken } from "./members.ts";
import { type Writing, writeMember, writeTree } from "./print.ts";
import type { ObjectReading } from "./read.ts";
import { indentAt, onOwnLine, type Spacing, spacingOf } from "./spacing.ts";

/** A text that is being changed. */
interface Document {
  readonly text: string;
  readonly dialect: Dialect;
  readonly spacing: Spacing;
  readonly likeKey: string | undefined;
  readonly root: Collection;
}

/** Where a path leads. */
interface Found {
  /** The innermost collection on the path. */
  readonly collection: Collection;
  /** Whether that has its members on lines of their own, or would have if it had any. */
  readonly pretty: boolean;
  /** What stands there under the next element of the path. */
  readonly member: Member | undefined;
  /** What of the path is left behind that member, or, if there is none, from the missing element on. */
  readonly rest: readonly PathElement[];
}

/**
 * Edits that give a path this value, as SOPS's `set` does: the first of duplicate keys, a scalar on the way replaced,
 * an index past the end of a list appended (docs/internals/sops.md §7).
 * @throws TsopsError("bad-path") for an index into an object, a key into an array, or no path at all.
 */
export function setIn(document: Document, path: readonly PathElement[], value: Tree): Edit[] {
  const { text, dialect } = document;
  const { collection, pretty, member, rest } = find(document, path);
  if (member) {
    const tree = wrap(rest, value);
    const writing = writingFor(document, pretty && onOwnLine(text, member), member);
    const like = text.slice(member.valueStart, member.end);
    const scalar = (item: Scalar) => dialect.spell(item, item === tree ? like : "");
    const indent = indentAt(text, member.start);
    const written = writeTree(tree, { ...writing, scalar }, indent);
    return [{ start: member.valueStart, end: member.end, text: written }];
  }
  const [element, ...more] = rest;
  const tree = wrap(more, value);
  return append(document, collection, pretty, (writing, indent) =>
    typeof element === "string"
      ? writeMember(element, tree, writing, indent)
      : writeTree(tree, writing, indent),
  );
}

/** Edits that take away what stands at a path. @throws TsopsError("bad-path") if nothing does. */
export function unsetIn(document: Document, path: readonly PathElement[]): Edit[] {
  const { collection, member, rest } = find(document, path);
  if (!member || rest.length > 0) throw new TsopsError("bad-path", "there is nothing at this path");
  return removal(document.text, document.dialect, collection, member);
}

/** A text as {@link setIn} and {@link unsetIn} change it, laid out as it is or as the options say. */
export function openDocument(
  { text, root }: ObjectReading,
  dialect: Dialect,
  options: PrintOptions = {},
): Document {
  const collection = collectionAt(text, dialect, root.start!);
  const [first] = collection.members;
  const likeKey = first && text.slice(first.start, first.valueStart);
  return { text, dialect, spacing: spacingOf(text, collection, options), likeKey, root: collection };
}

/** Follows a path as far as there are collections. */
function find({ text, dialect, spacing, root }: Document, path: readonly PathElement[]): Found {
  let collection = root;
  let pretty = spacing.unit !== undefined;
  for (let depth = 0; ; depth++) {
    const last = collection.members.at(-1);
    if (last) pretty = spacing.unit !== undefined && onOwnLine(text, last);
    const element = path[depth];
    const member = memberAt(collection, element);
    const rest = path.slice(depth + (member ? 1 : 0));
    const inside = member && (text[member.valueStart] === "{" || text[member.valueStart] === "[");
    if (!member || !inside || rest.length === 0) return { collection, pretty, member, rest };
    collection = collectionAt(text, dialect, member.valueStart);
  }
}

function memberAt({ kind, members }: Collection, element: PathElement | undefined): Member | undefined {
  if (element === undefined) throw new TsopsError("bad-path", "the path is empty");
  if (kind === "map") {
    if (typeof element === "string") return members.find(({ key }) => key === element);
    throw new TsopsError("bad-path", "the path has an index where the document has an object", {
      hint: 'keys stand in quotes, as in ["key"]',
    });
  }
  if (typeof element === "number" && element >= 0) return members[element];
  throw new TsopsError("bad-path", "the path has a key where the document has an array", {
    hint: "items are counted from 0, as in [0]",
  });
}

/** The value with what is missing around it: an object for a key, an array of one item for an index, as in SOPS. */
function wrap(path: readonly PathElement[], value: Tree): Tree {
  return path.reduceRight<Tree>(
    (inner, element) =>
      typeof element === "string" ? TreeMap.of([[element, inner]]) : new TreeList([inner]),
    value,
  );
}

function writingFor({ text, dialect, spacing, likeKey }: Document, pretty: boolean, like?: Member): Writing {
  const ownKey = like?.key === undefined ? undefined : text.slice(like.start, like.valueStart);
  const scalar = (value: Scalar) => dialect.spell(value, "");
  return {
    dialect,
    spacing: pretty ? spacing : { ...spacing, unit: undefined },
    scalar,
    likeKey: ownKey ?? likeKey ?? "",
  };
}

/** Edits that put something behind the last member; in the root object, before the metadata if that is the last. */
function append(
  document: Document,
  collection: Collection,
  pretty: boolean,
  write: (writing: Writing, indent: string) => string,
): Edit[] {
  const { text, spacing } = document;
  const { members, lastToken, close } = collection;
  const own = collection === document.root ? members.filter(({ key }) => key !== "sops") : members;
  const after = own.at(-1);
  const writing = writingFor(document, pretty, after ?? members[0]);
  const outer = indentAt(text, collection.open);
  const indent = after && onOwnLine(text, after) ? indentAt(text, after.start) : outer + (spacing.unit ?? "");
  const item = write(writing, pretty ? indent : "");
  if (after)
    return insertAfter(collection, after, { text: item, indent: pretty ? indent : undefined }, spacing);
  const [metadata] = members;
  const lead = pretty ? spacing.newline + indent : "";
  if (metadata) {
    const gap = pretty ? "" : spacing.comma.slice(1);
    return [{ start: metadata.before, end: metadata.before, text: `${lead}${item},${gap}` }];
  }
  const wrapped = pretty || collection.endsInComment;
  return [
    {
      start: lastToken,
      end: close,
      text: wrapped ? `${spacing.newline}${indent}${item}${spacing.newline}${outer}` : item,
    },
  ];
}

/** A member or item as it is to be written; without an indentation it stands on the line of the one before. */
interface Written {
  readonly text: string;
  readonly indent: string | undefined;
}

/** Edits that put an item behind a member. */
export function insertAfter(
  collection: Collection,
  after: Member,
  { text, indent }: Written,
  spacing: Spacing,
): Edit[] {
  const isLast = collection.members.at(-1) === after;
  const at = isLast ? collection.lastToken : after.tail;
  // Behind comments a new line starts: they may run to the end of the line, and stay about what they are about.
  let lead = after.commented ? spacing.newline : spacing.comma.slice(1);
  if (indent !== undefined) lead = spacing.newline + indent;
  if (after.comma !== undefined) return [{ start: at, end: at, text: `${lead}${text},` }];
  if (at === after.end) return [{ start: at, end: at, text: `,${lead}${text}` }];
  return [
    { start: after.end, end: after.end, text: "," },
    { start: at, end: at, text: lead + text },
  ];
}

/** Edits that take a member away with one comma, its line and the comments on that line. */
function removal(text: string, dialect: Dialect, collection: Collection, member: Member): Edit[] {
  const { members, open, close, lastToken } = collection;
  const { start, end, before, comma, tail } = member;
  const bare = members.length === 1 && before === open + 1 && lastToken === (comma ?? end - 1) + 1;
  if (bare) return [{ start: before, end: close, text: "" }];
  // Only if nothing follows on its line: what does must not come to stand behind a line comment.
  const wholeLine = onOwnLine(text, member) && /[ \t]*[\r\n\u2028\u2029]/y.test(text.slice(tail, close));
  if (comma !== undefined) {
    if (wholeLine) return [{ start: before, end: tail, text: "" }];
    return [{ start, end: nextToken(text, dialect, comma + 1), text: "" }];
  }
  const previous = members[members.indexOf(member) - 1]?.comma;
  const from = wholeLine || !onOwnLine(text, member) ? before : start;
  const to = wholeLine ? tail : end;
  if (previous === undefined) return [{ start: from, end: to, text: "" }];
  if (before === previous + 1) return [{ start: previous, end: to, text: "" }];
  return [
    { start: previous, end: previous + 1, text: "" },
    { start: from, end: to, text: "" },
  ];
}
