import { TsopsError } from "../../../errors.ts";
import { placeOf } from "../../text.ts";
import type { CollectionNode, Node } from "../compose/nodes.ts";
import { yamlError } from "../scan/state.ts";
import { MISMATCH, mismatch, resolve } from "./resolve.ts";

/** The key of an entry of a map. @throws TsopsError if it is not a string. */
export function keyOf(text: string, value: Node): string {
  let key = value.key!;
  if (key.kind === "alias") key = key.target;
  if (key.kind !== "scalar") {
    throw yamlError(text, "a map or list cannot be a key", value.at, "SOPS reads no such keys: use a string");
  }
  const resolved = resolve(key);
  if (typeof resolved === "string") return resolved;
  if (resolved === MISMATCH) throw mismatch(text, key);
  const hint = "SOPS encrypts string keys only: put the key in quotes";
  throw new TsopsError("tree-encryption", "a key is not a string", { hint, place: placeOf(text, value.at) });
}

/**
 * Keys that occur twice in a map. SOPS refuses them in the first document only.
 * @returns the offsets of the later ones
 * @throws TsopsError("parse") in the first document
 */
export function checkUniqueKeys(text: string, map: CollectionNode, document: number): number[] | undefined {
  const later = repeated(map.items);
  if (!later || document > 0) return later;
  throw new TsopsError("parse", "this key occurs twice in its map", {
    place: placeOf(text, later[0]!),
    hint: "remove one of the two: SOPS refuses duplicate keys",
  });
}

function repeated(items: readonly Node[]): number[] | undefined {
  if (items.length < 2) return undefined;
  let later: number[] | undefined;
  if (items.length <= 8) {
    for (let i = 1; i < items.length; i++) {
      for (let j = 0; j < i; j++) {
        if (!sameKey(items[i]!.key!, items[j]!.key!)) continue;
        later ??= [];
        later.push(items[i]!.at);
        break;
      }
    }
    return later;
  }
  const seen = new Set<string>();
  for (const item of items) {
    const name = nameOf(item.key!);
    if (seen.has(name)) (later ??= []).push(item.at);
    else seen.add(name);
  }
  return later;
}

/** SOPS compares keys as they are written after their quotes, before aliases are followed. */
function nameOf(key: Node): string {
  if (key.kind === "scalar") return key.text;
  return `\0${key.kind === "alias" ? key.target.at : key.kind}`;
}

function sameKey(a: Node, b: Node): boolean {
  return a.kind === "scalar" && b.kind === "scalar" ? a.text === b.text : nameOf(a) === nameOf(b);
}

/** SOPS reads the first document once with merge keys at work, and refuses one whose value is no map. */
export function checkMerges(text: string, root: Node): void {
  const open: Node[] = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.kind !== "map" && node.kind !== "list") continue;
    for (const item of node.items) {
      if (node.kind === "map" && isMergeKey(item.key!) && !canMerge(item)) {
        const hint =
          "the value of `<<` must be a map, an alias of one, or a list of them; quote the key if you mean the text";
        throw yamlError(text, "`<<` has a value that cannot be merged", item.at, hint);
      }
      open.push(item);
    }
  }
}

function isMergeKey(key: Node): boolean {
  if (key.kind !== "scalar" || key.text !== "<<") return false;
  const tag = key.props?.tag;
  return tag === "!!merge" || (tag === undefined && key.style === "plain");
}

function canMerge(value: Node): boolean {
  if (value.kind === "list") return value.items.every((item) => mapLike(item));
  return mapLike(value);
}

function mapLike(node: Node): boolean {
  return node.kind === "map" || (node.kind === "alias" && node.target.kind === "map");
}
