import { TsopsError } from "../../errors.ts";
import type { Entry, PathElement, Reading } from "../../formats/format.ts";
import { type GivenNumber, spellAsGiven } from "../../formats/given.ts";
import { formatPath } from "../../formats/path.ts";
import type { Scalar } from "../../formats/scalar.ts";
import { applyEdits, type Edit } from "../../formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import { membersOf, type Node, nodeAt, pathOfNode } from "../outline/node.ts";
import { type Base, entryOf } from "./base.ts";
import {
  type Attempt,
  type Draft,
  draftOfPart,
  firstThatSays,
  flushed,
  isLarge,
  type Pending,
  spellingOf,
  valueIn,
  withPartChanged,
  withPending,
  withText,
} from "./draft.ts";
import { renamings } from "./keys.ts";
import { commentRemovals, commentsAbove, copies, removals, swaps } from "./lines.ts";
import { nodeInPart, type Part, partAround } from "./part.ts";
import { type Member, positionsOf, treeAt, withMembers, withValueAt } from "./positions.ts";
import { commentsOf, sameValue, treesOf, type Wanted } from "./same.ts";

/** What can be done to a document. Each operation keeps the rest of the text, and says what it made in `at`. */
export interface Done {
  readonly draft: Draft;
  /** The path of what was made or changed; of what holds it if it is gone. */
  readonly at: readonly PathElement[];
}

/** A value as somebody gave it: numbers keep their spelling. */
export interface GivenValue {
  readonly value: Scalar;
  readonly spelled?: string;
}

/**
 * In a large text, an operation is done in the part around some rows, which is read by itself. Undefined if it has to be
 * done in the whole text: where the part is too large, or cannot tell, or the operation fails in it.
 */
