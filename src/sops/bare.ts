import type { Entry, Reading } from "../formats/format.ts";
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
