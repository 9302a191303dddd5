import { isDeepStrictEqual } from "node:util";
import { type Node as JsonNode, parseTree } from "jsonc-parser";
import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, type Node, parseAllDocuments } from "yaml";

/**
 * Whether two outputs say the same, whatever their layout: the same data in the same order with the same types and
 * comments. Texts are bytes as Latin-1.
 */
export function sameContent(got: string, want: string): boolean {
  return contentDifference(got, want) === undefined;
}

/**
 * What one output says differently from another; undefined if nothing. With `moreComments`, comments that only the
 * first one has do not count, nor those that are still encrypted in the second: SOPS loses some, and cannot decrypt others.
 */
export function contentDifference(
  got: string,
  want: string,
  { moreComments = false } = {},
): string | undefined {
  if (got === want) return undefined;
  const [a, b] = [contentOf(got), contentOf(want)];
  if (a.kind !== "yaml" || b.kind !== "yaml") return isDeepStrictEqual(a, b) ? undefined : `other ${b.kind}`;
  if (!isDeepStrictEqual(a.data, b.data)) return "other keys, values, types or order";
  const lost = without(b.comments, a.comments).filter((text) => !moreComments || !text.startsWith("ENC["));
  const added = moreComments ? [] : without(a.comments, b.comments);
  if (lost.length === 0 && added.length === 0) return undefined;
  return `other comments: ${[...lost.map((text) => `- ${text}`), ...added.map((text) => `+ ${text}`)].join(", ")}`;
}

/** The items that are not among others, counting how often each occurs. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return items.filter((item) => {
    const at = rest.indexOf(item);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

type Content =
  | { kind: "bytes"; bytes: string }
  | { kind: "json"; data: unknown }
  | { kind: "yaml"; data: unknown; comments: string[] }
  | { kind: "lines"; lines: string[] };

function contentOf(bytes: string): Content {
  const buffer = Buffer.from(bytes, "latin1");
  const text = buffer.toString("utf8");
  if (!Buffer.from(text).equals(buffer)) return { kind: "bytes", bytes };
  if (isJson(text)) return { kind: "json", data: jsonData(parseTree(text)!, text) };
  // the parser refuses `{`, a comment, and `}` in column 0, which SOPS writes
  const data = yamlData(text) ?? yamlData(text.replace(/([{[])\n(?:\s*#.*\n)+\s*([}\]])/g, "$1$2"));
  if (data?.some((document) => Array.isArray(document) && document[0] === "map")) {
    return { kind: "yaml", data, comments: comments(text) };
  }
  const lines = text
    .split("\n")
    .map((line) => line.trim().replace(/\s*=\s*/g, "="))
    .filter((line) => line !== "");
  return { kind: "lines", lines };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** As nested arrays, which keep order and duplicates; a number is its text. */
function jsonData({ type, value, children = [], offset, length }: JsonNode, text: string): unknown {
  if (type === "number") return [type, text.slice(offset, offset + length)];
  return children.length > 0 ? [type, children.map((child) => jsonData(child, text))] : [type, value];
}

/** The documents as nested arrays, which keep order, duplicates and the kind of each scalar; undefined if it is no YAML. */
function yamlData(text: string): unknown[] | undefined {
  const documents = parseAllDocuments(text, { intAsBigInt: true, uniqueKeys: false, logLevel: "silent" });
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
  return documents.map((document) => plain(document.contents, document));
}

function plain(node: Node | null | undefined, document: Document): unknown {
  if (isAlias(node)) return plain(node.resolve(document), document);
  if (isMap<Node, Node | null>(node)) {
    return ["map", node.items.map(({ key, value }) => [plain(key, document), plain(value, document)])];
  }
  if (isSeq<Node>(node)) return ["list", node.items.map((item) => plain(item, document))];
  const value = isScalar(node) ? node.value : null;
  // the parser's own mark for a merge key
  if (typeof value === "symbol") return ["string", value.description];
  // 1.0 and 1 differ in type: the one is a number, the other a bigint
  return [value === null ? "null" : typeof value, value];
}

function comments(text: string): string[] {
  const found: string[] = [];
  let previous = "";
  for (const token of new Lexer().lex(text)) {
    // U+001F announces a scalar, which may look like a comment too
    if (token.startsWith("#") && previous !== "\x1f") found.push(token.slice(1).trim());
    previous = token;
  }
  return found;
}
