import type { EntryDifference, EntrySide, GroupedKey } from "../compare/difference.ts";
import { Time } from "../formats/scalar.ts";
import type { FileDifference } from "./file-differences.ts";
import { keyJson, selectorJson } from "./json.ts";
import type { Settings } from "./settings.ts";
import { mayBeSeen, type Showing } from "./show-differences.ts";

/** What `diff --json` and `log --json` print of a file: docs/json.md. */
export function fileDifferenceJson(
  file: FileDifference,
  { reveal }: Pick<Showing, "reveal">,
  settings: Pick<Settings, "config">,
) {
  const { path, from, before, after, opened, remarks, difference } = file;
  const key = (one: GroupedKey) => ({ ...keyJson(one, settings), group: one.group });
  return {
    file: path,
    from: from ?? null,
    before: { state: before.kind, format: before.format ?? null },
    after: { state: after.kind, format: after.format ?? null },
    decrypted: opened,
    remarks,
    entries: difference ? difference.entries.map((entry) => entryJson(entry, file, reveal)) : null,
    recipients: difference
      ? { added: difference.access.added.map(key), removed: difference.access.removed.map(key) }
      : null,
    threshold: difference?.access.threshold ?? null,
    selector: difference?.access.selector
      ? {
          before: maybe(difference.access.selector.before, selectorJson),
          after: maybe(difference.access.selector.after, selectorJson),
        }
      : null,
    macOnlyEncrypted: difference?.access.macOnlyEncrypted ?? null,
    sealed: difference?.access.sealed ?? null,
    dataKeyRotated: difference?.sameDataKey === undefined ? null : !difference.sameDataKey,
  };
}

function entryJson(entry: EntryDifference, file: FileDifference, reveal: boolean) {
  // what was plain before, and is encrypted now, may still be the secret
  const seen = [entry.before, entry.after].every((one) => !one || mayBeSeen(one, { reveal, file }));
  const side = (one: EntrySide) => ({
    type: one.type,
    state: one.state,
    ...(seen ? { value: valueJson(one.value) } : {}),
  });
  return {
    change: entry.change,
    kind: entry.kind,
    document: entry.document,
    path: entry.path,
    from: entry.from ?? null,
    next: entry.next ?? null,
    differs: entry.differs,
    before: maybe(entry.before, side),
    after: maybe(entry.after, side),
  };
}

/** Integers of any size and times are texts: `type` says what they are. */
function valueJson(value: EntrySide["value"]) {
  if (value instanceof Time) return value.text;
  return typeof value === "bigint" ? String(value) : (value ?? null);
}

function maybe<T, R>(value: T | undefined, make: (value: T) => R): R | null {
  return value === undefined ? null : make(value);
}
