import { TsopsError } from "../../errors.ts";
import type { Entry, PrintOptions, Reading } from "../format.ts";
import { type Edit, placeOf } from "../text.ts";
import { type Tree, TreeList, TreeMap } from "../tree.ts";
import type { CollectionNode, DocumentNode, Node, ScalarNode } from "./compose/nodes.ts";
import { beforeBreak, endOf } from "./edit/in-block.ts";
import { commaBetween } from "./edit/in-flow.ts";
import { flowTree } from "./print/flow.ts";
import { printYaml } from "./print/print.ts";
import { composedOf } from "./read/read.ts";
import { eolOf, lineStartOf } from "./read/spacing.ts";

/**
 * The `sops` block goes to the end of the first document, as SOPS prints it (docs/internals/sops.md §5). Where the last
 * line of the text has no line break, the last line of the block has none either, so that removing it knows what was
 * there.
 */
export function addMetadata(reading: Reading, metadata: TreeMap, options: PrintOptions): Edit[] {
  const { text } = reading;
  const document = composedOf(reading).documents[0];
  if (text === "") {
    throw new TsopsError("empty-file", "the file is completely empty, and must hold at least one document", {
      hint: "write at least one key, or {}",
    });
  }
  if (!document) throw noRoom(text, 0, "there is no document to hold the metadata");
  const { root } = document;
  if (root.kind === "scalar" && root.style !== "absent") {
    throw noRoom(text, root.start, "the first document is null, and cannot hold the metadata");
  }
  if (root.kind === "map" && root.flow) return [addToFlow(text, root, metadata)];
  const column = root.kind === "map" ? root.column : 0;
  const block = blockText(reading, metadata, column, options);
  const at = document.end;
  const closed = at === 0 || text[at - 1] === "\n";
  if (closed) return [{ start: at, end: at, text: block }];
  if (root.kind === "map" && endsOpen(root)) {
    const front = lineStartOf(text, root.items[0]!.at);
    return [{ start: front, end: front, text: block }];
  }
  return [{ start: at, end: at, text: eolOf(reading) + openBlock(reading, metadata, column, options) }];
}

export function replaceMetadata(reading: Reading, metadata: TreeMap, options: PrintOptions): Edit[] {
  const { text } = reading;
  const eol = eolOf(reading);
  return blocks(reading).map(({ root, item, comments }) => {
    if (root.flow) return { start: item.at, end: item.end, text: sopsPair(metadata) };
    const { start, end } = linesOf(text, item);
    const closed = text[end - 1] === "\n";
    const block = (closed ? blockText : openBlock)(reading, metadata, root.column, options);
    const pad = " ".repeat(root.column);
    const kept = comments.map((comment) => pad + text.slice(comment.start, comment.end) + eol).join("");
    return { start, end, text: kept + block };
  });
}

export function removeMetadata(reading: Reading): Edit[] {
  const { text } = reading;
  const eol = eolOf(reading);
  const [first] = composedOf(reading).documents;
  return blocks(reading).flatMap(({ document, root, item, comments }) => {
    const pad = " ".repeat(Math.max(root.column, 0));
    if (root.flow) return around(removeFromFlow(text, root, item), comments, { pad, eol, close: eol });
    const { start, end } = linesOf(text, item);
    const open = text[end - 1] !== "\n";
    const close = open ? "" : eol;
    const ours = document === first && document.start >= 0;
    if (root.items.length === 1 && !ours && !root.props) {
      // SOPS writes a block into every empty map. Only behind a `---` of the first document was there nothing.
      const empty = { start, end, text: `${pad}{}${comments.length > 0 ? eol : close}` };
      return around(empty, comments, { pad, eol, close });
    }
    if (comments.length > 0) return around({ start, end, text: "" }, comments, { pad, eol, close });
    const before = blockBefore(text.slice(0, start), root, item);
    // Nothing here may become part of a block scalar before it, or be taken from it: its value is the one with the MAC.
    const chomp = before?.block?.chomp;
    const from = open && (!before || chomp === "-") ? beforeBreak(text, start) : start;
    const to = chomp === "+" ? afterBlankLines(text, end, document.end) : end;
    return [{ start: from, end: to, text: "" }, ...(before ? commentBehind(text, to, before, root) : [])];
  });
}

/** What stands before each of some comments, between them and behind the last one. */
interface CommentLines {
  readonly pad: string;
  readonly eol: string;
  readonly close: string;
}

/** A removal that leaves some comments standing, each on a line of its own. */
function around(edit: Edit, comments: readonly Entry[], { pad, eol, close }: CommentLines): Edit[] {
  const edits: Edit[] = [];
  let { start, text } = edit;
  for (const comment of comments) {
    edits.push({ start, end: comment.start, text: text + pad });
    start = comment.end;
    text = eol;
  }
  return [...edits, { start, end: edit.end, text: comments.length > 0 ? close : text }];
}

interface Block {
  readonly document: DocumentNode;
  readonly root: CollectionNode;
  /** The value of the `sops` key. */
  readonly item: Node;
  /** Comments between its lines that SOPS does not take for part of it: one behind `sops:`. */
  readonly comments: readonly Entry[];
}