function inPart(
  draft: Draft,
  [from, to]: readonly [Node, Node],
  operate: (draft: Draft, part: Part) => Done,
): Done | undefined {
  const { base, setting } = draft;
  const part = isLarge(draft) ? partAround(base, [from, to], setting.format) : undefined;
  if (!part) return undefined;
  try {
    const done = operate(draftOfPart(draft, part), part);
    const at = [...(part.holder ? pathOfNode(part.holder) : []), ...done.at];
    if (!done.draft.past) return { draft, at };
    const after = withPartChanged(draft, part, done.draft);
    return after && { draft: after, at };
  } catch (error) {
    // what is wrong the whole text says best
    if (error instanceof TsopsError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** An operation on one row. */
function onRow(draft: Draft, node: Node, operate: (draft: Draft, node: Node) => Done): Done {
  const done = inPart(draft, [node, node], (own, part) => {
    const row = nodeInPart(draft.base, part, node);
    if (!row) throw cannot("this row", own);
    return operate(own, row);
  });
  return done ?? operate(draft, node);
}

/** Gives a value or a comment another text, or another type. */
export function setValue(draft: Draft, node: Node, given: GivenValue): Done {
  const at = pathOfNode(node);
  const { value } = given;
  const before = valueIn(draft, node);
  const same = before !== undefined && typeof before === typeof value && sameValue(before, value);
  if (same && (given.spelled === undefined || given.spelled === spellingOf(draft, node)))
    return { draft, at };
  const label = `change ${labelOf(node)}`;
  const entry = entryOf(draft.base, node)!;
  const simple = node.kind === "value" && !entry.alias && !entry.anchored && !draft.setting.format.wrapper;
  if (simple && isLarge(draft)) {
    const to = pendingFor(draft, node, given);
    if (to) return { draft: withPending(draft, label, node.entry!, to), at };
  }
  return onRow(draft, node, (part, row) => {
    const ready = flushed(part);
    const base =
      row.kind === "comment" ? setComment(ready, row, String(value)) : setScalar(ready, row, given);
    return { draft: withText(part, label, base), at: pathOfNode(row) };
  });
}

/**
 * A value as it is to stand in the place of another. The part around it is read to see that it can stand there; where
 * there is none, that is seen when all of the text is read. Undefined if it cannot.
 */
function pendingFor(draft: Draft, node: Node, { value, spelled }: GivenValue): Pending | undefined {
  const { base, setting } = draft;
  const part = partAround(base, [node, node], setting.format);
  const index = node.entry! - (part ? part.first : 0);
  const { reading } = part?.base ?? flushedBase(draft);
  try {
    const text = spelled ?? setting.format.spell(reading, reading.entries[index]!, value);
    if (part) flushed(withPending(draftOfPart(draft, part), "", index, { value, text }));
    return { value, text };
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

/** The text of a draft without its new values, read as a whole. */
function flushedBase(draft: Draft): Base {
  return draft.base.spliced ? flushed({ ...draft, pending: new Map() }).base : draft.base;
}

function setComment(draft: Draft, node: Node, text: string): Base {
  const { base, setting } = draft;
  const entry = base.reading.entries[node.entry!]!;
  const comments = base.reading.entries.flatMap((other): string[] => {
    if (other.kind !== "comment" || other.alias) return [];
    return [other === entry ? text : String(other.value)];
  });
  const wanted = { trees: treesOf(base.reading), comments };
  const edits = () => [
    { start: entry.start, end: entry.end, text: setting.format.spell(base.reading, entry, text) },
  ];
  return firstThatSays(draft, [{ edits, wanted }], cannot("the comment", draft));
}

function setScalar(draft: Draft, node: Node, { value, spelled }: GivenValue): Base {
  const { base, setting } = draft;
  const { format, indent } = setting;
  const { reading } = base;
  const entry = reading.entries[node.entry!]!;
  const wanted = changedTree(base, node, (tree, positions) => withValueAt(tree, positions, value));
  const inPlace = (text: string): Edit[] => [{ start: entry.start, end: entry.end, text }];
  const attempts: Attempt[] = [
    {
      edits: () => format.set(reading, pathOfNode(node), value, { indent, document: node.document }),
      wanted,
    },
  ];
  // what other places repeat is changed by the format, which gives them copies first
  if (!entry.alias && !entry.anchored) {
    attempts.unshift({ edits: () => inPlace(format.spell(reading, entry, value)), wanted });
    if (spelled !== undefined) attempts.unshift({ edits: () => inPlace(spelled), wanted });
  }
  return firstThatSays(draft, attempts, cannot("this value", draft));
}

/** What is to be added: its key, where that is in a map. */
export interface Addition {
  readonly holder: Node | undefined;
  readonly document: number;
  readonly key: string | undefined;
  readonly value: Tree;
  readonly numbers?: readonly GivenNumber[];
}

/** Adds a key or an item behind the others. */
export function add(draft: Draft, addition: Addition): Done {
  const { holder, key } = addition;
  const members = membersOf(draft.base.outline, holder);
  if (key !== undefined) refuseTaken(members, key);
  const last = (holder?.children ?? draft.base.outline.roots).at(-1);
  const places = [holder, last].filter((node) => node !== undefined);
  for (const place of places) {
    const done = inPart(draft, [place, place], (own, part) => {
      const inside = holder === part.holder ? undefined : holder && nodeInPart(draft.base, part, holder);
      if (!inside && holder !== part.holder) throw cannot("a new entry", own);
      return addIn(own, { ...addition, holder: inside });
    });
    if (done) return done;
  }
  return addIn(draft, addition);
}

function addIn(draft: Draft, addition: Addition): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const { holder, document, key, value, numbers } = addition;
  const members = membersOf(base.outline, holder);
  const at = [...(holder ? pathOfNode(holder) : []), key ?? members.length];
  refuseMetadata(at, ready);
  const positions = holder ? positionsOf(base.outline, holder) : [];
  const wanted = (after: Reading) =>
    wantedWith(base, document, (tree) =>
      withMembers(tree, positions, (before) => {
        const place = placeOfKey(after, document, positions, key) ?? before.length;
        return before.toSpliced(place, 0, { key, value });
      }),
    );
  const { format, indent } = setting;
  const edits = (): Edit[] => {
    const after = applyEdits(base.text, format.set(base.reading, at, value, { indent, document }));
    const text = spellAsGiven(format, after, { path: at, value, numbers }, document);
    return [{ start: 0, end: base.text.length, text }];
  };
  const made = firstThatSays(ready, [{ edits, wanted }], cannot(`${formatPath(at)}`, ready));
  return { draft: withText(draft, `add ${shownKey(at.at(-1)!)}`, made), at };
}

/** Where a format put a new key: TOML has those of a table before the tables in it. */
function placeOfKey(
  after: Reading,
  document: number,
  positions: readonly number[],
  key: string | undefined,
): number | undefined {
  const root = treesOf(after)[document];
  const holder = root && treeAt(root, positions);
  const place = holder instanceof TreeMap ? holder.entries().findIndex((entry) => entry.key === key) : -1;
  return place < 0 ? undefined : place;
}

/** Takes a key, an item, or a comment away. */
export function remove(draft: Draft, node: Node): Done {
  return onRow(draft, node, removeIn);
}

function removeIn(draft: Draft, node: Node): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const at = node.parent ? pathOfNode(node.parent) : [];
  const label = `delete ${labelOf(node)}`;
  if (node.kind === "comment") {
    const comments = commentsOf(base.reading);
    comments.splice(comments.indexOf(String(valueIn(ready, node))), 1);
    const wanted = { trees: treesOf(base.reading), comments };
    const attempts = commentRemovals(base, node).map((edits): Attempt => ({ edits: () => edits, wanted }));
    return {
      draft: withText(draft, label, firstThatSays(ready, attempts, cannot("the comment", ready))),
      at,
    };
  }
  if (node.kind === "document" || node.key === undefined)
    throw new TsopsError("print", "a document cannot be removed here");
  const inside = countComments(node) + inlineComments(base, node);
  const wanted = {
    ...changedMembers(base, node, (members, i) => members.filter((_, at) => at !== i)),
    mayGo: inside,
  };
  const byFormat: Attempt = {
    edits: () => setting.format.unset(base.reading, pathOfNode(node), { document: node.document }),
    wanted,
  };
  const byLines = removals(base, node).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const attempts = [byFormat, ...byLines];
  return { draft: withText(draft, label, firstThatSays(ready, attempts, cannot("this entry", ready))), at };
}

/** Gives a key another name, in its place. */
export function rename(draft: Draft, node: Node, name: string): Done {
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const at = [...parent, name];
  if (typeof node.key !== "string") throw new TsopsError("print", "only a key has a name");
  if (node.key === name) return { draft, at };
  refuseTaken(membersOf(draft.base.outline, node.parent), name);
  refuseMetadata(at, draft);
  return onRow(draft, node, (part, row) => renameIn(part, row, name));
}

function renameIn(draft: Draft, node: Node, name: string): Done {
  const ready = flushed(draft);
  const { base } = ready;
  const at = [...(node.parent ? pathOfNode(node.parent) : []), name];
  const wanted = changedMembers(base, node, (members, i) =>
    members.map((member, position) => (position === i ? { ...member, key: name } : member)),
  );
  const attempts = renamings(base, node, name).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const made = firstThatSays(ready, attempts, cannot(`the name ${JSON.stringify(name)}`, ready));
  return { draft: withText(draft, `rename ${labelOf(node)}`, made), at };
}

/** Puts a copy behind a key or item: in a list the same, in a map under a name of its own. */
export function duplicate(draft: Draft, node: Node): Done {
  if (node.kind === "comment" || node.key === undefined)
    throw new TsopsError("print", "only keys and items can be copied");
  const isKey = typeof node.key === "string";
  const key = isKey ? freeName(node.key, membersOf(draft.base.outline, node.parent)) : undefined;
  return onRow(draft, node, (part, row) => duplicateIn(part, row, key));
}

/** @param key the name of the copy in a map. */
function duplicateIn(draft: Draft, node: Node, key: string | undefined): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const members = membersOf(base.outline, node.parent);
  const value = treeAt(treesOf(base.reading)[node.document]!, positionsOf(base.outline, node))!;
  const behind = changedMembers(base, node, (all, i) => [
    ...all.slice(0, i + 1),
    { key, value },
    ...all.slice(i + 1),
  ]);
  const last = changedMembers(base, node, (all) => [...all, { key, value }]);
  const at = [...parent, key ?? members.length];
  const edits = () =>
    setting.format.set(base.reading, at, value, { indent: setting.indent, document: node.document });
  const attempts: Attempt[] = [
    ...copies(base, node).flatMap((copy) => copyAttempts(ready, node, copy, { ...behind, key })),
    { edits, wanted: last },
  ];
  const made = firstThatSays(ready, attempts, cannot("a copy", ready));
  return {
    draft: withText(draft, `duplicate ${labelOf(node)}`, made),
    at: key === undefined ? [...parent, Number(node.key) + 1] : at,
  };
}

/** The lines once more, with their comments; in a map, with another name in them. */
function copyAttempts(
  { base }: Draft,
  node: Node,
  { at, text }: { at: number; text: string },
  { key, ...wanted }: Wanted & { key: string | undefined },
): Attempt[] {
  const withComments = (lines: string): Wanted => ({
    ...wanted,
    // what of the lines is a comment, the format says: those of the member itself come twice
    comments: [...wanted.comments, ...commentsIn(base, node), ...aboveIn(base, node, lines)],
    mayGo: MANY,
  });
  const put = (lines: string): Attempt => ({
    edits: () => [{ start: at, end: at, text: lines }],
    wanted: withComments(lines),
  });
  if (key === undefined) return [put(text)];
  const name = String(node.key);
  const from = text.indexOf(name);
  if (from < 0) return [];
  return [put(text.slice(0, from) + key + text.slice(from + name.length))];
}

/** A copy may have fewer comments than the original: those above it can belong to what is before it. */
const MANY = Number.POSITIVE_INFINITY;

function commentsIn(base: Base, node: Node): string[] {
  const own = node.kind === "comment" ? [String(entryOf(base, node)?.value)] : [];
  return [...own, ...node.children.flatMap((child) => commentsIn(base, child))];
}

function aboveIn(base: Base, node: Node, lines: string): string[] {
  const siblings = node.parent?.children ?? base.outline.roots;
  return siblings
    .filter(({ kind }) => kind === "comment")
    .map((sibling) => String(entryOf(base, sibling)?.value))
    .filter((text) => lines.includes(text));
}

/** Moves a key or item so many places down, or up if negative, among its siblings. */
export function move(draft: Draft, node: Node, by: 1 | -1): Done {
  if (node.key === undefined) throw new TsopsError("print", "only keys and items can be moved");
  return onRow(draft, node, (part, row) => moveIn(part, row, by));
}

function moveIn(draft: Draft, node: Node, by: 1 | -1): Done {
  const at = pathOfNode(node);
  const ready = flushed(draft);
  const { base } = ready;
  const members = membersOf(base.outline, node.parent);
  const from = members.findIndex(({ id }) => id === node.id);
  const other = members[from + by];
  if (!other) return { draft, at };
  const [first, second] = by > 0 ? [members[from]!, other] : [other, members[from]!];
  const wanted = changedMembers(base, first, (all, i) => [
    ...all.slice(0, i),
    all[i + 1]!,
    all[i]!,
    ...all.slice(i + 2),
  ]);
  const attempts = swaps(base, first, second).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const made = firstThatSays(ready, attempts, cannot("this order", ready));
  const key = typeof node.key === "number" ? node.key + by : node.key!;
  return { draft: withText(draft, `move ${labelOf(node)}`, made), at: [...at.slice(0, -1), key] };
}

/** Writes a comment on a line above a key, an item or another comment. */
export function addComment(draft: Draft, node: Node, comment: string): Done {
  if (/[\r\n]/.test(comment))
    throw new TsopsError("print", "a comment is one line", { hint: "add one for each line" });
  return onRow(draft, node, (part, row) => addCommentIn(part, row, comment));
}

function addCommentIn(draft: Draft, node: Node, comment: string): Done {
  const ready = flushed(draft);
  const { base } = ready;
  const before = commentsOf(base.reading);
  const trees = treesOf(base.reading);
  const { document } = node;
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const ways = commentsAbove(base, node, ` ${comment}`);
  // INI keeps the mark as a part of the comment
  const texts = [` ${comment}`, comment, `; ${comment}`, `# ${comment}`];
  const attempts = [true, false].flatMap((strict) =>
    ways.map(
      (edits): Attempt => ({
        edits: () => edits,
        wanted: (after) => {
          const text = texts.find((one) => countOf(one, commentsOf(after)) > countOf(one, before)) ?? comment;
          const placed = strict ? { text, in: parent, document } : undefined;
          return { trees, comments: [...before, text], placed };
        },
      }),
    ),
  );
  const made = firstThatSays(ready, attempts, cannot("a comment", ready));
  return { draft: withText(draft, "add a comment", made), at: pathOfNode(node) };
}

function countOf(text: string, texts: readonly string[]): number {
  return texts.filter((other) => other === text).length;
}

/** Has a place of the document say this tree, or nothing if that is undefined. */
export function put(
  draft: Draft,
  label: string,
  { document, path, value }: { document: number; path: readonly PathElement[]; value: Tree | undefined },
): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const { node, exact } = nodeAt(draft.base.outline, document, path);
  if (value === undefined) return node && exact ? remove(draft, node) : { draft, at: path };
  const { format, indent } = setting;
  const wanted = (after: Reading): Wanted => ({
    trees: treesOf(base.reading).map((tree, i) =>
      i === document ? withPath(tree, path, value, treesOf(after)[i]) : tree,
    ),
    comments: commentsOf(base.reading),
    mayGo: MANY,
  });
  const edits = () => format.set(base.reading, path, value, { indent, document });
  const made = firstThatSays(ready, [{ edits, wanted }], cannot("this side", ready));
  return { draft: withText(draft, label, made), at: path };
}

/** The tree with a value at a path; a key that is new stands where the format put it. */
function withPath(
  tree: TreeMap,
  path: readonly PathElement[],
  value: Tree,
  after: TreeMap | undefined,
): TreeMap {
  const change = (
    node: Tree | undefined,
    [first, ...rest]: readonly PathElement[],
    now: Tree | undefined,
  ): Tree => {
    if (first === undefined) return value;
    if (node instanceof TreeMap && typeof first === "string") {
      const entries = node.entries().map(({ key, value: old }) => ({ key, value: old }));
      const others = now instanceof TreeMap ? now.entries() : [];
      const place = others.findIndex(({ key }) => key === first);
      const at = entries.findIndex(({ key }) => key === first);
      const next = { key: first, value: change(entries[at]?.value, rest, others[place]?.value) };
      if (at >= 0) return new TreeMap(entries.toSpliced(at, 1, next));
      return new TreeMap(entries.toSpliced(place < 0 ? entries.length : place, 0, next));
    }
    if (node instanceof TreeList && typeof first === "number") {
      const items = node.values();
      const other = now instanceof TreeList ? now.values()[first] : undefined;
      return new TreeList(items.toSpliced(first, 1, change(items[first], rest, other)));
    }
    return typeof first === "string"
      ? TreeMap.of([[first, change(undefined, rest, undefined)]])
      : new TreeList([change(undefined, rest, undefined)]);
  };
  return change(tree, path, after) as TreeMap;
}

function changedTree(
  base: Base,
  node: Node,
  change: (tree: Tree, positions: readonly number[]) => Tree,
): Wanted {
  return wantedWith(base, node.document, (tree) => change(tree, positionsOf(base.outline, node)));
}

function changedMembers(base: Base, node: Node, change: (members: Member[], i: number) => Member[]): Wanted {
  return changedTree(base, node, (tree, positions) =>
    withMembers(tree, positions.slice(0, -1), (members) => change(members, positions.at(-1)!)),
  );
}

function wantedWith({ reading }: Base, document: number, change: (tree: Tree) => Tree): Wanted {
  const before = treesOf(reading);
  // a text that says nothing has no document yet
  if (before.length === 0) before.push(new TreeMap());
  const trees = before.map((tree, i) => (i === document ? (change(tree) as TreeMap) : tree));
  return { trees, comments: commentsOf(reading) };
}

function refuseTaken(members: readonly Node[], key: string): void {
  if (!members.some((member) => member.key === key)) return;
  throw new TsopsError("bad-path", `there is a key ${JSON.stringify(key)} already`, {
    hint: "choose another name",
  });
}

/** The place of the metadata is not the editor's. */
function refuseMetadata([first]: readonly PathElement[], { setting }: Draft): void {
  const flat = setting.format.name === "dotenv" && String(first).startsWith("sops_");
  if (!flat && first !== "sops") return;
  throw new TsopsError("already-encrypted", `${first} is where the file keeps its own metadata`, {
    hint: "choose another name",
  });
}

function freeName(key: string, members: readonly Node[]): string {
  const taken = new Set(members.map((member) => member.key));
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${key}_copy` : `${key}_copy${n}`;
    if (!taken.has(name)) return name;
  }
}

function countComments(node: Node): number {
  return node.children.reduce((sum, child) => sum + countComments(child), node.kind === "comment" ? 1 : 0);
}

/** Comments on the line of a value go with it. */
function inlineComments({ reading }: Base, node: Node): number {
  const first = firstEntry(node);
  let count = 0;
  for (let i = (first ?? 0) - 1; first !== undefined && i >= 0; i--) {
    const entry: Entry = reading.entries[i]!;
    if (entry.kind !== "comment") break;
    count++;
  }
  // those that stand between a key and what it holds, or behind the last value
  const next = lastEntry(node);
  for (let i = (next ?? reading.entries.length) + 1; reading.entries[i]?.kind === "comment"; i++) count++;
  return count;
}

function firstEntry(node: Node): number | undefined {
  if (node.entry !== undefined) return node.entry;
  return node.children.reduce<number | undefined>((least, child) => {
    const entry = firstEntry(child);
    return entry === undefined || (least !== undefined && least < entry) ? least : entry;
  }, undefined);
}

function lastEntry(node: Node): number | undefined {
  return node.children.reduce<number | undefined>((most, child) => {
    const entry = lastEntry(child);
    return entry === undefined || (most !== undefined && most > entry) ? most : entry;
  }, node.entry);
}

function labelOf(node: Node): string {
  return node.kind === "comment" ? "a comment" : shownKey(node.key ?? "");
}

function shownKey(key: PathElement): string {
  return typeof key === "number" ? `[${key}]` : key;
}

function cannot(what: string, { setting }: Draft): TsopsError {
  return new TsopsError(
    "print",
    `${what} cannot be written here as ${setting.format.name} without changing more`,
    {
      hint: "use $EDITOR for this change: tsops edit with EDITOR set",
    },
  );
}

/** A list or map as an empty value to be added. */
export function emptyTree(kind: "map" | "list"): Tree {
  return kind === "map" ? new TreeMap() : new TreeList();
}
