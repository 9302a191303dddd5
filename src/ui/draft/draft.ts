import { TsopsError } from "../../errors.ts";
import type { Format, Reading } from "../../formats/format.ts";
import type { Scalar } from "../../formats/scalar.ts";
import { applyEdits, type Edit } from "../../formats/text.ts";
import type { Selection } from "../../sops/selection.ts";
import type { Node } from "../outline/node.ts";
import { type Base, entryOf, readBase } from "./base.ts";
import { changingIn, editOfPart, editOfWhole, type Part, partOfEdit, readPart } from "./part.ts";
import { sameValue, says, type Wanted } from "./same.ts";
import { withPart } from "./splice.ts";

/** How a plaintext is read and written. */
export interface Setting {
  readonly format: Format;
  readonly selection: Selection;
  readonly indent?: number;
  /** With more entries than this a text is large: only parts of it are read for each change. */
  readonly large?: number;
  /** Where the text is a part of another: that one. */
  readonly like?: Reading;
}

/** A new value that is not in the text yet. */
export interface Pending {
  readonly value: Scalar;
  readonly text: string;
}

/**
 * A plaintext with its changes since it was saved. Nothing of it changes: each operation gives another draft, so going
 * back is having the one before.
 */
export interface Draft {
  readonly setting: Setting;
  readonly base: Base;
  /** In a large text, new values by the entry that they are for: reading all of it anew for each would be slow. */
  readonly pending: ReadonlyMap<number, Pending>;
  readonly past: Step | undefined;
  readonly future: Step | undefined;
  /** Counts the operations, so that one can tell whether this is what was saved. */
  readonly version: number;
  /** The highest version yet: those of steps that were taken back are not used again. */
  readonly made: number;
}

/** What was done, and how to go back: steps are a list from the last one to the first. */
export interface Step {
  /** Undefined where the draft says the same before and after: who goes back does not stop there. */
  readonly label: string | undefined;
  readonly before: Move;
  readonly after: Move;
  readonly rest: Step | undefined;
  readonly versions: readonly [before: number, after: number];
}

/** How one text becomes another, or which value changes in it. */
export type Move =
  | { readonly splice: Edit; readonly pending: ReadonlyMap<number, Pending> }
  | { readonly entry: number; readonly pending: Pending | undefined };

export function newDraft(text: string, setting: Setting): Draft {
  const base = readBase(text, setting.format, setting.selection);
  return { setting, base, pending: new Map(), past: undefined, future: undefined, version: 0, made: 0 };
}

/** What the draft says as a text. */
export function textOf(draft: Draft): string {
  return draft.pending.size === 0 ? draft.base.text : flushed(draft).base.text;
}

export function valueIn({ base, pending }: Draft, node: Node): Scalar | undefined {
  if (node.entry === undefined) return undefined;
  return pending.has(node.entry) ? pending.get(node.entry)!.value : base.reading.entries[node.entry]!.value;
}

/** How a value is spelled in the text: a number as somebody typed it. */
export function spellingOf(draft: Draft, node: Node): string | undefined {
  const entry = entryOf(draft.base, node);
  if (!entry || entry.alias) return undefined;
  return draft.pending.get(node.entry!)?.text ?? draft.base.text.slice(entry.start, entry.end);
}

/** A value that changes in a large text. */
export function withPending(draft: Draft, label: string, entry: number, to: Pending): Draft {
  const version = draft.made + 1;
  const step: Step = {
    label,
    before: { entry, pending: draft.pending.get(entry) },
    after: { entry, pending: to },
    rest: draft.past,
    versions: [draft.version, version],
  };
  return {
    ...draft,
    pending: new Map(draft.pending).set(entry, to),
    past: step,
    future: undefined,
    version,
    made: version,
  };
}

/** The draft with another text. */
export function withText(draft: Draft, label: string, base: Base): Draft {
  const version = draft.made + 1;
  const step: Step = {
    label,
    before: { splice: spliceOf(base.text, draft.base.text), pending: draft.pending },
    after: { splice: spliceOf(draft.base.text, base.text), pending: new Map() },
    rest: draft.past,
    versions: [draft.version, version],
  };
  return { ...draft, base, pending: new Map(), past: step, future: undefined, version, made: version };
}

