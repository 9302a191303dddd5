import type { Entry, Format, Reading } from "../../formats/format.ts";
import { readText } from "../../formats/unreadable.ts";
import type { Selection } from "../../sops/selection.ts";
import { type Node, type Outline, outlineOf } from "../outline/node.ts";

/** A plaintext that was read: what changes are made to. */
export interface Base {
  readonly text: string;
  readonly reading: Reading;
  readonly outline: Outline;
  /** Of each entry whether it is encrypted when the document is saved. */
  readonly selected: readonly boolean[];
  /** Put together of parts (part.ts): how entries are spelled, only reading the whole text tells. */
  readonly spliced?: true;
}

/** @param like what a part of a text is a part of. */
export function readBase(text: string, format: Format, selection: Selection, like?: Reading): Base {
  const reading = readText(text, format);
  if (like) Object.assign(reading, { like });
  return { text, reading, outline: outlineOf(reading), selected: selection(reading.entries) };
}

export function entryOf(base: Base, node: Node): Entry | undefined {
  return node.entry === undefined ? undefined : base.reading.entries[node.entry];
}

/** A piece of the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** From the first to the last character of what is in a node; undefined if all of it comes from aliases. */
export function extentOf(base: Base, node: Node): Span | undefined {
  let [start, end] = [Number.POSITIVE_INFINITY, -1];
  const walk = (at: Node): void => {
    const entry = entryOf(base, at);
    if (entry) {
      start = Math.min(start, entry.start);
      end = Math.max(end, entry.end);
    }
    at.children.forEach(walk);
  };
  walk(node);
  return end < 0 ? undefined : { start, end };
}

/** Where the last entry before an offset ends; comments are passed over where `values` is set. */
export function endBefore({ reading }: Base, offset: number, values = false): number {
  let end = 0;
  for (const entry of reading.entries) {
    if (values && entry.kind === "comment") continue;
    if (entry.start < offset && entry.end <= offset) end = Math.max(end, entry.end);
  }
  return end;
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** Behind the line break of the line of an offset. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}
