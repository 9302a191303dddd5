import { type Scalar, valToString } from "../../formats/scalar.ts";
import { looksEncrypted, parseCipher } from "../../sops/cipher.ts";
import { valueIn } from "../draft/draft.ts";
import type { Node } from "../outline/node.ts";
import { nameOfRow } from "../reduce/cursor.ts";
import { changeOf, secrecyOf, shouldBeEncrypted } from "../reduce/marks.ts";
import type { State } from "../state/state.ts";
import { lengthClass, typeOf } from "../state/value.ts";
import { type Cell, type Line, spread, visible } from "./cells.ts";

/** One row of the document: name, value or what stands for it, and at the right end type and state. */
export function rowLine(state: State, node: Node, selected: boolean): Line {
  const { width } = state.size;
  const change = changeOf(state, node);
  const mark = { changed: "*", added: "+", none: " " }[change ?? "none"];
  const indent = "  ".repeat(Math.min(node.depth, Math.floor(width / 6)));
  const left: Cell[] = [
    { text: selected ? ">" : " ", style: "bold" },
    { text: mark, style: "yellow" },
    { text: `${indent}${foldOf(state, node)} ` },
    ...contentOf(state, node),
  ];
  const line = spread(left, rightOf(state, node), width);
  return selected ? line.map((cell) => ({ ...cell, style: "inverse" as const })) : line;
}

function foldOf({ folded, list }: State, node: Node): string {
  if (list || node.children.length === 0) return " ";
  return folded.has(node.id) ? "▸" : "▾";
}

function contentOf(state: State, node: Node): Cell[] {
  if (node.kind === "comment") {
    const text = hidesComment(state, node) ? MASK : shownValue(state, node).trim();
    return [{ text: `# ${text}`, style: "dim" }];
  }
  const name = visible(nameOf(state, node));
  if (node.kind === "document") return [{ text: name, style: "bold" }, ...countOf(state, node)];
  if (node.kind === "value")
    return [{ text: name, style: "blue" }, { text: "  " }, ...valueCells(state, node)];
  const empty = node.kind === "map" ? "{}" : "[]";
  const inside: Cell[] =
    node.children.length === 0 ? [{ text: `  ${empty}`, style: "dim" }] : countOf(state, node);
  return [{ text: name, style: "bold" }, ...inside];
}

function countOf({ folded }: State, node: Node): Cell[] {
  if (!folded.has(node.id)) return [];
  return [{ text: `  ${node.size} ${node.size === 1 ? "entry" : "entries"}`, style: "dim" }];
}

/** Its key; in a list of hits its whole path. */
export function nameOf({ list }: State, node: Node): string {
  if (node.kind === "document") return `document ${node.document + 1}`;
  if (!list) return keyOf(node);
  const names: string[] = [];
  for (let at: Node | undefined = node; at && at.kind !== "document"; at = at.parent) names.push(keyOf(at));
  return names.reverse().join(".");
}

function keyOf({ key }: Node): string {
  if (key === undefined) return "(empty)";
  if (typeof key === "number") return `[${key}]`;
  return key === "" ? '""' : key;
}

function valueCells(state: State, node: Node): Cell[] {
  const secrecy = secrecyOf(state, node);
  if (secrecy === "encrypted" && !isShown(state, node)) return [{ text: maskOf(state, node), style: "dim" }];
  return [{ text: shownValue(state, node), style: secrecy === "encrypted" ? "green" : undefined }];
}

export function isShown({ revealed, options, draft }: State, node: Node): boolean {
  if (options.noReveal || !draft) return false;
  return revealed.all || revealed.paths.has(nameOfRow(node));
}

/** A comment that is encrypted may be a value that somebody took out for a while: it is shown like a value then. */
export function hidesComment(state: State, node: Node): boolean {
  if (secrecyOf(state, node) !== "encrypted" || isShown(state, node)) return false;
  if (!state.draft || state.options.noReveal) return true;
  return /[:=]/.test(String(valueIn(state.draft, node)));
}

/** Marks in the place of a value, always as many: only how long it is, roughly, is said. */
function maskOf({ draft }: State, node: Node): string {
  const value = draft && valueIn(draft, node);
  if (value === undefined || value === null) return MASK;
  return typeof value === "string" ? `${MASK}  ${lengthClass(value)}` : MASK;
}

export const MASK = "••••••••";

export function shownValue(state: State, node: Node): string {
  const { draft, encrypted } = state;
  const value = draft ? valueIn(draft, node) : encrypted?.reading.entries[node.entry!]?.value;
  return textOfValue(value);
}

export function textOfValue(value: Scalar | undefined): string {
  if (value === undefined || value === null) return "null";
  if (value === "") return '""';
  const text = valToString(value);
  return visible(text.length > 500 ? text.slice(0, 500) : text);
}

function rightOf(state: State, node: Node): Cell[] {
  if (node.kind !== "value") return [];
  const secrecy = secrecyOf(state, node);
  const type = typeName(state, node);
  if (secrecy === "none") return [{ text: type, style: "dim" }];
  if (shouldBeEncrypted(state, node))
    return [
      { text: `${type} `, style: "dim" },
      { text: "PLAIN!", style: "red" },
    ];
  return [
    { text: `${type} `, style: "dim" },
    { text: secrecy === "encrypted" ? "secret" : "plain ", style: secrecy === "plain" ? "yellow" : "dim" },
  ];
}

const TYPE_NAMES = { str: "text", int: "number", float: "number", bool: "boolean", time: "time" } as const;

export function typeName({ draft, encrypted }: State, node: Node): string {
  if (draft) return typeOf(valueIn(draft, node));
  const value = encrypted?.reading.entries[node.entry!]?.value;
  if (typeof value !== "string" || !looksEncrypted(value)) return typeOf(value);
  try {
    const { type } = parseCipher(value);
    return type in TYPE_NAMES ? TYPE_NAMES[type as keyof typeof TYPE_NAMES] : "text";
  } catch {
    return "text";
  }
}
