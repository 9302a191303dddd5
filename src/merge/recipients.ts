/** Who can read a file, as a conflict about it holds that. */

import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import type { Conflict } from "../sops/conflicts.ts";
import type { Choice } from "./choose.ts";

export const CHOICES = ["base", "ours", "theirs"] as const satisfies readonly Choice[];

/** The recipients of one side: each key as its kind and identifier. */
export interface SideRecipients {
  readonly groups: readonly (readonly string[])[];
  /** How many groups are needed; undefined where there is one only. */
  readonly needed?: number;
}

export function recipientsTree({ groups, needed }: SideRecipients): Tree {
  const list = new TreeList(groups.map((group) => new TreeList([...group])));
  return needed === undefined
    ? list
    : TreeMap.of([
        ["groups", list],
        ["needed", BigInt(needed)],
      ]);
}

export function recipientsIn(tree: Tree | undefined): SideRecipients {
  if (tree instanceof TreeMap) {
    const needed = tree.get("needed");
    const more = typeof needed === "bigint" ? { needed: Number(needed) } : {};
    return { ...recipientsIn(tree.get("groups")), ...more };
  }
  if (!(tree instanceof TreeList)) return { groups: [] };
  return {
    groups: tree.values().map((group) => (group instanceof TreeList ? group.values().map(String) : [])),
  };
}

/** One key of one group, and the sides that have it there. */
export interface Reader {
  readonly group: number;
  readonly key: string;
  readonly sides: readonly Choice[];
}

/** The keys of all sides of a conflict, group by group. */
export function readersIn(conflict: Conflict): Reader[] {
  const sides = CHOICES.map((side) => ({ side, groups: recipientsIn(conflict[side]).groups }));
  const number = sides.reduce((most, { groups }) => Math.max(most, groups.length), 0);
  return Array.from({ length: number }, (_, group) => {
    const keys = new Set(sides.flatMap(({ groups }) => groups[group] ?? []));
    return [...keys].map((key): Reader => {
      const having = sides.filter(({ groups }) => groups[group]?.includes(key));
      return { group, key, sides: having.map(({ side }) => side) };
    });
  }).flat();
}
