import type { Choice, Variants } from "../../merge/choose.ts";
import type { Conflict } from "../../sops/conflicts.ts";

/** What was done about a conflict: a side was taken, or what stands there now is right. */
export type Decision = Choice | "as it is";

/** Conflicts of a merge, and the texts that have each side in all of their places. */
export interface MergeState {
  readonly conflicts: readonly Conflict[];
  readonly decisions: readonly (Decision | undefined)[];
  readonly variants: Variants;
}

export function newMerge(conflicts: readonly Conflict[], variants: Variants): MergeState {
  return { conflicts, decisions: conflicts.map(() => undefined), variants };
}

export function openConflicts(merge: MergeState | undefined): number {
  return merge ? merge.decisions.filter((decision) => decision === undefined).length : 0;
}