/** The draft with a part of its text changed by an operation on that part, which may have taken new values into it. */
export function withPartChanged(draft: Draft, part: Part, done: Draft): Draft | undefined {
  const base = withPart(draft.base, part, done.base, draft.setting);
  if (!base) return undefined;
  const version = draft.made + 1;
  const whole = (from: string, to: string): Edit => editOfWhole(part, spliceOf(from, to));
  const [before, after] = [part.base.text, done.base.text];
  const pending = new Map<number, Pending>();
  const more = base.reading.entries.length - draft.base.reading.entries.length;
  const [from, to] = changingIn(part);
  for (const [index, value] of draft.pending)
    if (index < from || index >= to) pending.set(index < from ? index : index + more, value);
  const step: Step = {
    label: done.past?.label,
    before: { splice: whole(after, before), pending: draft.pending },
    after: { splice: whole(before, after), pending },
    rest: draft.past,
    versions: [draft.version, version],
  };
  return { ...draft, base, pending, past: step, future: undefined, version, made: version };
}

/** A part of the draft as a draft of its own. */
export function draftOfPart({ setting, pending }: Draft, part: Part): Draft {
  const { base, first } = part;
  const [from, to] = changingIn(part);
  const own = [...pending].flatMap(([index, value]): [number, Pending][] =>
    index >= from && index < to ? [[index - first, value]] : [],
  );
  const whole = { ...setting, large: Number.POSITIVE_INFINITY, like: base.reading.like };
  return {
    setting: whole,
    base,
    pending: new Map(own),
    past: undefined,
    future: undefined,
    version: 0,
    made: 0,
  };
}

/** Takes the last step back. Undefined if there is none. */
export function undo(draft: Draft): Draft | undefined {
  const step = draft.past;
  if (!step) return undefined;
  const back = {
    ...taken(draft, step.before),
    past: step.rest,
    future: { ...step, rest: draft.future },
    version: step.versions[0],
  };
  return step.label === undefined ? undo(back) : back;
}

/** Takes the last step that was taken back again. */
export function redo(draft: Draft): Draft | undefined {
  const step = draft.future;
  if (!step) return undefined;
  const again = {
    ...taken(draft, step.after),
    past: { ...step, rest: draft.past },
    future: step.rest,
    version: step.versions[1],
  };
  return step.label === undefined ? redo(again) : again;
}

/** What the next `undo` takes back, or `redo` does again. */
export function labelOf(step: Step | undefined): string | undefined {
  return step && (step.label ?? labelOf(step.rest));
}

/**
 * The draft as it is to be saved: with all values in its text, read as a whole.
 * @throws TsopsError("print") if a value cannot stand where it is to stand.
 */
export function settled(draft: Draft): Draft {
  const ready = flushed(draft);
  if (draft.pending.size === 0) return ready;
  const there = { splice: spliceOf(draft.base.text, ready.base.text), pending: ready.pending };
  const back = { splice: spliceOf(ready.base.text, draft.base.text), pending: draft.pending };
  const { version } = draft;
  const same = { label: undefined, versions: [version, version] } as const;
  return {
    ...ready,
    past: { ...same, before: back, after: there, rest: draft.past },
    // what was taken back belongs to the text without the values
    future: draft.future && { ...same, before: there, after: back, rest: draft.future },
  };
}

function taken(draft: Draft, move: Move): Draft {
  if ("splice" in move) {
    return { ...draft, base: respliced(draft, move.splice), pending: move.pending };
  }
  const pending = new Map(draft.pending);
  if (move.pending) pending.set(move.entry, move.pending);
  else pending.delete(move.entry);
  return { ...draft, pending };
}

