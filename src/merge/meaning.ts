/** What a merge of three documents says: maps by key, lists by the identity of their items, values by type and value. */

import { append } from "../formats/append.ts";
import type { PathElement } from "../formats/format.ts";
import { sameTree } from "../formats/path.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../formats/tree.ts";
import type { ConflictKind } from "../sops/conflicts.ts";
import { threeWay } from "./align.ts";
import { identityOf, treeText } from "./identity.ts";
import { mergedOrder } from "./order.ts";
import type { Side, Sides } from "./sides.ts";

/** A place that both sides changed in different ways. */
export interface Clash extends Partial<Sides<Tree>> {
  readonly document: number;
  readonly path: readonly PathElement[];
  readonly kind:
    | Exclude<ConflictKind, "deleted by ours" | "deleted by theirs">
    | "deleted by a"
    | "deleted by b";
}

export interface Meaning {
  readonly documents: readonly TreeMap[];
  readonly clashes: readonly Clash[];
  /** Keys of a map that have to stand in this order, where not all of them have to. */
  readonly ordered: ReadonlyMap<TreeMap, readonly string[]>;
  /** Texts of comments that belong to a clash: as often as the preferred side has them. */
  readonly disputed: ReadonlySet<string>;
}

/**
 * The documents of a file. Where there is a clash, what `prefer` says stands in them.
 * @param sides base is undefined where both sides made the file.
 */
export function mergeDocuments(
  sides: { readonly base: readonly TreeMap[] | undefined } & Pick<Sides<readonly TreeMap[]>, "a" | "b">,
  prefer: Side,
): Meaning {
  return new Merging(prefer).documents(sides);
}

interface Outcome {
  readonly tree: Tree | undefined;
  readonly clashes: readonly Clash[];
}

type Found = Sides<Tree | undefined>;

/** What a container holds under one name: a value with the comments above it. */
interface Member {
  readonly value: Tree;
  readonly comments: readonly TreeComment[];
}

interface Members {
  readonly names: readonly string[];
  readonly by: ReadonlyMap<string, Member>;
  readonly trailing: readonly TreeComment[];
}

const NOTHING: Members = { names: [], by: new Map(), trailing: [] };

class Merging {
  private readonly ordered = new Map<TreeMap, readonly string[]>();
  private readonly disputed = new Set<string>();

  private readonly prefer: Side;

  constructor(prefer: Side) {
    this.prefer = prefer;
  }

  documents({ base, a, b }: Parameters<typeof mergeDocuments>[0]): Meaning {
    const result = (documents: readonly TreeMap[], clashes: readonly Clash[]): Meaning => {
      const { ordered, disputed } = this;
      return { documents, clashes, ordered, disputed };
    };
    if (a.length === b.length && (base === undefined || base.length === a.length)) {
      const merged = a.map((tree, i) => this.tree({ base: base?.[i], a: tree, b: b[i] }));
      const clashes = merged.flatMap((outcome, document) => {
        const found = { base: base?.[document], a: a[document], b: b[document] };
        return [...outcome.clashes, ...this.commentsBelow(found)].map((clash) => ({ ...clash, document }));
      });
      return result(
        merged.map(({ tree }) => tree as TreeMap),
        clashes,
      );
    }
    const chunks = threeWay(base ?? [], a, b, treeText);
    const clash: Clash[] = chunks.some(({ kind }) => kind === "conflict")
      ? [{ document: 0, path: [], kind: "whole text" }]
      : [];
    return result(
      chunks.flatMap((chunk) => (chunk.kind === "agreed" ? chunk.items : chunk[this.prefer])),
      clash,
    );
  }

  private tree(found: Found): Outcome {
    const { base, a, b } = found;
    if (same(a, b)) return agreed(a);
    if (same(base, b)) return agreed(a);
    if (same(base, a)) return agreed(b);
    const inside = isMap(a) && isMap(b) ? this.map(a, b, isMap(base) ? base : undefined) : undefined;
    const listed = isList(a) && isList(b) ? this.list(a, b, isList(base) ? base : undefined) : undefined;
    return inside ?? listed ?? this.clash(found, kindOf(found));
  }

  private map(a: TreeMap, b: TreeMap, base: TreeMap | undefined): Outcome | undefined {
    const [left, right, before] = [keyed(a), keyed(b), base ? keyed(base) : NOTHING];
    if (!left || !right || !before) return undefined;
    const { members, clashes, order } = this.members({ base: before, a: left, b: right }, base !== undefined);
    const tree = new TreeMap(
      members.flatMap(({ name, comments, value }) => [...comments, { key: name, value }]),
    );
    this.ordered.set(tree, order.fixed);
    const inside = clashes.map(({ name, clash }) => below(clash, name));
    if (order.clash) inside.push({ document: 0, path: [], kind: "order", ...orders({ base, a, b }) });
    return { tree, clashes: inside };
  }

