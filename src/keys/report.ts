import { TsopsError } from "../errors.ts";
import type { MasterKey } from "./kind.ts";
import { describeKey } from "./table.ts";

/** What came of a key that did not open: the reasons, a line each, the last one saying what to do. */
export interface KeyResult {
  readonly key: MasterKey;
  readonly reasons: readonly string[];
}

export interface GroupResult {
  readonly opened: boolean;
  /** The keys that failed. */
  readonly keys: readonly KeyResult[];
}

/** SOPS's own words, which programs that call it look for. */
const NO_DATA_KEY = "Failed to get the data key required to decrypt the SOPS file";

/** The error for a data key that cannot be had; its hint says what was tried for each key of each group. */
export function groupReport(results: readonly GroupResult[], groups: number, needed: number): TsopsError {
  const opened = results.filter((result) => result.opened).length;
  if (groups <= 1) {
    const keys = results[0]?.keys ?? [];
    const which =
      keys.length === 1 ? "the file's only master key" : `none of the file's ${keys.length} master keys`;
    const message = keys.length === 1 ? `${which} cannot be used` : `${which} can be used`;
    return new TsopsError("no-data-key", `${NO_DATA_KEY}: ${message}`, { hint: keyLines(keys, "") });
  }
  const lines = results.map((result, i) => {
    const name = `key group ${i + 1} of ${groups}`;
    return result.opened ? `${name}: opened` : `${name}: not opened\n${keyLines(result.keys, "  ")}`;
  });
  return new TsopsError(
    "no-data-key",
    `${NO_DATA_KEY}: ${needed} of ${groups} key groups are needed, ${opened} could be opened`,
    { hint: lines.join("\n") },
  );
}

function keyLines(keys: readonly KeyResult[], indent: string): string {
  return keys
    .flatMap(({ key, reasons }) => [
      `${indent}${describeKey(key)}`,
      ...reasons.map((reason) => `${indent}  - ${reason}`),
    ])
    .join("\n");
}
