import type { EntryDifference, EntrySide } from "../../compare/difference.ts";
import { formatPath } from "../../formats/path.ts";
import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import type { Choice } from "../../merge/choose.ts";
import { CHOICES, readersIn, recipientsIn } from "../../merge/recipients.ts";
import { type Conflict, describePlace } from "../../sops/conflicts.ts";
import { helpLines } from "../reduce/dialogs.ts";
import type { Version } from "../state/history.ts";
import { openConflicts } from "../state/merge.ts";
import { type Mode, rowsOf, type State } from "../state/state.ts";
import { visible } from "../view/cells.ts";
import { selectorText } from "../view/conflicts.ts";
import { dialogOf } from "../view/dialogs.ts";
import { textOfValue } from "../view/row.ts";
import { saidLength } from "./row.ts";

/** A question or a list in lines: all of it, or as much as a screen holds, and the rest as one goes on. */
export interface Listing {
  readonly head: readonly string[];
  readonly items: readonly string[];
  /** The items that are said: from one on, so many. */
  readonly top: number;
  readonly rows: number;
  /** The one that is chosen, where one is. */
  readonly at?: number;
  /** Where it is another, everything is said anew. */
  readonly version: string;
}

type Of<K extends Mode["kind"]> = Extract<Mode, { kind: K }>;

/** What is asked or listed; undefined in the document itself and while something is typed. */
export function listingOf(state: State): Listing | undefined {
  const { mode } = state;
  switch (mode.kind) {
    case "tree":
    case "box":
      return undefined;
    case "menu":
      return all(
        [visible(mode.title)],
        mode.items.map(({ key, label }) => `${key}: ${label}`),
      );
    case "help":
      return helpListing(mode);
    case "save":
      return saveListing(state, mode);
    case "accept":
      return all(
        [mode.change ? "not changed" : "not saved"],
        [mode.error.message, ...mode.notes, ...(mode.error.hint ?? "").split("\n")]
          .filter(Boolean)
          .map(visible),
      );
    case "conflicts":
      return conflictsListing(state, mode);
    case "keys":
      return keysListing(mode);
    case "history":
      return historyListing(state, mode);
    default:
      return all(questionOf(state), []);
  }
}

function all(head: readonly string[], items: readonly string[], version = ""): Listing {
  return { head, items, top: 0, rows: items.length, version };
}

/** No question is broken into lines. */
const WIDE = 1_000_000;

function questionOf(state: State): string[] {
  const { bottom = [] } = dialogOf({ ...state, size: { ...state.size, width: WIDE } });
  return bottom.map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trim(),
  );
}

const SAID_KEYS: Readonly<Record<string, string>> = { "↑ ↓": "Up and Down", "the letter": "its letter" };

const USUAL = { width: 80, height: 24 };

/** Which keys do something here. */
export function keysSpeech(state: State): string | undefined {
  // they are the same in every window
  const { keys } = dialogOf({ ...state, size: USUAL });
  // all of it was said
  const isWhole = state.mode.kind === "menu" || state.mode.kind === "accept";
  const used = keys?.filter(([key]) => !(isWhole && key === "↑ ↓"));
  return used && `keys: ${used.map(([key, does]) => `${SAID_KEYS[key] ?? key}, ${does}`).join("; ")}`;
}

function helpListing({ query }: Of<"help">): Listing {
  const found = helpLines(query);
  const head = query === "" ? "keys; type to search" : `${found.length} with ${visible(query)}`;
  const items = found.map(
    ({ keys, help }) => `${keys.replace(/[↑↓←→]/g, (arrow) => ARROWS[arrow]!)}: ${help}`,
  );
  return all([head], items, query);
}

const ARROWS: Readonly<Record<string, string>> = { "↑": "Up", "↓": "Down", "←": "Left", "→": "Right" };

function saveListing({ size }: State, { changes, reveal, top }: Of<"save">): Listing {
  const count = `${changes.length} ${changes.length === 1 ? "change" : "changes"}`;
  return {
    head: [`save: ${changes.length === 0 ? "the order or the layout changed" : count}`],
    items: changes.map((change) => changeSpeech(change, reveal)),
    top,
    rows: rowsOf(size) - 1,
    version: String(reveal),
  };
}

