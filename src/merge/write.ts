/** A text that says what a merge has to say, and is otherwise what the sides wrote. */

import { TsopsError } from "../errors.ts";
import { aadOf, type Entry, type Format, type Reading } from "../formats/format.ts";
import { valueAt } from "../formats/path.ts";
import type { Scalar } from "../formats/scalar.ts";
import { applyEdits, type Edit } from "../formats/text.ts";
import { TreeList, TreeMap } from "../formats/tree.ts";
import { type Chunk, threeWay } from "./align.ts";
import { commentText } from "./comments.ts";
import { type Differences, differences, distance, type Wanted } from "./compare.ts";
import { typedText } from "./identity.ts";
import type { Side, Sides } from "./sides.ts";

export type Texts = { readonly base: string | undefined } & Pick<Sides<string>, "a" | "b">;

/** A text with what is left to do, or undefined where it cannot be read. */
interface Candidate {
  readonly text: string;
  readonly left: Differences;
  readonly reading: Reading;
}

/**
 * The text of a merge: line by line where that says what is wanted; else with the places that were changed on both sides
 * taken from one of them, and then edited; else with the keys that both sides moved written anew. Undefined if none of
 * these says it.
 */
export function writeMerged(texts: Texts, wanted: Wanted, format: Format, prefer: Side): string | undefined {
  const writing = new Writing(texts, wanted, format, prefer);
  const lines = writing.fromLines();
  return (lines && writing.repaired(lines)) ?? writing.fromWhole() ?? writing.inOrder();
}

/** With more places than this that both sides changed, trying takes too long: then the edits do the work. */
const MAX_CHOICES = 40;

/** Edits that are made one after the other; each reads the text anew. */
const MAX_EDITS = 1000;

/** Keys that are written again to bring them into an order. */
const MAX_MOVED = 100;

class Writing {
  private readonly texts: Texts;
  private readonly wanted: Wanted;
  private readonly format: Format;
  private readonly prefer: Side;
  private spellings: Map<string, string> | undefined;

  constructor(texts: Texts, wanted: Wanted, format: Format, prefer: Side) {
    this.texts = texts;
    this.wanted = wanted;
    this.format = format;
    this.prefer = prefer;
  }

  /** The lines of the three, where each place that both changed is as it fits best. */
  fromLines(): Candidate | undefined {
    const { base = "", a, b } = this.texts;
    const chunks = threeWay(linesOf(base), linesOf(a), linesOf(b), (line) => line);
    const clashes = chunks.flatMap((chunk) => (chunk.kind === "conflict" ? [chunk] : []));
    const chosen = new Map(clashes.map((chunk) => [chunk as Chunk<string>, chunk[this.prefer]]));
    const text = () =>
      chunks.flatMap((chunk) => (chunk.kind === "agreed" ? chunk.items : chosen.get(chunk)!)).join("");
    let best = this.candidate(text());
    if (clashes.length > MAX_CHOICES) return best;
    for (const chunk of clashes) {
      if (best && distance(best.left) === 0) break;
      let choice = chosen.get(chunk)!;
      for (const other of choicesOf(chunk, this.prefer)) {
        chosen.set(chunk, other);
        const candidate = this.candidate(text());
        if (!candidate || (best && distance(candidate.left) >= distance(best.left))) continue;
        best = candidate;
        choice = other;
      }
      chosen.set(chunk, choice);
    }
    return best;
  }

  /** One side's whole text, edited. */
  fromWhole(): string | undefined {
    const text = this.texts[this.prefer];
    const candidate = text === undefined ? undefined : this.candidate(text);
    return candidate && this.repaired(candidate);
  }

  /** One side's whole text with keys written anew, from the first on that stands elsewhere. */
  inOrder(): string | undefined {
    const text = this.texts[this.prefer];
    const candidate = text === undefined ? undefined : this.candidate(text);
    const change = candidate?.left.values.find(({ path }) => path.length === 0);
    if (!candidate || !change) return undefined;
    const { document, want, have } = change;
    if (!(want instanceof TreeMap && have instanceof TreeMap)) return undefined;
    const written = attempt(() => this.withKeysInOrder(candidate.text, document, { want, have }));
    const next = written === undefined ? undefined : this.candidate(written);
    return next && this.repaired(next);
  }

