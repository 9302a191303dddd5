import { TsopsError } from "../../../errors.ts";
import type { Entry, Reading } from "../../format.ts";
import type { Scalar } from "../../scalar.ts";
import { placeOf } from "../../text.ts";
import type { ScalarNode } from "../compose/nodes.ts";
import { meansItself, spellAsSops, yamlScalar } from "../print/scalar.ts";
import { isItemComment } from "../read/list-comments.ts";
import { YamlReading } from "../read/read.ts";
import { isTypeTag } from "../read/resolve.ts";
import { columnOf, eolOf, indentOf } from "../read/spacing.ts";
import { scalarOf } from "../read/values.ts";
import { isBlank, isBlankz, isBreak } from "../scan/chars.ts";
import { blockBody, fitsHeader, writeBlock } from "./block-scalar.ts";
import { canBePlainHere, isOneLine, otherScalar, quoteDouble, quoteIfNeeded, quoteSingle } from "./quotes.ts";

/** Where a value is to be spelled: the scalar of an entry, and whether that is in flow style. */
interface ScalarPlace {
  readonly reading: Reading;
  readonly entry: Entry;
  readonly node: ScalarNode;
  readonly flow: boolean;
}

/** See {@link Format.spell}. */
export function spell(reading: Reading, entry: Entry, value: Scalar): string {
  if (entry.kind === "comment") return spellComment(reading, entry, value);
  const node = scalarOf(entry);
  if (!node) throw cannot(reading, entry, "there is no scalar here");
  if (keepsTag(node) && typeof value !== "string") {
    throw cannot(reading, entry, "the tag here makes a string of every value", "remove the tag");
  }
  const flow = entry.in?.start !== undefined;
  const place = { reading, entry, node, flow };
  if (typeof value !== "string") return spellOther(place, value);
  if (!value.isWellFormed()) return spellBytes(place, value);
  if (node.block) return spellBlock(reading, entry, node, value);
  if (node.style === "absent") return absentGap(reading, node) + spellPlain(place, value);
  if (node.style === "plain") return spellPlain(place, value);
  if (node.style === "double") {
    // Quotes around nothing say nothing about style.
    return node.text === "" && value !== "" && !flow ? spellPlain(place, value) : quoteDouble(value);
  }
  // In flow, encrypting had to quote what was plain; two quotes say nothing there either.
  if (flow && plainHere(place, value)) return value;
  return isOneLine(value) ? quoteSingle(value) : quoteDouble(value);
}

/** See {@link Format.spellCipher}. */
export function spellCipher(reading: Reading, entry: Entry, cipher: string): string {
  const { style } = entry;
  if (isItemComment(style)) {
    const { item, prefix, suffix } = style;
    return prefix + cipherScalar(item, cipher, suffix !== "") + suffix;
  }
  if (entry.kind === "comment") return `#${cipher}`;
  const node = scalarOf(entry);
  if (!node) throw cannot(reading, entry, "there is no scalar here");
  refuseCipher(reading, entry, node);
  return cipherScalar(node, cipher, entry.in?.start !== undefined);
}

/** See {@link Format.aroundComment}. */
export function aroundComment(
  reading: Reading,
  entry: Entry,
): { start: number; mark: number; comment: number } | undefined {
  const node = scalarOf(entry);
  if (!node?.block?.comment || isTypeTag(node.props?.tag)) return undefined;
  if (entry.start < node.block.body || isKey(reading, node)) return undefined;
  const { header } = node.block;
  return { start: node.start, mark: header, comment: reading.text.indexOf("#", header) };
}

const isKey = (reading: Reading, node: ScalarNode): boolean =>
  reading instanceof YamlReading && reading.keyTargets.has(node);

/** Places where a ciphertext would be read as something else, or change what is elsewhere. */
function refuseCipher(reading: Reading, entry: Entry, node: ScalarNode): void {
  const refuse = (message: string, hint: string): never => {
    throw new TsopsError("tree-encryption", message, { hint, place: placeOf(reading.text, entry.start) });
  };
  const { props } = node;
  if (isTypeTag(props?.tag) && entry.start !== props?.tagStart) {
    const hint = "remove the tag, or write it right before the value: no comment and no anchor between them";
    refuse("the tag of this value cannot be replaced with it", hint);
  }
  if (props?.end === entry.start && node.style !== "absent") {
    refuse("there is no space between an anchor and its value", "put a space between them");
  }
  if (isKey(reading, node)) {
    refuse("an alias uses this value as a key, and keys cannot be encrypted", "write the key out there");
  }
}

function cipherScalar(node: ScalarNode, cipher: string, flow: boolean): string {
  // On the line of the key, as SOPS writes it: below `|` the line break behind it would belong to the text, and other
  // readers than SOPS take no such ciphertext. The layout brings the block back.
  if (node.block) return node.block.comment ? " ".repeat(node.block.indent) + cipher : quoteIfNeeded(cipher);
  if (node.style === "single") return quoteSingle(cipher);
  if (node.style === "double") return quoteDouble(cipher);
  return flow ? quoteSingle(cipher) : quoteIfNeeded(cipher);
}

