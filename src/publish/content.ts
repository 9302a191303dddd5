import { driftFrom, protectedBy } from "../config/drift.ts";
import { type NewFile, type OpenDocument, openText, type Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import type { TreeMap } from "../formats/tree.ts";
import { groupsFromMetadata } from "../keys/groups.ts";
import { encryptNew } from "../save.ts";
import { readEncrypted } from "../sops/decrypt.ts";
import { DEFAULT_SELECTOR } from "../sops/selection.ts";
import { sameValues, valuesOf, valuesText } from "./values.ts";

/** What is published of a file. */
export interface Content {
  /** Whether the bytes that stand at the target say the same; false when in doubt. */
  same(there: Buffer): Promise<boolean>;
  /** The bytes to put there. */
  bytes(): Promise<Buffer>;
}

/** The encrypted file as it is. */
export function fileContent(bytes: Buffer): Content {
  return {
    same: async (there) => there.equals(bytes),
    bytes: async () => bytes,
  };
}

/** The decrypted values, as JSON. */
export function valuesContent(documents: readonly TreeMap[]): Content {
  const text = valuesText(valuesOf(documents));
  return {
    same: async (there) => sameValues(there.toString("utf8"), text),
    bytes: async () => Buffer.from(text),
  };
}

/**
 * The file encrypted again, with a data key of its own, for the recipients of a recreation rule. The ciphertexts differ
 * each time. So what stands there is opened with the keys of this machine, where they can; it says the same if its MAC
 * and seal are sound, and plaintext, recipients, selector and seal are those that are due. Where it cannot be opened here,
 * there is no way to know: a digest of the plaintext beside the file would let others guess at it.
 */
export function recreatedContent(open: OpenDocument, file: NewFile, session: Session): Content {
  return {
    async same(there) {
      const text = decodeText(there);
      try {
        if (!isProtected(text, open.format, file)) return false;
        const other = await openText(text, open.format, session);
        try {
          return saysTheSame(other, open, file);
        } finally {
          other.close();
        }
      } catch (error) {
        if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
        return false;
      }
    },
    bytes: async () => encodeText((await encryptNew(open.decrypted.text, open.format, file, session)).text),
  };
}

/** Whether recipients, selector and MAC of a text are those that are due; no key is needed for that. */
function isProtected(text: string, format: Format, file: NewFile): boolean {
  const { metadata } = readEncrypted(text, format);
  const there = protectedBy({ ...groupsFromMetadata(metadata.tree), metadata, format });
  const { selector = DEFAULT_SELECTOR, macOnlyEncrypted = false } = file;
  const drift = driftFrom({ ...file, selector, macOnlyEncrypted }, there);
  return drift === undefined && there.macOnlyEncrypted === macOnlyEncrypted;
}

function saysTheSame({ decrypted }: OpenDocument, open: OpenDocument, file: NewFile): boolean {
  return (
    decrypted.text === open.decrypted.text &&
    decrypted.warnings.length === 0 &&
    decrypted.sealed === (file.seal ?? true)
  );
}
