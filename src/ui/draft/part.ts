import { TsopsError } from "../../errors.ts";
import type { Container, Entry, Format, Reading } from "../../formats/format.ts";
import { sameScalar } from "../../formats/scalar.ts";
import type { Edit } from "../../formats/text.ts";
import type { Node } from "../outline/node.ts";
import { type Base, lineEnd, lineStart, readBase } from "./base.ts";

/**
 * A part of a large text that was read by itself: some members of one map, with what is between them. Reading it by
 * itself gave just what reading the whole text gave of it, and so does what comes of it as long as its outermost members
 * stay as they are: what a reader knows when it comes to the part, and when it leaves it, is the same.
 */
export interface Part {
  readonly base: Base;
  /** What had to be put around its text to make it a document. */
  readonly around: readonly [open: string, close: string];
  /** Its text in the whole one. */
  readonly start: number;
  readonly end: number;
  /** Its entries among those of the whole: from one on, up to another. */
  readonly first: number;
  readonly last: number;
  /** The map that its members are in. */
  readonly holder: Node | undefined;
  readonly container: Container;
  /** Entries at both ends that must not change. */
  readonly margins: readonly [before: number, after: number];
}

/** Members to each side of those that are to change: the outer ones stay as they are. */
const BESIDE = 2;
/** A part with more entries than this gains too little. */
const MAX_ENTRIES = 2000;

/** The part around members of one map, from one to another; of what holds them where those cannot be read by themselves. */
export function partAround(base: Base, [from, to]: readonly [Node, Node], format: Format): Part | undefined {
  if (!format.pieces || base.reading.documents !== 1 || repeats(base)) return undefined;
  let [first, last]: (Node | undefined)[] = [from, to];
  while (first && last && first.depth > last.depth) first = first.parent;
  while (first && last && last.depth > first.depth) last = last.parent;
  while (first && last) {
    if (first.parent === last.parent && first.parent?.kind !== "list") {
      const part = partOf(base, { holder: first.parent, from: first.at, to: last.at }, format);
      if (part) return part;
    }
    [first, last] = [first.parent, last.parent];
  }
  return undefined;
}

const repeating = new WeakMap<Base, boolean>();

/** What an alias repeats changes in several places. */
function repeats(base: Base): boolean {
  let known = repeating.get(base);
  if (known === undefined)
    repeating.set(
      base,
      (known = base.reading.entries.some(({ alias, anchored, lost }) => alias || anchored || lost)),
    );
  return known;
}

interface Range {
  readonly holder: Node | undefined;
  readonly from: number;
  readonly to: number;
}

function partOf(base: Base, { holder, from, to }: Range, format: Format): Part | undefined {
  const siblings = holder?.children ?? base.outline.roots;
  const container = containerOf(base, siblings[0]!);
  if (!container) return undefined;
  const low = memberBeside(siblings, from, -1);
  const high = memberBeside(siblings, to, 1);
  // without others beside it, what holds a member may become something else
  if (holder && !low && !high) return undefined;
  const cut = format.pieces!.are === "lines" ? byLines : byMembers;
  const place = cut(base, { holder, container, low, high });
  if (!place || place.last - place.first > MAX_ENTRIES) return undefined;
  const text = place.around[0] + base.text.slice(place.start, place.end) + place.around[1];
  const read = readPart(text, format, base.reading.like ?? base.reading);
  if (!read) return undefined;
  const margins = [
    low ? lastEntry(low) + 1 - place.first : 0,
    high ? place.last - firstEntry(high) : 0,
  ] as const;
  const part = { ...place, base: read, holder, container, margins };
  return isSame(base, part) ? part : undefined;
}

/** The member so many members further, comments not counted; undefined if there are not as many. */
function memberBeside(siblings: readonly Node[], from: number, step: 1 | -1): Node | undefined {
  let left = BESIDE;
  for (let i = from + step; i >= 0 && i < siblings.length; i += step)
    if (siblings[i]!.kind !== "comment" && --left === 0) return siblings[i];
  return undefined;
}

