import type { Container, Entry, Format, Reading } from "../../formats/format.ts";
import type { Selection } from "../../sops/selection.ts";
import { outlineOf } from "../outline/node.ts";
import type { Base } from "./base.ts";
import { type Part, sameEntry, shiftOf, standsAlone } from "./part.ts";

/** Puts a part that has changed back into the whole text, without reading that. */

/** The whole text with a part of it changed; undefined if it has to be read as a whole to be sure. */
export function withPart(
  base: Base,
  part: Part,
  after: Base,
  { selection, format }: { readonly selection: Selection; readonly format: Format },
): Base | undefined {
  if (!standsAlone(after, format)) return undefined;
  const [open, close] = part.around;
  if (!isMembers(part, after) || !keepsMargins(part, after) || namesTaken(base, part, after))
    return undefined;
  const body = after.text.slice(open.length, after.text.length - close.length);
  const text = base.text.slice(0, part.start) + body + base.text.slice(part.end);
  const entries = splicedEntries(base, part, after);
  const reading: Reading = { text, entries, documents: 1, like: base.reading.like ?? base.reading };
  return { text, reading, outline: outlineOf(reading), selected: selection(entries), spliced: true };
}

/** Whether a part still is members of a map, in lines of their own where it was that. */
function isMembers({ container }: Part, { reading: { entries } }: Base): boolean {
  let root = entries[0]?.in;
  while (root?.parent) root = root.parent;
  return (
    root !== undefined &&
    (root.start === undefined) === (container.start === undefined) &&
    entries.every((entry) => entry.in !== undefined)
  );
}

/** Whether the outermost members, and all around them, are as they were. */
function keepsMargins({ base, around, margins: [before, behind] }: Part, after: Base): boolean {
  const [old, now] = [base.reading.entries, after.reading.entries];
  if (now.length < before + behind) return false;
  const longer = after.text.length - base.text.length;
  const upper = before > 0 ? old[before - 1]!.end : around[0].length;
  const lower = behind > 0 ? old[old.length - behind]!.start : base.text.length - around[1].length;
  const inUpper = old
    .slice(0, before)
    .every((entry, i) => sameEntry(entry, now[i]!, 0) && sameIn(entry, now[i]!));
  const inLower = old.slice(old.length - behind).every((entry, i) => {
    const other = now[now.length - behind + i]!;
    return sameEntry(entry, other, longer) && sameIn(entry, other);
  });
  return (
    inUpper &&
    inLower &&
    lower + longer >= upper &&
    after.text.startsWith(base.text.slice(0, upper)) &&
    after.text.endsWith(base.text.slice(lower))
  );
}

function sameIn(a: Entry, b: Entry): boolean {
  let [left, right] = [a.in, b.in];
  while (left && right) {
    if (left.kind !== right.kind || left.key !== right.key) return false;
    [left, right] = [left.parent, right.parent];
  }
  return left === right;
}

/** Whether a new name of the part is there beside it: what that means depends on the format. */
function namesTaken(base: Base, { base: { outline }, holder }: Part, after: Base): boolean {
  const before = new Set(outline.roots.map(({ key }) => key));
  // comments have no names
  const fresh = new Set(
    after.outline.roots.flatMap(({ key }) => (key === undefined || before.has(key) ? [] : [key])),
  );
  if (fresh.size === 0) return false;
  return (holder?.children ?? base.outline.roots).some(({ key }) => key !== undefined && fresh.has(key));
}

/** The entries of the whole: those of the part moved to where they stand, and those behind it by as much as it grew. */
function splicedEntries(base: Base, part: Part, after: Base): Entry[] {
  const { end, first, last } = part;
  const longer = after.text.length - part.base.text.length;
  const old = base.reading.entries;
  const moved = mover({ from: end, by: longer });
  const container = moved.container(part.container)!;
  const inside = placed(container, shiftOf(part));
  const entries: Entry[] = [];
  for (let i = 0; i < first; i++) entries.push(moved.entry(old[i]!));
  for (const entry of after.reading.entries) entries.push(inside(entry));
  for (let i = last; i < old.length; i++) entries.push(moved.entry(old[i]!));
  return entries;
}

/** Moves what stands behind an offset; maps and lists around it grow. What is not touched stays the same object. */
function mover({ from, by }: { from: number; by: number }) {
  const known = new Map<Container, Container>();
  const offset = (at: number | undefined) => (at !== undefined && at >= from ? at + by : at);
  const container = (old: Container | undefined): Container | undefined => {
    if (!old) return undefined;
    const before = known.get(old);
    if (before) return before;
    const parent = container(old.parent);
    const [start, end] = [offset(old.start), offset(old.end)];
    const same = parent === old.parent && start === old.start && end === old.end;
    const now = same ? old : { ...old, parent, start, end, style: undefined };
    known.set(old, now);
    return now;
  };
  let [lastOld, lastNow]: (Container | undefined)[] = [undefined, undefined];
  const entry = (old: Entry): Entry => {
    if (old.in !== lastOld) [lastOld, lastNow] = [old.in, container(old.in)];
    const collection = container(old.collection);
    if (old.start < from && lastNow === old.in && collection === old.collection) return old;
    return at(old, { holder: lastNow, collection, by: old.start < from ? 0 : by });
  };
  return { container, entry };
}

/** Brings entries of a part to where they stand in the whole. */
function placed(root: Container, shift: number): (entry: Entry) => Entry {
  const known = new Map<Container, Container>();
  const container = (own: Container): Container => {
    if (!own.parent) return root;
    let now = known.get(own);
    if (!now) {
      const { kind, key } = own;
      const parent = container(own.parent);
      const prefix = typeof key === "string" ? `${parent.prefix}${key}:` : parent.prefix;
      const [start, end] = [own.start, own.end].map((offset) =>
        offset === undefined ? offset : offset + shift,
      );
      known.set(own, (now = { kind, parent, key, document: parent.document, prefix, start, end }));
    }
    return now;
  };
  return (entry) =>
    at(entry, {
      holder: entry.in && container(entry.in),
      collection: entry.collection && container(entry.collection),
      by: shift,
    });
}

/** An entry at another place, as small as it can be: there are many. How it is spelled, reading alone tells. */
function at({ kind, key, value, inline, start, end }: Entry, { holder, collection, by }: At): Entry {
  const entry = { kind, in: holder, key, value, start: start + by, end: end + by };
  if (collection) return { ...entry, collection };
  return inline === undefined ? entry : { ...entry, inline };
}

interface At {
  readonly holder: Container | undefined;
  /** Of an empty collection: itself. */
  readonly collection: Container | undefined;
  readonly by: number;
}
