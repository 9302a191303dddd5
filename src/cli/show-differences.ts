import {
  type AccessDifference,
  type Difference,
  type EntryDifference,
  type EntrySide,
  type GroupedKey,
  isDifferent,
} from "../compare/difference.ts";
import { append } from "../formats/append.ts";
import type { PathElement } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { Time } from "../formats/scalar.ts";
import { commonSubsequence } from "../sequences.ts";
import type { Selector } from "../sops/selection.ts";
import type { FileDifference, SideState } from "./file-differences.ts";
import { type Line, visibleLine } from "./io.ts";

/** How differences are shown. */
export interface Showing {
  /** Whether encrypted values are, too. */
  readonly reveal: boolean;
  /** A key as people see it. */
  readonly key: (key: GroupedKey) => string;
}

const SIGNS = { added: "+", removed: "-", changed: "~", moved: ">" } as const;

export const TYPES: Readonly<Record<EntrySide["type"], string>> = {
  str: "text",
  int: "integer",
  float: "number",
  bool: "boolean",
  time: "time",
  null: "null",
  comment: "comment",
  map: "map",
  list: "list",
};

/** A file with what differs, for a terminal. */
export function differenceLines(file: FileDifference, showing: Showing): Line[] {
  const { difference, remarks } = file;
  const lines: Line[] = [headLine(file), ...remarks.map((text) => sign("!", text))];
  if (difference) {
    append(lines, accessLines(difference, showing));
    const many = hasSeveralDocuments(difference);
    for (const entry of difference.entries)
      for (const line of entryLines(entry, { ...showing, many, file })) lines.push(line);
    if (!isDifferent(difference)) lines.push(`  ${unchanged(file)}`);
    else if (mayBeRotated(file)) lines.push(sign("~", "all ciphertexts differ: perhaps it was only rotated"));
  }
  return lines;
}

/** Without a key nobody can tell a file with other values from one with another data key. */
function mayBeRotated({ opened, before, after, difference }: FileDifference): boolean {
  const both = before.kind === "encrypted" && after.kind === "encrypted";
  return both && !opened && difference?.sameDataKey === undefined;
}

/** What is said of a file whose text differs, but nothing that it says. */
export function unchanged({ opened, from, before, after }: FileDifference): string {
  if (from !== undefined) return "no value changed";
  if (before.kind !== after.kind) return "it has no values";
  return opened ? "no value changed: it was only written anew" : "no ciphertext changed";
}

function headLine({ path, from, before, after }: FileDifference): string {
  const name = from === undefined ? path : `${from} => ${path}`;
  const state = stateWords(before, after);
  return state === "" ? name : `${name} (${state})`;
}

export function stateWords({ kind: before }: SideState, { kind: after }: SideState): string {
  if (before === after) return before === "conflict" ? "in conflict" : "";
  if (before === "unread" || after === "unread") return "not compared";
  if (before === "missing") return "new file";
  if (after === "missing") return "deleted";
  if (after === "plain") return "not encrypted any more";
  if (before === "plain") return "encrypted now";
  return after === "damaged" ? "damaged now" : "was damaged";
}

function hasSeveralDocuments({ entries }: Difference): boolean {
  return entries.some(({ document }) => document > 0);
}

interface ShowingEntry extends Showing {
  readonly many: boolean;
  readonly file: FileDifference;
}

function entryLines(entry: EntryDifference, showing: ShowingEntry): Line[] {
  const { change, before, after } = entry;
  const name = nameOfEntry(entry, showing.many);
  const side = after ?? before!;
  if (change === "moved") return [sign(">", `${name} moved${wayOf(entry)}`)];
  if (change !== "changed") {
    const value = shownValue(side, showing);
    return value === undefined
      ? [sign(SIGNS[change], `${name}: ${kindWords(side)}`)]
      : withValue(SIGNS[change], name, value);
  }
  const [old, now] = [before, after].map((one) => shownValue(one!, showing));
  const states = stateChange(entry);
  const from = entry.from ? ` (was ${formatPath(entry.from)})` : "";
  if (!entry.differs.includes("value") || old === undefined || now === undefined)
    return [sign("~", `${name}${from}: ${changeWords(entry, showing.file.opened)}`)];
  const note = states === "" ? [] : [sign("~", `${name}${from}: ${states}`)];
  return [...note, ...changedValue(name, old, now)];
}

/** What of a value, or of a comment, changed, without saying it. Where nothing was opened, only ciphertexts are known. */
export function changeWords(entry: EntryDifference, opened: boolean): string {
  const { before, after, differs } = entry;
  const closed = !opened && (before!.state === "encrypted" || after!.state === "encrypted");
  const words = [
    ...(differs.includes("type") ? [`${TYPES[before!.type]} -> ${TYPES[after!.type]}`] : []),
    ...(differs.includes("value") && !differs.includes("type")
      ? [closed ? "another ciphertext" : "another value"]
      : []),
    ...(differs.includes("state") ? [stateChange(entry)] : []),
  ];
  return words.join(", ");
}

function stateChange({ differs, before, after }: EntryDifference): string {
  return differs.includes("state") ? `${before!.state} -> ${after!.state}` : "";
}

/** The word for what a side is, such as "encrypted text". */
export function kindWords({ type, state }: EntrySide): string {
  if (type === "map" || type === "list") return `empty ${type}`;
  if (state !== "none") return `${state} ${TYPES[type]}`;
  return type === "str" ? "empty text" : TYPES[type];
}

