import { keyName } from "../config/names.ts";
import type { GroupDifference } from "../keys/difference.ts";
import type { MasterKey } from "../keys/kind.ts";
import type { Settings } from "./settings.ts";

/** The name that the configuration gives a key. */
export function nameOfKey(
  key: Pick<MasterKey, "kind" | "id">,
  { config }: Pick<Settings, "config">,
): string | undefined {
  return keyName(config, key);
}

/** A key as people see it: what identifies it, and the name that the configuration gives it. */
export function showKey(key: MasterKey, settings: Pick<Settings, "config">): string {
  const name = nameOfKey(key, settings);
  return name === undefined ? key.id : `${key.id} (${name})`;
}

/** Group by group: kept keys, `+++` added ones, `---` removed ones, as SOPS prints them. Lines. */
export function formatDifference(differences: readonly GroupDifference[], settings: Settings): string[] {
  return differences.flatMap(({ common, added, removed }, i) => [
    `Group ${i + 1}`,
    ...common.map((key) => `    ${showKey(key, settings)}`),
    ...added.map((key) => `+++ ${showKey(key, settings)}`),
    ...removed.map((key) => `--- ${showKey(key, settings)}`),
  ]);
}

export function formatThreshold(before: number, after: number): string[] {
  if (before > 0 && before === after) return [`shamir_threshold: ${after}`];
  const added = after > 0 ? [`+++ shamir_threshold: ${after}`] : [];
  return before > 0 ? [...added, `--- shamir_threshold: ${before}`] : added;
}