/** The blocks of all documents: SOPS writes one into each, and reads the first. */
function blocks(reading: Reading): Block[] {
  const found: Block[] = [];
  const comments = reading.entries.filter((entry) => entry.kind === "comment" && !entry.alias);
  comments.sort((a, b) => a.start - b.start);
  let next = 0;
  for (const document of composedOf(reading).documents) {
    const { root } = document;
    if (root.kind !== "map") continue;
    for (const item of root.items) {
      if (item.key?.kind !== "scalar" || item.key.text !== "sops") continue;
      const { start, end } = root.flow ? { start: item.at, end: item.end } : linesOf(reading.text, item);
      while (next < comments.length && comments[next]!.start < start) next++;
      const first = next;
      while (next < comments.length && comments[next]!.start < end) next++;
      found.push({ document, root, item, comments: comments.slice(first, next) });
    }
  }
  return found;
}

function blockText(reading: Reading, metadata: TreeMap, column: number, { indent }: PrintOptions): string {
  const lines = printYaml([TreeMap.of([["sops", metadata]])], indent).split("\n");
  const pad = " ".repeat(column);
  return lines.map((line) => (line === "" ? "" : pad + line)).join(eolOf(reading));
}

/** The block without its last line break; on one line, if that break were part of its last value. */
function openBlock(reading: Reading, metadata: TreeMap, column: number, options: PrintOptions): string {
  const block = blockText(reading, metadata, column, options).trimEnd();
  return endsInLines(metadata) ? `${" ".repeat(column)}sops: ${flowTree(metadata, true)}` : block;
}

function endsInLines(tree: Tree): boolean {
  if (tree instanceof TreeMap) return endsInLines(tree.entries().at(-1)?.value ?? null);
  if (tree instanceof TreeList) return endsInLines(tree.values().at(-1) ?? null);
  return typeof tree === "string" && tree.includes("\n");
}

/** The lines of an entry of a block map, with the comment after it and the last line break. */
function linesOf(text: string, item: Node): { start: number; end: number } {
  const lineEnd = text.indexOf("\n", Math.max(item.end, item.key?.end ?? 0));
  return { start: lineStartOf(text, item.at), end: lineEnd < 0 ? text.length : lineEnd + 1 };
}

/** Whether a line break after the last value would become part of it. */
function endsOpen(root: CollectionNode): boolean {
  const last = lastBlock(root.items.at(-1));
  return last !== undefined && last.block?.chomp !== "-";
}

/** The block scalar before the `sops` entry, if lines could be its that come to stand behind it. */
function blockBefore(above: string, root: CollectionNode, item: Node): ScalarNode | undefined {
  const before = root.items[root.items.indexOf(item) - 1];
  const closedByComment = before !== undefined && /\S/.test(above.slice(endOf(before)));
  return closedByComment ? undefined : lastBlock(before);
}

/** The block scalar that a node ends with. */
function lastBlock(node: Node | undefined): ScalarNode | undefined {
  let last = node;
  while (last && (last.kind === "map" || last.kind === "list")) last = last.items.at(-1);
  return last?.kind === "scalar" && last.block ? last : undefined;
}

/** A comment below the metadata that is indented as the lines of the text above: that would take it for one of them. */
function commentBehind(text: string, from: number, above: ScalarNode, { column }: CollectionNode): Edit[] {
  const start = afterBlankLines(text, from, text.length);
  const indent = /^ */.exec(text.slice(start))![0].length;
  // without lines of its own, any that is indented would be its first
  const least = /\S/.test(above.text) ? above.block!.indent : column + 1;
  if (text[start + indent] !== "#" || indent < least) return [];
  return [{ start, end: start + indent, text: " ".repeat(column) }];
}

/** Behind the empty lines that begin at an offset. */
function afterBlankLines(text: string, start: number, end: number): number {
  let at = start;
  for (let i = start; i < end; i++) {
    const char = text[i];
    if (char === "\n") at = i + 1;
    else if (char !== " " && char !== "\r") return at;
  }
  return end;
}

const sopsPair = (metadata: TreeMap): string => `"sops": ${flowTree(metadata, true)}`;

/** Right before the closing bracket; a comma at the end stays at the end. */
function addToFlow(text: string, root: CollectionNode, metadata: TreeMap): Edit {
  const at = root.end - 1;
  const pair = sopsPair(metadata);
  const last = root.items.at(-1);
  if (!last) return { start: at, end: at, text: pair };
  return { start: at, end: at, text: commaBetween(text, endOf(last), at) >= 0 ? `${pair},` : `, ${pair}` };
}

function removeFromFlow(text: string, root: CollectionNode, item: Node): Edit {
  const index = root.items.indexOf(item);
  const before = root.items[index - 1];
  const after = commaBetween(text, endOf(item), root.end - 1);
  if (after >= 0) return { start: item.at, end: after + 1, text: "" };
  const start = before ? commaBetween(text, endOf(before), item.at) : item.at;
  return { start, end: endOf(item), text: "" };
}

function noRoom(text: string, offset: number, message: string): TsopsError {
  return new TsopsError("parse", message, {
    place: placeOf(text, offset),
    hint: "write `{}` or at least one key there",
  });
}