interface Ends {
  readonly holder: Node | undefined;
  readonly container: Container;
  /** The outermost members; undefined where the part reaches to an end of what holds it. */
  readonly low: Node | undefined;
  readonly high: Node | undefined;
}

type Place = Pick<Part, "start" | "end" | "first" | "last" | "around">;

/** Whole lines. Where the lines of a map begin and end is clear only for that of the whole text. */
function byLines(base: Base, { holder, low, high, container }: Ends): Place | undefined {
  const { text, reading } = base;
  const { entries } = reading;
  if (container.start !== undefined || (holder && !(low && high))) return undefined;
  let first = low ? firstEntry(low) : 0;
  // comments above belong to what is read
  while (low && first > 0 && entries[first - 1]!.kind === "comment" && entries[first - 1]!.in === container)
    first--;
  const last = high ? lastEntry(high) + 1 : entries.length;
  const start = first === 0 ? 0 : behindLine(text, entries[first - 1]!);
  const end = high ? behindLine(text, entries[last - 1]!) : text.length;
  return start < end ? { start, end, first, last, around: ["", ""] } : undefined;
}

/** Behind the line that an entry ends on. */
function behindLine(text: string, { end }: Entry): number {
  return lineEnd(text, Math.max(end - 1, 0));
}

/** What is between two commas, or a bracket and a comma, in brackets of its own. */
function byMembers(base: Base, { holder, low, high, container }: Ends): Place | undefined {
  const { text } = base;
  if (container.start === undefined || container.end === undefined) return undefined;
  const siblings = holder?.children ?? base.outline.roots;
  const before = low && siblings[low.at - 1];
  let start = container.start;
  if (before) {
    const comma = /[ \t\r\n]*,/y;
    comma.lastIndex = endOf(base, before) ?? text.length;
    if (!comma.test(text)) return undefined;
    start = comma.lastIndex;
  }
  const isLast = !high || high.at === siblings.length - 1;
  const end = isLast ? container.end : endOf(base, high);
  if (end === undefined) return undefined;
  const first = firstEntry(before ? low : siblings[0]!);
  const last = lastEntry(isLast ? siblings.at(-1)! : high) + 1;
  // the brackets stand as deep as they do in the whole
  const line = lineStart(text, container.start);
  const indent = /[ \t]*/y.exec(text.slice(line, container.start))![0];
  return { start, end, first, last, around: [before ? `${indent}{` : indent, isLast ? "" : "}"] };
}

function endOf(base: Base, node: Node): number | undefined {
  if (node.children.length > 0) return containerOf(base, node.children[0]!)?.end;
  return node.entry === undefined ? undefined : base.reading.entries[node.entry]!.end;
}

/** What holds a node in the reading. */
function containerOf({ reading }: Base, node: Node): Container | undefined {
  let at = node;
  while (at.entry === undefined && at.children.length > 0) at = at.children[0]!;
  let container = at.entry === undefined ? undefined : reading.entries[at.entry]!.in;
  for (let depth = at.depth; depth > node.depth; depth--) container = container?.parent;
  return container;
}

function firstEntry(node: Node): number {
  if (node.entry !== undefined && node.children.length === 0) return node.entry;
  return node.children.reduce(
    (least, child) => Math.min(least, firstEntry(child)),
    node.entry ?? Number.POSITIVE_INFINITY,
  );
}

function lastEntry(node: Node): number {
  return node.children.reduce((most, child) => Math.max(most, lastEntry(child)), node.entry ?? -1);
}