  private withKeysInOrder(
    text: string,
    document: number,
    { want, have }: { readonly want: TreeMap; readonly have: TreeMap },
  ): string | undefined {
    const [entries, there] = [want.entries(), have.entries()];
    const start = entries.findIndex(({ key }, i) => key !== there[i]?.key);
    const moved = start < 0 ? [] : entries.slice(start);
    if (moved.length > MAX_MOVED) return undefined;
    let at = text;
    const edit = (edits: (reading: Reading) => Edit[]): void => {
      at = applyEdits(at, edits(this.format.read(at)));
    };
    const known = new Set(there.map(({ key }) => key));
    // each goes to the end in its turn
    for (const { key, value } of moved) {
      if (known.has(key)) edit((reading) => this.format.unset(reading, [key], { document }));
      edit((reading) => this.format.set(reading, [key], value, { document }));
    }
    return at;
  }

  /** The text with all that is missing; undefined if that cannot be done. */
  repaired(first: Candidate): string | undefined {
    let at: Candidate = first;
    for (let edits = 0; edits < MAX_EDITS; edits++) {
      if (distance(at.left) === 0) return at.text;
      const next = this.better(at, [
        () => this.withScalars(at),
        () => this.withOneChangeSpelled(at),
        () => this.withOneChange(at),
        () => this.withComment(at),
        () => this.withoutComment(at),
      ]);
      if (!next) return undefined;
      at = next;
    }
    return undefined;
  }

  private better(at: Candidate, ways: readonly (() => string | undefined)[]): Candidate | undefined {
    for (const way of ways) {
      const text = attempt(way);
      const next = text === undefined ? undefined : this.candidate(text);
      if (next && distance(next.left) < distance(at.left)) return next;
    }
    return undefined;
  }

  private candidate(text: string): Candidate | undefined {
    return attempt(() => {
      const reading = this.format.read(text);
      return { text, reading, left: differences(this.wanted, reading) };
    });
  }

  /** All values that stand there and have to be others, in the spelling of the side that has them. */
  private withScalars({ text, reading, left }: Candidate): string | undefined {
    const entries = new Map(
      reading.entries.flatMap((entry) =>
        entry.kind === "value" && !entry.alias ? [[placeText(pathIn(entry)), entry] as const] : [],
      ),
    );
    const edits = left.values.flatMap(({ document, path, want }): Edit[] => {
      const entry = entries.get(placeText([document, ...path]));
      if (!entry || want === undefined || want instanceof TreeMap || want instanceof TreeList) return [];
      return [{ start: entry.start, end: entry.end, text: this.spelled(reading, entry, want) }];
    });
    return edits.length > 0 ? applyEdits(text, edits) : undefined;
  }

  private spelled(reading: Reading, entry: Entry, value: Scalar): string {
    return this.spellingOf(entry, value) ?? this.format.spell(reading, entry, value);
  }

  /** How a side spells a value under these keys. */
  private spellingOf(entry: Entry, value: Scalar): string | undefined {
    if (!this.spellings) {
      this.spellings = new Map();
      for (const side of ["base", "b", "a", this.prefer] as const) this.learn(this.texts[side]);
    }
    return this.spellings.get(spellingKey(entry, value));
  }

  private learn(text: string | undefined): void {
    if (text === undefined) return;
    for (const entry of this.format.read(text).entries) {
      const { kind, alias, value, start, end } = entry;
      if (kind !== "value" || alias || value === undefined) continue;
      this.spellings!.set(spellingKey(entry, value), text.slice(start, end));
    }
  }

  private withOneChange({ text, reading, left }: Candidate): string | undefined {
    const [change] = left.values;
    if (!change || change.path.length === 0) return undefined;
    const { document, path, want } = change;
    if (want === undefined) return applyEdits(text, this.format.unset(reading, path, { document }));
    return applyEdits(text, this.format.set(reading, path, want, { document }));
  }

  /** The same, in the spelling of the side that has it. */
  private withOneChangeSpelled(at: Candidate): string | undefined {
    const [change] = at.left.values;
    const text = change?.want === undefined ? undefined : this.withOneChange(at);
    if (text === undefined) return undefined;
    const { document, path } = change!;
    const edits = this.format.read(text).entries.flatMap((entry): Edit[] => {
      const place = pathIn(entry);
      const inside = [document, ...path].every((element, i) => place[i] === element);
      if (!inside || entry.kind !== "value" || entry.alias) return [];
      const value = valueAt(change!.want!, place.slice(path.length + 1));
      if (value === undefined || value instanceof TreeMap || value instanceof TreeList) return [];
      const { start, end } = entry;
      const spelling = this.spellingOf(entry, value);
      return spelling === undefined ? [] : [{ start, end, text: spelling }];
    });
    return edits.length > 0 ? applyEdits(text, edits) : undefined;
  }

