import { textField } from "./fields.ts";
import type { KeyGroup, MasterKey } from "./kind.ts";

/** How the keys of one group change. */
export interface GroupDifference {
  readonly common: readonly MasterKey[];
  readonly added: readonly MasterKey[];
  readonly removed: readonly MasterKey[];
}

export function sameKey(a: MasterKey, b: MasterKey): boolean {
  return a.kind === b.kind && (a.id === b.id || covers(a, b) || covers(b, a));
}

/** An Azure key whose version is left open, as configurations may have it, stands for all of its versions. */
function covers({ kind, id }: MasterKey, other: MasterKey): boolean {
  return kind === "azure_kv" && id.endsWith("/") && other.id.startsWith(id);
}

/** Group by group, as SOPS compares them: by their number. */
export function compareGroups(before: readonly KeyGroup[], after: readonly KeyGroup[]): GroupDifference[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => {
    const [old = [], now = []] = [before[i], after[i]];
    const missing = (keys: KeyGroup) => (key: MasterKey) => !keys.some((other) => sameKey(key, other));
    return {
      common: now.filter((key) => !missing(old)(key)),
      added: now.filter(missing(old)),
      removed: old.filter(missing(now)),
    };
  });
}

export function differs(differences: readonly GroupDifference[]): boolean {
  return differences.some(({ added, removed }) => added.length + removed.length > 0);
}

/** The keys that are in no group any more. */
export function keysGone(before: readonly KeyGroup[], after: readonly KeyGroup[]): MasterKey[] {
  const left = after.flat();
  return before.flat().filter((key) => !left.some((other) => sameKey(key, other)));
}

/** Of keys that were taken away, those whose holder has none left: a newer version of the same key has the same readers. */
export function holdersGone(gone: readonly MasterKey[], after: readonly KeyGroup[]): MasterKey[] {
  const left = new Set(after.flat().map(holderOf));
  return gone.filter((key) => !left.has(holderOf(key)));
}

/** What access is granted on: the Azure key without its version, the AWS key without role, profile and context. */
function holderOf({ kind, id, fields }: MasterKey): string {
  const holder =
    kind === "azure_kv" ? id.slice(0, id.lastIndexOf("/")) : kind === "kms" ? textField(fields, "arn") : id;
  return `${kind} ${holder}`;
}

/**
 * Whether keys that are taken away could open the file by themselves: then they may hold the data key, and it must
 * be a new one. With a threshold that takes as many groups as it says.
 */
export function couldOpen(
  gone: readonly MasterKey[],
  groups: readonly KeyGroup[],
  threshold: number,
): boolean {
  const needed = groups.length === 1 ? 1 : threshold || groups.length;
  const reached = groups.filter((group) => group.some((key) => gone.some((other) => sameKey(key, other))));
  return gone.length > 0 && reached.length >= needed;
}
