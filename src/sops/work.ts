/** What encrypting takes, and what its two halves (encrypt.ts, finish.ts) hand each other. */

import type { Entry, Reading } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";
import type { Edit } from "../formats/text.ts";
import type { TreeMap } from "../formats/tree.ts";
import type { CipherInputs } from "./cipher.ts";
import type { Conflicts } from "./conflicts.ts";
import type { Decrypted, Warning } from "./decrypt.ts";
import type { Selection } from "./selection.ts";

export interface EncryptOptions extends CipherInputs {
  /** RFC 3339 in seconds, UTC. */
  readonly lastModified: string;
  /** Compiled from the selector that `metadata` names. */
  readonly selection: Selection;
  /** The `sops` tree to write: keys, selector, version, unknown fields. MAC, time, layout and seal are filled in. */
  readonly metadata: TreeMap;
  /** The file as it was: unchanged values keep their ciphertexts if `dataKey` is still the same. */
  readonly previous?: Previous;
  /**
   * The conflicts that the file holds from now on; `"resolved"` if it holds none any more. Without that, a file that held
   * some is refused.
   */
  readonly conflicts?: Conflicts | "resolved";
  /** Keep `lastmodified` and the MAC of the previous file: for changes of metadata only, as SOPS does. */
  readonly keepMac?: boolean;
  readonly seal: boolean;
  /** What {@link readPlain} made of the plaintext, where that has been read already. */
  readonly reading?: Reading;
  /** Blanks a level for a metadata block that is printed anew. */
  readonly indent?: number;
}

/** What a document was before. */
export interface Previous {
  readonly decrypted: Decrypted;
  readonly sameKey: boolean;
  /** More versions of it with the same data key (the other side of a merge), whose ciphertexts are kept as well. */
  readonly others?: readonly Decrypted[];
  /** Versions with any data key: what was encrypted in one of them is not written plain, either. */
  readonly encryptedIn?: readonly Decrypted[];
}

/** An encrypted document, and what there is to say about its plaintext. */
export interface Encrypted {
  readonly text: string;
  /** The plaintext as it was read. */
  readonly reading: Reading;
  /** Places in the plaintext. */
  readonly warnings: readonly Warning[];
}

/** One replacement in the draft, with the entries whose ciphertexts it holds. */
export interface CipherEdit extends Edit {
  readonly entries: readonly Entry[];
}

/** What a ciphertext in the text stands for. */
export interface Plain {
  readonly cipher: string;
  readonly value: Exclude<Scalar, null>;
  readonly aad: string;
  readonly comment: boolean;
}

/**
 * What the entries of a text stand for whose ciphertexts are these. Nearly always they stand there in the order in which
 * they were made, so the next one is tried first: a table of long texts takes as long as encrypting them.
 */
export function plainsOf(reading: Reading, plains: readonly Plain[]): (Plain | undefined)[] {
  let next = 0;
  let places: Map<string, number> | undefined;
  return reading.entries.map(({ value, alias }) => {
    if (alias || typeof value !== "string" || !value.startsWith("ENC[")) return undefined;
    if (plains[next]?.cipher !== value) {
      places ??= new Map(plains.map(({ cipher }, i) => [cipher, i]));
      const place = places.get(value);
      if (place === undefined) return undefined;
      next = place;
    }
    return plains[next++];
  });
}
