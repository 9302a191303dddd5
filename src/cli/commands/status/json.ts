import { inSeconds } from "../../../formats/scalar.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import type { Failure } from "../../failures.ts";
import { driftJson, failureJson, keyJson } from "../../json.ts";
import { conflictsOf, inLine, type Status, type Summary } from "./summary.ts";

/** docs/json.md has the shapes. */
export function statusJson(files: readonly Status[], failures: readonly Failure[], summary: Summary) {
  const { oldest, ...counts } = summary;
  const oldestJson = oldest && { file: oldest.file, lastModified: inSeconds(new Date(oldest.at)) };
  return {
    files: [...files.map(fileJson), ...failures.map(failureJson)],
    summary: { ...counts, oldest: oldestJson ?? null },
  };
}

function fileJson(file: Status) {
  const { rule, settings } = file;
  const common = {
    file: file.file,
    state: file.state,
    rule: rule ? { number: rule.number, name: rule.name ?? null } : null,
    conflicts: conflictsOf(file),
  };
  if (file.state === "plaintext") return common;
  if (file.state === "damaged") {
    const { code, message, hint, place } = file.error;
    const { line = null, column = null } = place ?? {};
    return { ...common, damage: { error: code, message, hint: hint ?? null, line, column } };
  }
  const { groups, threshold, read, sealed, drift } = file;
  return {
    ...common,
    format: read.format.name,
    groupsNeeded: groupsNeeded(groups, threshold),
    groups: groups.map((group) => group.map((key) => keyJson(key, settings))),
    lastModified: read.metadata.lastModified,
    sealed,
    inLine: inLine(file) ?? null,
    drift: driftJson(drift, settings),
  };
}
