import { TsopsError } from "../errors.ts";
import { TreeMap } from "../formats/tree.ts";
import type { KeyGroup, MasterKey } from "../keys/kind.ts";
import { kindNamed } from "../keys/table.ts";
import type { KeyRef, Rule } from "./model.ts";

/**
 * The key groups of a rule as master keys, in SOPS's order (docs/internals/sops.md §7).
 * @throws TsopsError("config") with the place of the key, if one is malformed.
 */
export function ruleGroups(rule: Pick<Rule, "groups" | "distinct">): KeyGroup[] {
  return rule.groups.map((refs) => {
    const keys = refs.flatMap((ref) => masterKeys(ref));
    return rule.distinct ? distinct(keys) : keys;
  });
}

/** The master keys of one identifier. @throws TsopsError("config") if it is malformed. */
export function masterKeys(ref: KeyRef): MasterKey[] {
  try {
    const context = ref.context && TreeMap.of(ref.context);
    const id = ref.role === undefined ? ref.id : `${ref.id}+${ref.role}`;
    return kindNamed(ref.kind).parse(id, { context, awsProfile: ref.profile });
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    const { message, hint } = error;
    throw new TsopsError("config", message, { hint, place: ref.place, cause: error });
  }
}

/** What makes two keys the same to SOPS: their kinds and how they print. */
export function distinctKey({ kind, id }: MasterKey): string {
  return `${kind} ${id}`;
}

function distinct(keys: readonly MasterKey[]): MasterKey[] {
  const seen = new Set<string>();
  return keys.filter((key) => {
    const known = seen.has(distinctKey(key));
    seen.add(distinctKey(key));
    return !known;
  });
}