function spellComment(reading: Reading, entry: Entry, value: Scalar): string {
  const text = String(value);
  // SOPS reads and writes a byte order mark in a comment
  if (!isOneLine(text.replaceAll("\ufeff", ""))) {
    throw cannot(reading, entry, "a comment cannot hold line breaks and control characters");
  }
  if (!isItemComment(entry.style)) return `#${text}`;
  return `${entry.style.before}#${text}${entry.style.after}`;
}

/** Numbers, booleans, times and null are never quoted. */
function spellOther(place: ScalarPlace, value: Exclude<Scalar, string>): string {
  const { reading, entry, node } = place;
  if (node.block?.comment)
    throw cannot(reading, entry, "a comment on the line of `|` or `>` keeps this a string");
  const text = otherScalar(value);
  if (node.style === "absent") return value === null ? "" : absentGap(reading, node) + text;
  return followed(place) ? text : `${text} `;
}

function spellBytes(place: ScalarPlace, value: string): string {
  const { reading, entry, node } = place;
  if (keepsTag(node) || node.block?.comment)
    throw cannot(reading, entry, "bytes that are not UTF-8 need a `!!binary` tag");
  const text = yamlScalar(value, { indent: 0, outer: -1, flow: true });
  const gap = node.style === "absent" ? absentGap(reading, node) : "";
  return gap + (followed(place) ? text : `${text} `);
}

/** A value whose place says nothing about style: plain if it can be, else as SOPS prints it. */
function spellPlain(place: ScalarPlace, value: string): string {
  if (plainHere(place, value)) return value;
  const { reading, entry, node, flow } = place;
  if (flow) return isOneLine(value) ? quoteSingle(value) : quoteDouble(value);
  const spelling = spellAsSops(value);
  if (spelling.style !== "literal") {
    return spelling.style === "single" ? quoteSingle(value) : quoteDouble(value);
  }
  const outer = columnOf(reading.text, node.at);
  const inList = node.key === undefined;
  const step = indentOf(reading);
  const indent = inList ? outer + 2 : step * Math.floor(outer / step + 1);
  const at = { outer, indent, digit: 0, chomp: "", style: "literal", end: entry.end } as const;
  // without a line of text, the first line below that is indented more than the key would be taken for one
  const needed = /[^\n]/.test(value) ? indent : outer + 1;
  if (!isRoomBelow(reading.text, entry.end, needed)) return quoteDouble(value);
  return writeBlock(reading.text, at, value, eolOf(reading)) ?? quoteDouble(value);
}

/** Whether a block scalar that ends here would end here: nothing follows on the line, nor as deep below, not even blanks. */
function isRoomBelow(text: string, end: number, indent: number): boolean {
  let p = end;
  if (p < text.length && !isBreak(text.charCodeAt(p))) return false;
  let lineStart = p;
  for (; p < text.length && (isBlank(text.charCodeAt(p)) || isBreak(text.charCodeAt(p))); p++) {
    if (!isBreak(text.charCodeAt(p))) continue;
    if (p - lineStart > indent && lineStart > end) return false;
    lineStart = p + 1;
  }
  return p >= text.length || p - lineStart < indent;
}

function plainHere(place: ScalarPlace, value: string): boolean {
  // a tab in a plain text is one that other readers refuse, so SOPS quotes it
  if (!canBePlainHere(value, place.flow) || value.includes("\t") || !followed(place)) return false;
  return keepsTag(place.node) || meansItself(value);
}

function spellBlock(reading: Reading, entry: Entry, node: ScalarNode, value: string): string {
  const block = node.block!;
  const { text } = reading;
  const at = { ...block, style: node.style, end: entry.end };
  if (!block.comment) return writeBlock(text, at, value, eolOf(reading)) ?? quoteDouble(value);
  // The header is not part of the span.
  if (value === node.text) return text.slice(entry.start, entry.end);
  // at the end of a text without a final line break there is no line for it
  const hasLine = text.slice(block.header, entry.start).includes("\n");
  if (!hasLine || entry.start < block.body || !fitsHeader(text, at, value)) {
    const hint = "remove the comment on the line of the `|` or `>`";
    throw cannot(reading, entry, "the block scalar here cannot hold this value", hint);
  }
  return blockBody(text, at, value, eolOf(reading));
}

/** Whether a plain scalar would end where the span ends. */
function followed({ reading, entry, flow }: ScalarPlace): boolean {
  const c = reading.text.charCodeAt(entry.end);
  return Number.isNaN(c) || isBlankz(c) || (flow && ",]}".includes(reading.text[entry.end]!));
}

/** What must stand between the text and a value where none is yet. */
function absentGap(reading: Reading, node: ScalarNode): string {
  const before = reading.text[node.start - 1];
  return before === " " || before === "\t" ? "" : " ";
}

/** A tag that makes a string of everything, and stays where it is. */
function keepsTag(node: ScalarNode): boolean {
  const tag = node.props?.tag;
  return tag !== undefined && !isTypeTag(tag);
}

function cannot(reading: Reading, entry: Entry, message: string, hint?: string): TsopsError {
  return new TsopsError("print", message, { place: placeOf(reading.text, entry.start), hint });
}
