/**
 * The metadata in formats that have no nesting (docs/internals/sops.md §5): `age: [{enc: …}]` is
 * `age__list_0__map_enc`. Line breaks in values are written `\n`.
 */

import { TsopsError } from "../errors.ts";
import {
  type Container,
  childContainer,
  type Entry,
  type MetadataBlock,
  type PathElement,
  rootContainer,
} from "./format.ts";
import type { Scalar } from "./scalar.ts";
import { placeOf } from "./text.ts";
import { type Tree, TreeList, TreeMap } from "./tree.ts";

const SEPARATOR = /__(map|list)_/g;

/** A scalar with its flat key. */
export interface FlatItem {
  readonly key: string;
  readonly value: Scalar;
}

/**
 * The scalars of a tree in its order, with their flat keys. Empty maps and lists have none. @throws
 * TsopsError("print") if a key holds one of the separators itself: it would come back as something else.
 */
export function flatten(tree: TreeMap): FlatItem[] {
  const items: FlatItem[] = [];
  const add = (value: Tree, key: string): void => {
    if (value instanceof TreeMap) {
      for (const entry of value.entries()) add(entry.value, `${key}__map_${checked(entry.key)}`);
    } else if (value instanceof TreeList) {
      value.values().forEach((item, i) => {
        add(item, `${key}__list_${i}`);
      });
    } else items.push({ key, value });
  };
  for (const entry of tree.entries()) add(entry.value, checked(entry.key));
  return items;
}

function checked(key: string): string {
  if (key.search(SEPARATOR) < 0) return key;
  throw new TsopsError("print", `the metadata has a key that holds __map_ or __list_: ${key}`, {
    hint: "this format joins the metadata's keys with these words; choose another key, or encrypt the file as yaml or json",
  });
}

/** The path that a flat key stands for. A list index that is no number stays a key, which no list has. */
export function flatPath(key: string): PathElement[] {
  const path: PathElement[] = [];
  let from = 0;
  let list = false;
  const end = (to: number): void => {
    const name = key.slice(from, to);
    path.push(list && /^\d{1,9}$/.test(name) ? Number(name) : name);
  };
  for (const match of key.matchAll(SEPARATOR)) {
    end(match.index);
    from = match.index + match[0].length;
    list = match[1] === "list";
  }
  end(key.length);
  return path;
}

/** Where a line of the metadata stands. */
export interface FlatLine {
  readonly key: string;
  readonly value: string;
  /** Offset of the key. */
  readonly keyStart: number;
  /** The value's span. */
  readonly start: number;
  readonly end: number;
  readonly style?: unknown;
}

/**
 * A block from its lines. Its tree is put together when it is asked for, so that a text with malformed
 * metadata can be read; asking for the tree throws TsopsError("parse") then, with the place.
 */
export function flatBlock(text: string, lines: readonly FlatLine[]): MetadataBlock {
  let tree: TreeMap | undefined;
  let entries: Entry[] | undefined;
  return {
    get tree() {
      tree ??= unflatten(text, lines);
      return tree;
    },
    get entries() {
      entries ??= blockEntries(lines);
      return entries;
    },
  };
}

/** A place in the tree that is being put together. */
interface Node {
  readonly children: Map<PathElement, Node>;
  readonly line: FlatLine;
  value?: string;
}

function unflatten(text: string, lines: readonly FlatLine[]): TreeMap {
  const root: Node = { children: new Map(), line: lines[0]! };
  for (const line of lines) {
    let node = root;
    for (const element of flatPath(line.key)) {
      let next = node.children.get(element);
      if (!next) {
        next = { children: new Map(), line };
        node.children.set(element, next);
      }
      node = next;
    }
    if (node.value !== undefined) throw malformed(text, line, "occurs twice");
    node.value = line.value;
  }
  const tree = toTree(text, root);
  if (tree instanceof TreeMap) return tree;
  throw malformed(text, lines[0]!, "is not the name of a field");
}

function toTree(text: string, { children, value, line }: Node): Tree {
  if (value !== undefined) {
    if (children.size > 0)
      throw malformed(text, line, "has a value, and other lines make it a map or a list");
    return value;
  }
  const keys = [...children.keys()];
  if (keys.every((key) => typeof key === "string")) {
    return TreeMap.of([...children].map(([key, child]) => [String(key), toTree(text, child)]));
  }
  if (keys.some((key) => typeof key === "string"))
    throw malformed(text, line, "is a map and a list at the same time");
  const items = keys.map((_, i) => children.get(i));
  if (items.includes(undefined)) throw malformed(text, line, "belongs to a list whose numbers have a gap");
  return new TreeList(items.map((item) => toTree(text, item!)));
}

function malformed(text: string, { key, keyStart }: FlatLine, why: string): TsopsError {
  return new TsopsError("parse", `the file's sops metadata cannot be read: ${key} ${why}`, {
    place: placeOf(text, keyStart),
    hint: "compare the metadata with the file's last good version in git",
    exit: 1,
  });
}

function blockEntries(lines: readonly FlatLine[]): Entry[] {
  const containers = new Map<string, Container>([["", rootContainer()]]);
  return lines.map(({ key, value, start, end, style }) => {
    const path = flatPath(key);
    let at = "";
    let container = containers.get("")!;
    path.slice(0, -1).forEach((element, i) => {
      at = `${at}/${typeof element}:${element}`;
      let next = containers.get(at);
      if (!next) {
        next = childContainer(typeof path[i + 1] === "number" ? "list" : "map", container, element);
        containers.set(at, next);
      }
      container = next;
    });
    return { kind: "value", in: container, key: path.at(-1)!, value, start, end, style };
  });
}