  private list(a: TreeList, b: TreeList, base: TreeList | undefined): Outcome | undefined {
    const identity = identityOf(base ? [base, a, b] : [a, b]);
    if (!identity) return this.sequence(a, b, base);
    const [left, right] = [named(a, identity), named(b, identity)];
    const before = base ? named(base, identity) : NOTHING;
    const { members, clashes, order } = this.members({ base: before, a: left, b: right }, base !== undefined);
    const tree = new TreeList(members.flatMap(({ comments, value }) => [...comments, value]));
    const inside = clashes.map(({ name, clash }) =>
      below(clash, placeIn(members, name, [left, right, before])),
    );
    if (order.clash) inside.push({ document: 0, path: [], kind: "order", ...orders({ base, a, b }) });
    return { tree, clashes: inside };
  }

  /** Items without names: what stands between equal ones. */
  private sequence(a: TreeList, b: TreeList, base: TreeList | undefined): Outcome | undefined {
    if (!base) return undefined;
    const items: Tree[] = [];
    const clashes: Clash[] = [];
    for (const chunk of threeWay(base.values(), a.values(), b.values(), treeText)) {
      if (chunk.kind === "agreed") {
        append(items, chunk.items);
        continue;
      }
      // as many everywhere: each item was changed, and none was added or taken away
      if (chunk.base.length !== chunk.a.length || chunk.base.length !== chunk.b.length) return undefined;
      for (const [i, item] of chunk.base.entries()) {
        const merged = this.tree({ base: item, a: chunk.a[i], b: chunk.b[i] });
        append(
          clashes,
          merged.clashes.map((clash) => below(clash, items.length)),
        );
        items.push(merged.tree!);
      }
    }
    return { tree: new TreeList(items), clashes };
  }

  private members(sides: Sides<Members>, hasBase: boolean) {
    const { base, a, b } = sides;
    const clashes: { name: string; clash: Clash }[] = [];
    const values = new Map<string, Tree>();
    for (const name of new Set([...a.names, ...b.names, ...base.names])) {
      const outcome = this.member(sides, name);
      if (outcome.tree !== undefined) values.set(name, outcome.tree);
      append(
        clashes,
        outcome.clashes.map((clash) => ({ name, clash })),
      );
    }
    const versions = hasBase ? [base, a, b] : [a, b];
    const common = a.names.filter((name) => stayedIn(versions.map(({ by }) => by.get(name)?.value)));
    const names = { base: hasBase ? base.names : undefined, a: a.names, b: b.names, common };
    const order = mergedOrder(names, new Set(values.keys()), this.prefer);
    const members = order.names.map((name) => {
      const comments = (this.prefer === "b" ? [b, a, base] : [a, b, base]).find(({ by }) => by.has(name))!;
      return { name, value: values.get(name)!, comments: comments.by.get(name)!.comments };
    });
    return { members, clashes, order };
  }

  private member({ base, a, b }: Sides<Members>, name: string): Outcome {
    const [before, left, right] = [base.by.get(name), a.by.get(name), b.by.get(name)];
    const found = { base: before?.value, a: left?.value, b: right?.value };
    const outcome = this.tree(found);
    const comments = { base: before?.comments ?? [], a: left?.comments ?? [], b: right?.comments ?? [] };
    if (outcome.clashes.some(({ path }) => path.length === 0)) this.dispute(Object.values(comments).flat());
    return outcome;
  }

  /**
   * Comments that both sides changed in different ways, at and below what all three have. The values do not matter for
   * that: nobody changed them, or they clash by themselves.
   */
  private commentsBelow({ base, a, b }: Found): Clash[] {
    const sides = parts(base, a, b);
    if (!sides) return [];
    const clashes: Clash[] = [];
    const trailing = this.comments({
      base: sides.base.trailing,
      a: sides.a.trailing,
      b: sides.b.trailing,
    });
    if (trailing) clashes.push(trailing);
    for (const [i, name] of sides.base.names.entries()) {
      const [before, left, right] = [sides.base, sides.a, sides.b].map(({ by }) => by.get(name));
      if (!before || !left || !right) continue;
      const found = { base: before.comments, a: left.comments, b: right.comments };
      const own = found.base.length > 0 ? this.comments(found) : undefined;
      const inside = this.commentsBelow({ base: before.value, a: left.value, b: right.value });
      const element = base instanceof TreeList ? i : name;
      append(
        clashes,
        [...(own ? [own] : []), ...inside].map((clash) => below(clash, element)),
      );
    }
    return clashes;
  }