/** The text of a part as a document; undefined if it is none by itself. */
export function readPart(text: string, format: Format, like?: Reading): Base | undefined {
  try {
    const base = readBase(text, format, () => [], like);
    return standsAlone(base, format) ? base : undefined;
  } catch (error) {
    if (error instanceof TsopsError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether nothing in a text refers to other places, or is read out of its order. */
export function standsAlone({ text, reading }: Base, format: Format): boolean {
  const { documents, metadata, entries } = reading;
  if (metadata || documents !== 1 || format.pieces?.linked?.test(text)) return false;
  return entries.every(({ alias, anchored, lost }) => !alias && !anchored && !lost);
}

/** Whether the part says by itself what it says in the whole. */
function isSame({ reading }: Base, part: Part): boolean {
  const { base, first, last, container } = part;
  const { entries } = base.reading;
  if (entries.length !== last - first || entries.length === 0) return false;
  const shift = shiftOf(part);
  const holders = new Map<Container | undefined, Container | undefined>();
  const sameHolder = (own: Container | undefined, whole: Container | undefined): boolean => {
    if (holders.has(own)) return holders.get(own) === whole;
    const same = own?.parent
      ? whole !== undefined &&
        own.kind === whole.kind &&
        own.key === whole.key &&
        sameOffset(own.start, whole.start, shift) &&
        sameOffset(own.end, whole.end, shift) &&
        sameHolder(own.parent, whole.parent)
      : own !== undefined && whole === container;
    if (same) holders.set(own, whole);
    return same;
  };
  return entries.every((entry, i) => {
    const other = reading.entries[first + i]!;
    return !other.anchored && sameEntry(entry, other, shift) && sameHolder(entry.in, other.in);
  });
}

function sameOffset(own: number | undefined, whole: number | undefined, shift: number): boolean {
  return own === undefined ? whole === undefined : own + shift === whole;
}

export function sameEntry(a: Entry, b: Entry, shift: number): boolean {
  return (
    a.kind === b.kind &&
    a.key === b.key &&
    a.inline === b.inline &&
    a.start + shift === b.start &&
    a.end + shift === b.end &&
    (a.value === b.value || (a.value !== undefined && b.value !== undefined && sameScalar(a.value, b.value)))
  );
}

/** What a node of the whole is in the part; undefined if it is not in it. */
export function nodeInPart(base: Base, part: Part, node: Node): Node | undefined {
  const own =
    node.parent === part.holder
      ? part.base.outline.roots[node.at - firstMember(base, part)]
      : node.parent && nodeInPart(base, part, node.parent)?.children[node.at];
  return own?.key === node.key && own?.kind === node.kind ? own : undefined;
}

/** Which of the members of the map is the first one in the part. */
function firstMember({ outline }: Base, { holder, first }: Part): number {
  return (holder?.children ?? outline.roots).findIndex((one) => firstEntry(one) >= first);
}

/** The entries of the whole that the part may change: not those at its ends. */
export function changingIn({ first, last, margins: [before, behind] }: Part): [from: number, to: number] {
  return [first + before, last - behind];
}

/** How much further something stands in the whole than in the part. */
export function shiftOf({ start, around }: Pick<Part, "start" | "around">): number {
  return start - around[0].length;
}

/** An edit of a part as one of the whole. */
export function editOfWhole(part: Part, edit: Edit): Edit {
  return movedEdit(edit, shiftOf(part));
}

export function editOfPart(part: Part, edit: Edit): Edit {
  return movedEdit(edit, -shiftOf(part));
}

function movedEdit({ start, end, text }: Edit, by: number): Edit {
  return { start: start + by, end: end + by, text };
}

/** The part that an edit of the whole changes; undefined if that has to be read as a whole. */
export function partOfEdit(base: Base, { start, end }: Edit, format: Format): Part | undefined {
  const { entries } = base.reading;
  const { byEntry } = base.outline;
  if (entries.length === 0) return undefined;
  let [before, behind] = [-1, entries.length];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.end <= start) before = i;
    else if (entry.start >= end) {
      behind = i;
      break;
    }
  }
  const from = byEntry[Math.max(before, 0)];
  const to = byEntry[Math.min(behind, entries.length - 1)];
  const part = from && to && partAround(base, [from, to], format);
  return part && part.start <= start && part.end >= end ? part : undefined;
}