  /** A comment of one side, at the entry that it stands at there. */
  private withComment({ text, reading, left }: Candidate): string | undefined {
    const [missing] = left.missing;
    if (missing === undefined) return undefined;
    const edits = (["a", "b"] as const).flatMap((side) => {
      const from = attempt(() => this.format.read(this.texts[side]));
      return from ? insertedComments(missing, from, reading) : [];
    });
    // equal comments at other entries may be there
    const there = ({ start, text: line }: Edit) =>
      text.startsWith(line, start) || text.slice(0, start).endsWith(line);
    const edit = edits.find((one) => !there(one)) ?? edits[0];
    return edit && applyEdits(text, [edit]);
  }

  /** Without a comment that has a line of its own. */
  private withoutComment({ text, reading, left }: Candidate): string | undefined {
    const [surplus] = left.surplus;
    const entry = reading.entries.findLast(
      (entry) => entry.kind === "comment" && !entry.alias && commentText(entry) === surplus,
    );
    if (!entry) return undefined;
    const start = lineStart(text, entry.start);
    const ownLine = text.slice(start, entry.start).trim() === "";
    const end = lineEnd(text, entry.end);
    return applyEdits(text, [
      { start: ownLine ? start : entry.start, end: ownLine ? end : entry.end, text: "" },
    ]);
  }
}

/** What a place that both sides changed can become. */
function choicesOf(
  { base, a, b }: Extract<Chunk<string>, { kind: "conflict" }>,
  prefer: Side,
): (readonly string[])[] {
  const both = [a, b].map((lines) => lines.map((line, i) => (i < lines.length - 1 ? line : ended(line))));
  const choices = [a, b, both.flat(), both.reverse().flat()];
  return prefer === "base" ? [...choices, base] : choices;
}

const ended = (line: string): string => (line.endsWith("\n") ? line : `${line}\n`);

/** Where comments of another text go: above the entry that follows them there, or to the end of their line. */
function insertedComments(wanted: string, from: Reading, to: Reading): Edit[] {
  return from.entries.flatMap((entry, at) => {
    if (entry.kind !== "comment" || commentText(entry) !== wanted) return [];
    return attempt(() => insertedComment(entry, at, { from, to })) ?? [];
  });
}

function insertedComment(
  comment: Entry,
  at: number,
  { from, to }: { readonly from: Reading; readonly to: Reading },
): Edit | undefined {
  const isValue = ({ kind, alias }: Entry): boolean => kind !== "comment" && !alias;
  const next = from.entries.slice(at + 1).find(isValue);
  const place = next && to.entries.find((entry) => isValue(entry) && samePlace(entry, next));
  const start = lineStart(from.text, comment.start);
  if (from.text.slice(start, comment.start).trim() !== "") {
    // on the line of a value
    const own = from.entries.find(
      (entry) => isValue(entry) && entry.start >= start && entry.start < comment.start,
    );
    const beside = own && to.entries.find((entry) => isValue(entry) && samePlace(entry, own));
    if (!own || !beside) return undefined;
    const end = beside.end;
    return { start: end, end, text: from.text.slice(own.end, comment.end) };
  }
  const line = ended(from.text.slice(start, lineEnd(from.text, comment.end)));
  if (!place) {
    const end = to.text.length;
    return { start: end, end, text: to.text === "" || to.text.endsWith("\n") ? line : `\n${line}` };
  }
  const above = lineStart(to.text, place.start);
  return { start: above, end: above, text: line };
}

const samePlace = (x: Entry, y: Entry): boolean => placeText(pathIn(x)) === placeText(pathIn(y));

/** The number of the document, then the path. */
function pathIn(entry: Entry): (string | number)[] {
  const path: (string | number)[] = entry.key === undefined ? [] : [entry.key];
  for (let c = entry.in; c?.parent; c = c.parent) path.push(c.key!);
  return [...path, entry.in?.document ?? 0].reverse();
}

const placeText = (path: readonly (string | number)[]): string => JSON.stringify(path);

const spellingKey = (entry: Entry, value: Scalar): string => `${aadOf(entry)}\0${typedText(value)}`;

/** Lines with their ends. */
export function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/);
}

const lineStart = (text: string, offset: number): number => text.lastIndexOf("\n", offset - 1) + 1;

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

/** What a format refuses is one way that does not lead there. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TsopsError || error instanceof RangeError) return undefined;
    throw error;
  }
}