/** The text after an edit. In a large one, only the part around the edit is read. */
function respliced(draft: Draft, edit: Edit): Base {
  const { base, setting } = draft;
  const { format, selection } = setting;
  const part = isLarge(draft) ? partOfEdit(base, edit, format) : undefined;
  const after = part && readPart(applyEdits(part.base.text, [editOfPart(part, edit)]), format);
  const spliced = after && withPart(base, part!, after, setting);
  return spliced ?? readBase(applyEdits(base.text, [edit]), format, selection);
}

const LARGE = 2000;

export function isLarge({ base, setting }: Pick<Draft, "base" | "setting">): boolean {
  return base.reading.entries.length > (setting.large ?? LARGE);
}

/**
 * The draft with all values in its text, read as a whole. It is the same draft to those who go back.
 * @throws TsopsError("print") if a value cannot stand where it is to stand.
 */
export function flushed(draft: Draft): Draft {
  if (draft.pending.size === 0 && !draft.base.spliced) return draft;
  const { base, pending, setting } = draft;
  const edits = [...pending].map(([index, { text }]): Edit => {
    const { start, end } = base.reading.entries[index]!;
    return { start, end, text };
  });
  const read = tryBase(draft, edits);
  if (read && saysAsShown(read, draft)) return { ...draft, base: read, pending: new Map() };
  throw new TsopsError("print", `a value cannot be written where it stands in ${setting.format.name}`, {
    hint: "undo the last changes, or make them with $EDITOR",
  });
}

/** Whether a text that was read as a whole says what the draft shows, in the same places. */
function saysAsShown({ reading, outline }: Base, { base, pending }: Draft): boolean {
  const { entries } = base.reading;
  const { nodes } = base.outline;
  return (
    outline.nodes.length === nodes.length &&
    outline.nodes.every((node, i) => sameNode(node, nodes[i]!)) &&
    reading.entries.length === entries.length &&
    reading.entries.every((entry, i) => {
      const value = pending.has(i) ? pending.get(i)!.value : entries[i]!.value;
      return entry.kind === entries[i]!.kind && sameOrNone(entry.value, value);
    })
  );
}

function sameNode(a: Node, b: Node): boolean {
  return a.kind === b.kind && a.key === b.key && a.depth === b.depth && a.entry === b.entry;
}

function sameOrNone(a: Scalar | undefined, b: Scalar | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameValue(a, b);
}

function tryBase({ base, setting }: Draft, edits: readonly Edit[]): Base | undefined {
  try {
    return readBase(applyEdits(base.text, edits), setting.format, setting.selection, setting.like);
  } catch (error) {
    if (error instanceof TsopsError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A way to make a change: its edits, and what the text must say then. */
export interface Attempt {
  readonly edits: () => readonly Edit[];
  /** Where the format chooses the place of what is new, it depends on the result. */
  readonly wanted: Wanted | ((reading: Reading) => Wanted);
}

/** The text after the first attempt whose result says what is wanted. @throws what the last one threw, or `otherwise`. */
export function firstThatSays(draft: Draft, attempts: readonly Attempt[], otherwise: TsopsError): Base {
  let cause: unknown;
  for (const { edits, wanted } of attempts) {
    try {
      const read = tryBase(draft, edits());
      if (!read || read.reading.metadata) continue;
      if (says(read.reading, typeof wanted === "function" ? wanted(read.reading) : wanted)) return read;
    } catch (error) {
      if (!(error instanceof TsopsError) && !(error instanceof RangeError)) throw error;
      if (error instanceof TsopsError) cause ??= error;
    }
  }
  throw cause ?? otherwise;
}

/** What has to be put in the place of what, from one text to another. */
function spliceOf(from: string, to: string): Edit {
  const shorter = Math.min(from.length, to.length);
  let start = 0;
  while (start < shorter && from.charCodeAt(start) === to.charCodeAt(start)) start++;
  let same = 0;
  while (
    same < shorter - start &&
    from.charCodeAt(from.length - 1 - same) === to.charCodeAt(to.length - 1 - same)
  )
    same++;
  return { start, end: from.length - same, text: to.slice(start, to.length - same) };
}
