import { type Entry, pathOf, type Reading } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { shellQuoted, singleQuoted } from "../keys/printable.ts";
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

/** How to get on with such values, in lines: nobody can tell an added one from one that replaced a ciphertext. */
export function bareHint([entry, ...others]: readonly Entry[], file?: string): string {
  const path = entry && others.length === 0 ? singleQuoted(formatPath(pathOf(entry))) : "PATH";
  const document = entry?.in?.document ?? 0;
  const which = document > 0 && others.length === 0 ? ` --document ${document}` : "";
  const name = file === undefined ? "FILE" : shellQuoted(file);
  const [it, one] = others.length === 0 ? ["it", "it"] : ["them", "each"];
  return (
    `remove ${it} from the file, then add ${one} with: tsops set${which} ${name} ${path}\n` +
    `a value that replaced an encrypted one: restore the encrypted one first, from git`
  );
}
