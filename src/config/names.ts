import { kindNamed } from "../keys/table.ts";
import { printable } from "../printable.ts";
import type { Config, KeyRef } from "./model.ts";

/** A master key, or what a configuration says of one. */
type Identified = Pick<KeyRef, "kind" | "id">;

/** What the person calls a key; undefined if the configuration has no name for it, or there is no configuration. */
export function keyName(config: Pick<Config, "names"> | undefined, key: Identified): string | undefined {
  const wanted = spellings(key);
  for (const [i, spelling] of wanted.entries()) {
    const found = config?.names.find(({ key: named }) => {
      if (named.kind !== key.kind) return false;
      const known = spellings(named);
      // what is left away on one side only, such as the version of an Azure key, does not matter
      return i === 0 ? known[0] === spelling : known.includes(spelling);
    });
    if (found) return found.name;
  }
  return undefined;
}

/** A key as people are shown it: `alice (age1…)`, or the identifier alone. */
export function shownKey(config: Pick<Config, "names"> | undefined, key: Identified): string {
  const name = keyName(config, key);
  const id = printable(kindNamed(key.kind).shownId?.(key.id) ?? key.id);
  return name === undefined ? id : `${printable(name)} (${id})`;
}

/** An identifier in forms that can be compared, the most exact one first. */
function spellings({ kind, id }: Identified & { role?: string }): string[] {
  return kindNamed(kind).spellings?.(id.trim()) ?? [id.trim()];
}
