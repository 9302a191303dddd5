/** What documents say apart from one place: whether a change concerns just that. */

import { append } from "../formats/append.ts";
import type { PathElement } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../formats/tree.ts";
import { sameSequence } from "../sequences.ts";
import { typedText } from "./identity.ts";

export interface Place {
  readonly document: number;
  readonly path: readonly PathElement[];
  /** `all`: what stands there, with all that is below and the comments of that. `comments`: those of the place itself. */
  readonly what: "all" | "comments";
}

export interface Apart {
  /** The values in their order, and what is empty. */
  readonly says: readonly string[];
  readonly comments: readonly string[];
  /** Comments of the place: above it, and behind the last entry in it. */
  readonly above: readonly string[];
  readonly trailing: readonly string[];
  /** Those below it, where all of it counts. */
  readonly below: readonly string[];
}

export function apartFrom(documents: readonly TreeMap[], place: Place): Apart {
  const walk = new Walk(place);
  for (const [document, tree] of documents.entries()) walk.document(tree, document);
  return walk;
}

/** Whether two files say the same apart from the place. No comment of another place is lost there, and none is new. */
export function sameApart(before: Apart, after: Apart): boolean {
  return (
    sameSequence(before.says, after.says) &&
    holds(allComments(after), before.comments) &&
    holds(allComments(before), after.comments)
  );
}

const allComments = ({ comments, above, trailing, below }: Apart): string[] => [
  ...comments,
  ...above,
  ...trailing,
  ...below,
];

type Path = readonly PathElement[];

class Walk implements Apart {
  readonly says: string[] = [];
  readonly comments: string[] = [];
  readonly above: string[] = [];
  readonly trailing: string[] = [];
  readonly below: string[] = [];
  private readonly place: Place;
  private number = 0;

  constructor(place: Place) {
    this.place = place;
  }

  document(tree: TreeMap, number: number): void {
    this.number = number;
    this.node(tree, [], false);
  }

  /** @param inside of the place, so that it does not count */
  private node(node: Tree, path: Path, inside: boolean): void {
    if (node instanceof TreeMap || node instanceof TreeList) this.items(node, path, inside);
    else if (!inside) this.say(path, typedText(node));
  }

  private items(node: TreeMap | TreeList, path: Path, inside: boolean): void {
    let comments: string[] = [];
    let others = 0;
    for (const member of membersOf(node)) {
      if (member instanceof TreeComment) {
        comments.push(member.text);
        continue;
      }
      const at = [...path, member.key];
      const own = this.isPlace(at);
      this.take(comments, own ? this.above : undefined, inside);
      comments = [];
      const leftOut = inside || (own && this.place.what === "all");
      if (!leftOut) others++;
      this.node(member.value, at, leftOut);
    }
    this.take(comments, this.isPlace(path) ? this.trailing : undefined, inside);
    // also one that holds nothing but the place
    if (others === 0 && !inside) this.say(path, node instanceof TreeMap ? "{}" : "[]");
  }

  private take(comments: readonly string[], own: string[] | undefined, inside: boolean): void {
    const list = own ?? (inside ? this.below : this.comments);
    append(list, comments);
  }

  private say(path: Path, text: string): void {
    this.says.push(`${this.number} ${formatPath(path)} ${text}`);
  }

  private isPlace(at: Path): boolean {
    const { document, path } = this.place;
    return (
      document === this.number && at.length === path.length && at.every((element, i) => element === path[i])
    );
  }
}

/** What a map or list holds, with comments, in order. */
function membersOf(node: TreeMap | TreeList): (TreeComment | { key: PathElement; value: Tree })[] {
  if (node instanceof TreeMap) return node.items;
  let number = 0;
  return node.items.map((item) => (item instanceof TreeComment ? item : { key: number++, value: item }));
}

/** Whether each of some comments is among others, as often. */
function holds(all: readonly string[], some: readonly string[]): boolean {
  const left = new Map<string, number>();
  for (const text of all) left.set(text, (left.get(text) ?? 0) + 1);
  return some.every((text) => {
    const number = left.get(text) ?? 0;
    left.set(text, number - 1);
    return number > 0;
  });
}