  /** Comments of one entry that both sides changed in different ways. */
  private comments({ base, a, b }: Sides<readonly TreeComment[]>): Clash | undefined {
    const chunks = threeWay(base, a, b, ({ text }) => text);
    const clash = chunks.find((chunk) => chunk.kind === "conflict" && chunk.base.length > 0);
    if (!clash) return undefined;
    this.dispute([...base, ...a, ...b]);
    const lines = (comments: readonly TreeComment[]) => comments.map(({ text }) => text).join("\n");
    return { document: 0, path: [], kind: "comment", base: lines(base), a: lines(a), b: lines(b) };
  }

  private clash(found: Found, kind: Clash["kind"]): Outcome {
    this.dispute(Object.values(found).flatMap(commentsIn));
    return { tree: found[this.prefer], clashes: [{ document: 0, path: [], kind, ...found }] };
  }

  private dispute(comments: readonly TreeComment[]): void {
    for (const { text } of comments) this.disputed.add(text);
  }
}

function kindOf({ base, a, b }: Found): Clash["kind"] {
  if (a === undefined) return "deleted by a";
  if (b === undefined) return "deleted by b";
  return base === undefined ? "added by both" : "value";
}

/**
 * Whether something is in all versions, and a scalar, map or list in all of them. What became another kind of thing stands
 * where it has to: TOML has values above tables.
 */
function stayedIn(versions: readonly (Tree | undefined)[]): boolean {
  const present = versions.filter((tree) => tree !== undefined);
  const alike = (is: (tree: Tree) => boolean) => present.every((tree) => is(tree) === is(present[0]!));
  return present.length === versions.length && alike(isMap) && alike(isList);
}

/** What three trees of one kind hold, by key, name or number; undefined where they cannot be compared like that. */
function parts(base: Tree | undefined, a: Tree | undefined, b: Tree | undefined): Sides<Members> | undefined {
  const all = (read: (tree: never) => Members | undefined): Sides<Members> | undefined => {
    const [before, left, right] = [read(base as never), read(a as never), read(b as never)];
    return before && left && right && { base: before, a: left, b: right };
  };
  if (isMap(base) && isMap(a) && isMap(b)) return all(keyed);
  if (!isList(base) || !isList(a) || !isList(b)) return undefined;
  const identity = identityOf([base, a, b]);
  if (identity) return all((list: TreeList) => named(list, identity));
  const lengths = new Set([base, a, b].map((list) => list.values().length));
  return lengths.size === 1 ? all(numbered) : undefined;
}

function numbered(list: TreeList): Members {
  let number = 0;
  return membersOf(list.items, (item) => [String(number++), item]);
}

/** A map's entries by key; undefined if a key occurs twice. */
function keyed(map: TreeMap): Members | undefined {
  const keys = map.entries().map(({ key }) => key);
  if (new Set(keys).size < keys.length) return undefined;
  return membersOf(map.items, (item) => [item.key, item.value]);
}

function named(list: TreeList, identity: (item: Tree) => string): Members {
  return membersOf(list.items, (item) => [identity(item), item]);
}

function membersOf<T>(
  items: readonly (T | TreeComment)[],
  read: (item: T) => readonly [name: string, value: Tree],
): Members {
  const by = new Map<string, Member>();
  let comments: TreeComment[] = [];
  for (const item of items) {
    if (item instanceof TreeComment) {
      comments.push(item);
      continue;
    }
    const [name, value] = read(item);
    by.set(name, { value, comments });
    comments = [];
  }
  return { names: [...by.keys()], by, trailing: comments };
}

/** The index of a named item: in the result, or where it is not in that, in a side that has it. */
function placeIn(members: readonly { name: string }[], name: string, sides: readonly Members[]): number {
  const place = members.findIndex((member) => member.name === name);
  if (place >= 0) return place;
  return sides.reduce((at, { names }) => Math.max(at, names.indexOf(name)), -1);
}

function below(clash: Clash, element: PathElement): Clash {
  return { ...clash, path: [element, ...clash.path] };
}

function orders({ base, a, b }: Found): Partial<Sides<Tree>> {
  return { base, a, b };
}

function commentsIn(tree: Tree | undefined): TreeComment[] {
  if (tree instanceof TreeMap) {
    return tree.items.flatMap((item) => (item instanceof TreeComment ? [item] : commentsIn(item.value)));
  }
  if (!(tree instanceof TreeList)) return [];
  return tree.items.flatMap((item) => (item instanceof TreeComment ? [item] : commentsIn(item)));
}

function agreed(tree: Tree | undefined): Outcome {
  return { tree, clashes: [] };
}

function same(x: Tree | undefined, y: Tree | undefined): boolean {
  return x === undefined || y === undefined ? x === y : sameTree(x, y);
}

const isMap = (tree: Tree | undefined): tree is TreeMap => tree instanceof TreeMap;
const isList = (tree: Tree | undefined): tree is TreeList => tree instanceof TreeList;