/** An entry's path; for a comment what it is at. */
export function nameOfEntry({ kind, path, next, document }: EntryDifference, many: boolean): string {
  const prefix = many ? `document ${document}: ` : "";
  if (kind !== "comment") return `${prefix}${formatPath(path)}`;
  if (next !== undefined) return `${prefix}comment at ${formatPath([...path, next])}`;
  return `${prefix}comment at the end${path.length === 0 ? "" : ` of ${formatPath(path)}`}`;
}

function wayOf({ from, path }: EntryDifference): string {
  return from === undefined || samePath(from, path) ? "" : ` from ${formatPath(from)}`;
}

function samePath(a: readonly PathElement[], b: readonly PathElement[]): boolean {
  return formatPath(a) === formatPath(b);
}

function shownValue(side: EntrySide, showing: ShowingEntry): string | undefined {
  if (side.value === undefined || !mayBeSeen(side, showing)) return undefined;
  return valueText(side.value);
}

/**
 * Whether a value may be seen: an encrypted one only where they are to be revealed. Plain ones may be read by everybody
 * in a file that opened; in one that did not, they may be secrets that somebody put there by mistake. So may those of a
 * file that is encrypted now.
 */
export function mayBeSeen(
  { state, value }: EntrySide,
  { reveal, file: { opened, before, after } }: { reveal: boolean; file: FileDifference },
): boolean {
  if (!opened || value === undefined) return false;
  return reveal || (state !== "encrypted" && before.kind !== "plain" && after.kind !== "plain");
}

/** A value as it is told: texts as JSON, since `1` and `"1"` differ. Bytes that are no text are only counted. */
export function valueText(value: NonNullable<EntrySide["value"]> | null): string {
  if (value instanceof Time) return value.text;
  if (typeof value !== "string") return String(value);
  if (!value.isWellFormed() || value.includes("\0")) return `binary, ${Buffer.byteLength(value)} bytes`;
  return value.includes("\n") ? value : JSON.stringify(value);
}

function withValue(mark: string, name: string, value: string): Line[] {
  if (!value.includes("\n")) return [sign(mark, `${name}: ${value}`)];
  return [sign(mark, `${name}:`), ...linesOf(value).map((line) => sign(mark, `    ${line}`))];
}

/** Of a long text only the lines that changed. */
function changedValue(name: string, old: string, now: string): Line[] {
  if (!old.includes("\n") || !now.includes("\n"))
    return [...withValue("-", name, old), ...withValue("+", name, now)];
  const [before, after] = [linesOf(old), linesOf(now)];
  const pairs = commonSubsequence(before, after);
  const lines: Line[] = [sign("~", `${name}:`)];
  let [i, k] = [0, 0];
  for (const [end, stop] of [...pairs, [before.length, after.length] as const]) {
    for (; i < end; i++) lines.push(sign("-", `    ${before[i]}`));
    for (; k < stop; k++) lines.push(sign("+", `    ${after[k]}`));
    i++;
    k++;
  }
  return lines;
}

/** A line break at the end is part of a text, too. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)} (no line break at the end)`];
}

function accessLines({ access, sameDataKey }: Difference, { key }: Showing): Line[] {
  const { added, removed } = access;
  return [
    ...added.map((one) => sign("+", `recipient ${key(one)}`)),
    ...removed.map((one) => sign("-", `recipient ${key(one)}`)),
    ...accessWords(access).map((text) => sign("~", text)),
    ...(sameDataKey === false ? [sign("~", "the data key is a new one (rotated)")] : []),
  ];
}

/** What differs besides recipients, a sentence each. */
export function accessWords({ threshold, selector, macOnlyEncrypted, sealed }: AccessDifference): string[] {
  return [
    ...(threshold ? [`key groups that are needed: ${threshold.before} -> ${threshold.after}`] : []),
    ...(selector ? [`selector: ${selectorText(selector.before)} -> ${selectorText(selector.after)}`] : []),
    ...(macOnlyEncrypted
      ? [
          macOnlyEncrypted.after
            ? "the MAC covers encrypted values only (mac_only_encrypted)"
            : "the MAC covers all values again",
        ]
      : []),
    ...(sealed ? [sealed.after ? "it is sealed now" : "its seal is gone"] : []),
  ];
}

function selectorText(selector: Selector | undefined): string {
  return selector ? `${selector.kind} ${JSON.stringify(selector.value)}` : "none";
}

function sign(mark: string, text: string): Line {
  const line = `  ${mark} ${visibleLine(text)}`;
  if (mark === "+") return { text: line, colour: "green" };
  if (mark === "-") return { text: line, colour: "red" };
  return mark === "!" || mark === "~" || mark === ">" ? { text: line, colour: "yellow" } : line;
}

/** How many entries were added, changed, …; empty if none was. */
export function counted({ entries }: Difference): string {
  const words = (["added", "changed", "removed", "moved"] as const).flatMap((change) => {
    const count = entries.filter((entry) => entry.change === change).length;
    return count === 0 ? [] : [`${count} ${change}`];
  });
  return words.join(", ");
}

/** One line about a file, without values. */
export function summaryOf(file: FileDifference): string {
  const { difference, remarks, before, after } = file;
  const words = [stateWords(before, after)];
  if (difference) {
    const { access, sameDataKey } = difference;
    words.push(counted(difference), countedKeys(access), ...accessWords(access));
    if (sameDataKey === false) words.push("data key rotated");
    if (!isDifferent(difference)) words.push(unchanged(file));
  }
  const said = words.filter(Boolean);
  return said.length > 0 ? said.join("; ") : (remarks[0] ?? "it differs");
}

function countedKeys({ added, removed }: AccessDifference): string {
  const words = [
    ...(added.length > 0 ? [`${added.length} added`] : []),
    ...(removed.length > 0 ? [`${removed.length} removed`] : []),
  ];
  return words.length === 0 ? "" : `recipients: ${words.join(", ")}`;
}
