import { type Entry, pathOf, type Reading } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { printable, shellQuoted, singleQuoted } from "../printable.ts";
import { looksEncrypted } from "./cipher.ts";
import type { Selection } from "./selection.ts";

/** The values of an encrypted file that are selected and stand there in plaintext. No key is needed to see that. */
export function bareValues(reading: Reading, selection: Selection): Entry[] {
  const selected = selection(reading.entries);
  return reading.entries.filter(
    ({ kind, value }, i) =>
      selected[i] && kind === "value" && value !== null && value !== "" && !looksEncrypted(String(value)),
  );
}

/** The same of comments. */
export function bareComments(reading: Reading, selection: Selection): Entry[] {
  const selected = selection(reading.entries);
  return reading.entries.filter(({ kind, value }, i) => {
    return selected[i] && kind === "comment" && value !== "" && !looksEncrypted(String(value));
  });
}

/** How to get on with such values, in lines: nobody can tell an added one from one that replaced a ciphertext. */
export function bareHint([entry, ...others]: readonly Entry[], file?: string): string {
  const name = file === undefined ? "FILE" : shellQuoted(printable(file));
  if (!entry || others.length > 0) {
    return (
      `remove them from the file, then add each with: tsops set ${name} PATH\n` +
      "if they replaced encrypted values, first restore those from git"
    );
  }
  const document = entry.in?.document ?? 0;
  const which = document > 0 ? ` --document ${document}` : "";
  return (
    `remove it from the file, then add it with: tsops set${which} ${name} ${pathWord(entry)}\n` +
    "if it replaced an encrypted value, first restore that one from git"
  );
}

/** The value's path as a word for a shell, where that can be pasted. */
function pathWord(entry: Entry): string {
  const path = formatPath(pathOf(entry));
  return printable(path) === path ? singleQuoted(path) : "PATH";
}
