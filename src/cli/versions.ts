import { type OpenDocument, openRead, type Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import type { Reading } from "../formats/format.ts";
import { formatOfFile, loadFormat } from "../formats/index.ts";
import { decodeText } from "../formats/text.ts";
import { recognize } from "../recognize.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import { mayBeEncrypted } from "./found.ts";

/** What stands in a version of a file, as far as that is known without a key. */
export type Content =
  | { readonly kind: "encrypted"; readonly bytes: Buffer; readonly text: EncryptedText }
  | { readonly kind: "plain"; readonly bytes: Buffer }
  /** It was encrypted, or should be, and cannot be read. */
  | { readonly kind: "damaged"; readonly bytes: Buffer; readonly error: TsopsError };

/** An encrypted version with what a key says of it. */
export interface Opened {
  readonly open: OpenDocument;
  /** Why MAC or seal do not hold; it was decrypted all the same. */
  readonly broken?: TsopsError;
}

/**
 * Reads a version of a file. git gives files other names, of which only the last part is theirs, so the content has a
 * word, too.
 */
export async function contentOf(bytes: Buffer, name: string): Promise<Content> {
  if (!mayBeEncrypted(bytes)) return { kind: "plain", bytes };
  try {
    return { kind: "encrypted", bytes, text: await recognize(decodeText(bytes), formatOfFile(name)) };
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    // what holds no ciphertext, and what only speaks of them, such as a manual
    const named = formatOfFile(name) !== "binary" || error.code === "merge-conflict";
    const { beginsWrapped, lostMetadata } = await import("../sops/lost.ts");
    const damaged =
      error.code === "no-metadata"
        ? lostMetadata(decodeText(bytes), await loadFormat(formatOfFile(name)))
        : bytes.includes("ENC[") && (named || beginsWrapped(decodeText(bytes)));
    return damaged ? { kind: "damaged", bytes, error } : { kind: "plain", bytes };
  }
}

/**
 * Opens a version; also one that somebody changed without its key, as far as its values decrypt: who looks at differences
 * wants to see just that. The caller closes it.
 * @throws TsopsError as openRead, but for a wrong MAC or seal
 */
export async function openVersion(text: EncryptedText, session: Session): Promise<Opened> {
  try {
    return { open: await openRead(text, session) };
  } catch (error) {
    if (!(error instanceof TsopsError) || !["mac-mismatch", "seal-broken"].includes(error.code)) throw error;
    return { open: await openRead(text, session, { ignoreMac: true }), broken: error };
  }
}

/** A plaintext as the format of its name has it; undefined if it cannot be read as that. */
export async function readPlain(bytes: Buffer, name: string): Promise<Reading | undefined> {
  const format = await loadFormat(formatOfFile(name));
  try {
    return format.read(decodeText(bytes));
  } catch {
    return undefined;
  }
}
