/** Whether a file holds conflicts of a merge. What they are is for conflicts.ts, which hardly any run needs. */

import { decodeText } from "../formats/text.ts";
import { looksEncrypted, openBytes, parseCipher } from "./cipher.ts";
import type { Metadata } from "./metadata.ts";

/** The field of `sops.tsops`. */
export const CONFLICTS_FIELD = "conflicts";

/** The AAD of every value and comment ends in a colon, and that of a MAC is a time: nothing else shares this one. */
export const CONFLICTS_AAD = "sops:tsops:conflicts";

/** Conflicts as a file holds them: the JSON of docs/format.md. Undefined where the field cannot be opened. */
export interface HeldConflicts {
  readonly said: string | undefined;
}

/** Whether an encrypted file holds conflicts that are not resolved. No key is needed for that. */
export function holdsConflicts({ own }: Pick<Metadata, "own">): boolean {
  return own.get(CONFLICTS_FIELD) !== undefined;
}

/** What a file holds; undefined if that is nothing. */
export function heldConflicts(metadata: Metadata, dataKey: Buffer): HeldConflicts | undefined {
  if (!holdsConflicts(metadata)) return undefined;
  const field = metadata.own.get(CONFLICTS_FIELD);
  return { said: typeof field === "string" && looksEncrypted(field) ? opened(field, dataKey) : undefined };
}

function opened(field: string, dataKey: Buffer): string | undefined {
  try {
    const bytes = openBytes(parseCipher(field), CONFLICTS_AAD, dataKey);
    return bytes && decodeText(bytes);
  } catch {
    return undefined;
  }
}
