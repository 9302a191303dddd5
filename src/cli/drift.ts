import type { Drift } from "../config/drift.ts";
import { formatDifference, formatThreshold } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** What stands behind a file's name to say how it differs from its creation rule, and the lines below it. */
export function describeDrift(drift: Drift, settings: Settings, later = false): [string, ...string[]] {
  const is = later ? "would not be" : "is not";
  return [`${is} as its creation rule has it (+++ only in the file):`, ...formatDrift(drift, settings)];
}

/** A file's differences from its creation rule, a line each; `+++` stands only in the file. */
export function formatDrift(
  { groups, threshold, selector, macOnlyEncrypted }: Drift,
  settings: Settings,
): string[] {
  return [
    ...(groups ? formatDifference(groups, settings) : []),
    ...(threshold ? formatThreshold(threshold.rule, threshold.file) : []),
    ...(selector
      ? [
          `+++ ${selector.file.kind}: ${selector.file.value}`,
          `--- ${selector.rule.kind}: ${selector.rule.value}`,
        ]
      : []),
    ...(macOnlyEncrypted ? ["+++ mac_only_encrypted: true"] : []),
  ];
}
