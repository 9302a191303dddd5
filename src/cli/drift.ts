import type { Drift } from "../config/drift.ts";
import { formatDifference, formatThreshold } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** The sentence behind a file's name that says how it differs from its creation rule. */
export function describeDrift(drift: Drift, settings: Settings): string {
  return `is not as its creation rule has it (+++ only in the file):\n${formatDrift(drift, settings)}`;
}

/** A file's differences from its creation rule, a line each; `+++` stands only in the file. */
export function formatDrift(
  { groups, threshold, selector, macOnlyEncrypted }: Drift,
  settings: Settings,
): string {
  const lines: string[] = [];
  if (groups) lines.push(formatDifference(groups, settings).trimEnd());
  if (threshold) lines.push(formatThreshold(threshold.rule, threshold.file).trimEnd());
  if (selector) {
    const { rule, file } = selector;
    lines.push(`+++ ${file.kind}: ${file.value}`, `--- ${rule.kind}: ${rule.value}`);
  }
  if (macOnlyEncrypted) lines.push("+++ mac_only_encrypted: true");
  return lines.join("\n");
}