function changeSpeech(difference: EntryDifference, reveal: boolean): string {
  const { change, path, from, before, after, document, kind } = difference;
  const where = document > 0 ? `document ${document + 1} ` : "";
  const name = `${where}${visible(formatPath(path))}${kind === "comment" ? " comment" : ""}`.trim();
  const words = [`${change} ${name}`];
  if (from) words.push(`was ${visible(formatPath(from))}`);
  if (change !== "moved") {
    if (before) words.push(`${after ? "from " : ""}${sideSpeech(before, reveal)}`);
    if (after) words.push(`${before ? "to " : ""}${sideSpeech(after, reveal)}`);
    if (kind === "value" && after?.state === "plain") words.push("in plain text");
  }
  return words.join(", ");
}

function sideSpeech({ type, value, state }: EntrySide, reveal: boolean): string {
  if (type === "map" || type === "list") return `an empty ${type}`;
  return valueSpeech(value ?? null, reveal || state !== "encrypted");
}

function valueSpeech(value: Parameters<typeof textOfValue>[0], reveal: boolean): string {
  if (reveal || value === null || value === undefined || value === "") return textOfValue(value);
  return typeof value === "string" ? `hidden (${saidLength(value)})` : "hidden";
}

function conflictsListing(state: State, { at, reveal }: Of<"conflicts">): Listing {
  const { conflicts, decisions } = state.merge!;
  const open = openConflicts(state.merge);
  return {
    head: [`conflicts: ${conflicts.length}, ${open} to be decided; the document has ours until you decide`],
    items: conflicts.map((conflict, i) => {
      const place = describePlace(conflict);
      const kind = place === conflict.kind ? "" : `, ${conflict.kind}`;
      const said = `${visible(place)}${kind}, ${decisions[i] ?? "open"}`;
      return `${said}, ${sidesSpeech(conflict, reveal)}, ${i + 1} of ${conflicts.length}`;
    }),
    top: at,
    rows: 1,
    at,
    version: String(reveal),
  };
}

function sidesSpeech(conflict: Conflict, reveal: boolean): string {
  if (conflict.kind === "recipients") return readersSpeech(conflict);
  const said = (side: Choice): string =>
    conflict.kind === "selector" ? visible(selectorText(conflict[side])) : treeSpeech(conflict[side], reveal);
  return CHOICES.map((side) => `${side}: ${said(side)}`).join(", ");
}

/** Each key with the sides that have it, and how many groups each side needs. */
function readersSpeech(conflict: Conflict): string {
  const readers = readersIn(conflict);
  const several = readers.some(({ group }) => group > 0);
  const words = readers.map(({ group, key, sides }) => {
    const where = several ? `group ${group + 1}: ` : "";
    return `${where}${visible(key)}: in ${sides.join(" and ")}`;
  });
  const needed = CHOICES.flatMap((side) => {
    const number = recipientsIn(conflict[side]).needed;
    return number === undefined ? [] : [`${side} needs ${number} groups`];
  });
  const unknown = CHOICES.filter((side) => conflict[side] === undefined).map(
    (side) => `${side} is not known`,
  );
  return [...words, ...needed, ...unknown].join(", ");
}

function treeSpeech(tree: Tree | undefined, reveal: boolean): string {
  if (tree === undefined) return "nothing";
  if (tree instanceof TreeMap) return `a map of ${tree.entries().length}`;
  if (tree instanceof TreeList) return `a list of ${tree.values().length}`;
  return valueSpeech(tree, reveal);
}

/** Each key with what is said of it; what is said of all of them first. */
function keysListing({ lines, at }: Of<"keys">): Listing {
  const said = lines.map(({ text }) => visible(text.trim().replace(/ {2,}/g, " ")));
  let end = at + 1;
  while (at >= 0 && lines[end]?.tone === "note") end++;
  const chosen = at < 0 ? [] : [`chosen: ${said.slice(at, end).join(", ")}`];
  return { ...all(["who can open the file"], [...said, ...chosen], said.join("\n")), at };
}

function historyListing({ size }: State, { title, versions, top, reveal }: Of<"history">): Listing {
  const items = versions.map(
    (version) => `${visible(version.commit)}: ${visible(versionSpeech(version, reveal))}`,
  );
  return {
    head: [
      `history of ${visible(title)}, newest first: ${items.length === 0 ? "git has no version of the file" : items.length}`,
    ],
    items,
    top,
    rows: rowsOf(size) - 1,
    version: String(reveal),
  };
}

function versionSpeech({ value, encrypted, problem }: Version, reveal: boolean): string {
  if (problem !== undefined) return problem;
  return value === undefined ? "nothing" : valueSpeech(value, reveal || !encrypted);
}
