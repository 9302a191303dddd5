import type { Drift } from "../config/drift.ts";
import { formatDifference, formatThreshold } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** What stands behind a file's name to say how it differs from its creation rule, and the lines below it. */
export function describeDrift(drift: Drift, settings: Settings, later = false): [string, ...string[]] {
  const is = later ? "would not be" : "is not";
  return [
    `${is} as its creation rule has it (+++ the rule adds, --- it removes):`,
    ...formatDrift(drift, settings),
  ];
}

/** A file's differences from its creation rule, a line each; `+++` is what `updatekeys` would give the file. */
export function formatDrift(
  { groups, threshold, selector, macOnlyEncrypted }: Drift,
  settings: Settings,
): string[] {
  return [
    ...(groups ? formatDifference(groups, settings) : []),
    ...(threshold ? formatThreshold(threshold.file, threshold.rule) : []),
    ...(selector
      ? [
          `+++ ${selector.rule.kind}: ${selector.rule.value}`,
          `--- ${selector.file.kind}: ${selector.file.value}`,
        ]
      : []),
    ...(macOnlyEncrypted ? ["--- mac_only_encrypted: true"] : []),
  ];
}
