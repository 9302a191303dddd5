import type { PartialConfig } from "openpgp";

/** OpenPGP in process, for where gpg is not there or does not have the key. */

export type OpenPgp = typeof import("openpgp");

/** Loading it takes as long as reading a small file a hundred times: only when there is a key for it. */
export async function loadOpenPgp(): Promise<OpenPgp> {
  return import("openpgp");
}

export const CONFIG: PartialConfig = {
  // old keys have none, and gpg takes them
  allowMissingKeyFlags: true,
  showVersion: false,
  showComment: false,
};
