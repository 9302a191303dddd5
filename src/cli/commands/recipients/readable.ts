import { holderOf } from "../../../keys/difference.ts";
import type { MasterKey } from "../../../keys/kind.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import { nameOfKey } from "../../recipients.ts";
import type { EncryptedFile } from "../../survey.ts";

/** A file that somebody can read. */
export interface Readable {
  readonly file: string;
  /** Keys of how many other key groups it takes besides. */
  readonly others: number;
}

/** Somebody who can read files. */
export interface Reader {
  readonly key: MasterKey;
  readonly name: string | undefined;
  readonly files: readonly Readable[];
}

/** Each holder of a key with the files that it can read, those of names first, in their order. */
export function readersOf(files: readonly EncryptedFile[]): Reader[] {
  const readers = new Map<string, { key: MasterKey; name: string | undefined; files: Readable[] }>();
  for (const file of files) {
    for (const [holder, key] of holdersOf(file)) {
      const name = nameOfKey(key, file.settings);
      const reader = readers.get(holder) ?? { key, name, files: [] };
      // configurations of several folders may have several names for it, or only one of them has any
      reader.name ??= name;
      reader.files.push({ file: file.file, others: othersNeeded(file, holder) });
      readers.set(holder, reader);
    }
  }
  const label = ({ name, key }: Reader): string =>
    name === undefined ? `1 ${key.kind} ${key.id}` : `0 ${name}`;
  return [...readers.values()].sort((a, b) => (label(a) < label(b) ? -1 : 1));
}

function holdersOf({ groups }: EncryptedFile): Map<string, MasterKey> {
  return new Map(groups.flat().map((key) => [holderOf(key), key]));
}

/** A key may be in several groups, and then stands for each of them. */
export function othersNeeded({ groups, threshold }: EncryptedFile, holder: string): number {
  const own = groups.filter((group) => group.some((key) => holderOf(key) === holder)).length;
  return Math.max(0, groupsNeeded(groups, threshold) - own);
}
