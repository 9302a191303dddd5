import type { Edit } from "../../formats/text.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { type Base, endBefore, extentOf } from "./base.ts";

/** More places than these are not tried. */
const MAX_PLACES = 30;

/**
 * Ways to give a key another name in the text itself, which keeps everything else of it. Which of the places that look
 * like the key are the key, reading the result tells.
 */
export function renamings(base: Base, node: Node, name: string): Edit[][] {
  const extent = extentOf(base, node);
  if (!extent) return [];
  const from = endBefore(base, extent.start);
  const region = base.text.slice(from, extent.start);
  const ways: Edit[][] = [];
  for (const { text, quote } of spellings(String(node.key))) {
    for (const at of placesOf(text, region)) {
      const [start, end] = [from + at, from + at + text.length];
      for (const spelled of spelledLike(name, quote)) ways.push([{ start, end, text: spelled }]);
    }
  }
  const lines = inHeaders(base, node, name);
  return lines.length > 0 ? [...ways, lines] : ways;
}

type Quote = '"' | "'" | "";

function spellings(key: string): { text: string; quote: Quote }[] {
  return [
    { text: JSON.stringify(key), quote: '"' },
    { text: `'${key.replaceAll("'", "''")}'`, quote: "'" },
    { text: key, quote: "" },
  ];
}

function placesOf(text: string, region: string): number[] {
  const places: number[] = [];
  if (text === "") return places;
  for (let at = region.lastIndexOf(text); at >= 0 && places.length < MAX_PLACES; ) {
    places.push(at);
    at = at === 0 ? -1 : region.lastIndexOf(text, at - 1);
  }
  return places;
}

function spelledLike(name: string, quote: Quote): string[] {
  const double = JSON.stringify(name);
  if (quote === '"') return [double];
  const single = `'${name.replaceAll("'", "''")}'`;
  return quote === "'" ? [single, double] : [name, double, single];
}

/** TOML names a table in each of its headers, and in dotted keys. */
function inHeaders({ text }: Base, node: Node, name: string): Edit[] {
  const names = pathOfNode(node).filter((element) => typeof element === "string");
  if (node.kind === "value" || !names.every((part) => BARE.test(part)) || !BARE.test(name)) return [];
  const before = names
    .slice(0, -1)
    .map((part) => `${part}.`)
    .join("");
  const found = text.matchAll(
    new RegExp(`^([ \\t]*\\[{0,2}[ \\t]*${before})${names.at(-1)}(?=[\\].\\s=])`, "gm"),
  );
  return [...found].map((match) => {
    const start = match.index + match[1]!.length;
    return { start, end: start + names.at(-1)!.length, text: name };
  });
}

const BARE = /^[A-Za-z0-9_-]+$/;
