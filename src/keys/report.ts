import { changed, TsopsError } from "../errors.ts";
import type { MasterKey } from "./kind.ts";
import { reasonsOf } from "./reasons.ts";
import { describeKey } from "./table.ts";

/** What came of a key that did not open: what failed here and at services, in their order. */
export interface KeyResult {
  readonly key: MasterKey;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly error: unknown;
  /** The service that it is from; "" is this program. */
  readonly service: string;
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
  const cause = tellingOf(results);
  const opened = results.filter((result) => result.opened).length;
  if (groups <= 1) {
    const keys = results[0]?.keys ?? [];
    const which =
      keys.length === 1 ? "the file's only master key" : `none of the file's ${keys.length} master keys`;
    const message = keys.length === 1 ? `${which} cannot be used` : `${which} can be used`;
    return new TsopsError("no-data-key", `${NO_DATA_KEY}: ${message}`, { hint: keyLines(keys, ""), cause });
  }
  const lines = results.map((result, i) => {
    const name = `key group ${i + 1} of ${groups}`;
    return result.opened ? `${name}: opened` : `${name}: not opened\n${keyLines(result.keys, "  ")}`;
  });
  return new TsopsError(
    "no-data-key",
    `${NO_DATA_KEY}: ${needed} of ${groups} key groups are needed, ${opened} could be opened`,
    { hint: lines.join("\n"), cause },
  );
}

/**
 * The failure that says most, for programs: files have keys of others, which nothing here can use, so the first one of
 * another code. Without its own cause, which may be anything that a service's client throws.
 */
function tellingOf(results: readonly GroupResult[]): TsopsError | undefined {
  const errors = results
    .flatMap(({ keys }) => keys.flatMap(({ failures }) => failures.map(({ error }) => error)))
    .filter((error) => error instanceof TsopsError);
  const telling = errors.find(({ code }) => code !== "key-unavailable") ?? errors[0];
  return telling && changed(telling, { cause: undefined });
}

function keyLines(keys: readonly KeyResult[], indent: string): string {
  return keys
    .flatMap(({ key, failures }) => [
      `${indent}${describeKey(key)}`,
      ...failures
        .flatMap(({ error, service }) => reasonsOf(error, service))
        .map((reason) => `${indent}  - ${reason}`),
    ])
    .join("\n");
}
