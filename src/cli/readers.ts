import type { MasterKey } from "../keys/kind.ts";
import type { KeyGroups } from "../keys/metadata.ts";
import { groupsNeeded } from "../keys/metadata.ts";
import { nameOfKey } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** A key as it is listed beside many others: its name, or else its kind and what identifies it. */
export function shortKey(key: MasterKey, settings: Pick<Settings, "config">): string {
  const name = nameOfKey(key, settings);
  return name ?? kindAndId(key);
}

/** What identifies a key, with its kind where that is not plain to see. */
export function kindAndId({ kind, id }: MasterKey): string {
  return id.startsWith(kind) ? id : `${kind} ${id}`;
}

/** Who can open a file, in lines of a width: `for alice, bob`; for several key groups, how many of them it takes. */
export function readersLines({ groups, threshold }: KeyGroups, settings: Settings, width: number): string[] {
  const lists = groups.map((group) => group.map((key) => shortKey(key, settings)));
  if (lists.length === 1) return wrapped("for ", lists[0]!, width);
  const needed = groupsNeeded(groups, threshold);
  const each = lists.flatMap((names, i) => wrapped(`    ${i + 1}. `, names, width));
  return [
    `for one of each of ${needed === lists.length ? "these" : `any ${needed} of these`} ${lists.length} groups`,
    ...each,
  ];
}

/** Words with commas between, broken where a line would be longer. */
export function wrapped(start: string, names: readonly string[], width: number): string[] {
  const lines: string[] = [];
  const indent = " ".repeat(start.length);
  let line = start;
  for (const [i, name] of names.entries()) {
    const word = i === names.length - 1 ? name : `${name},`;
    if (line !== start && line !== indent && line.length + word.length > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
