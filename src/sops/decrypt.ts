import { changed, TsopsError } from "../errors.ts";
import { formatsOfEncrypted } from "../formats/detect.ts";
import { aadOf, type Entry, type Format, type Reading } from "../formats/format.ts";
import { shownPath } from "../formats/path.ts";
import type { Scalar } from "../formats/scalar.ts";
import { applyEdits, type Edit, placeOf } from "../formats/text.ts";
import { isUtf16, readEncryptedText } from "../formats/unreadable.ts";
import { bareHint } from "./bare.ts";
import { looksEncrypted, openBytes, parseCipher, valueFromBytes } from "./cipher.ts";
import { CONFLICTS_FIELD, type HeldConflicts, heldConflicts } from "./held.ts";
import type { Item } from "./items.ts";
import { computeMac, macItems, verifyMac } from "./mac.ts";
import { type Metadata, noMetadata, readMetadata } from "./metadata.ts";
import { plaintextOf } from "./plaintext.ts";
import { sealOf, verifySeal } from "./seal.ts";
import type { Selection } from "./selection.ts";

/** Something that is not as it should be, and does not stop the work. */
export interface Warning {
  readonly message: string;
  /** Offset in the text that was read. */
  readonly offset: number;
}

/** An encrypted file that was opened. */
export interface Decrypted {
  readonly format: Format;
  readonly reading: Reading;
  readonly metadata: Metadata;
  /** The entries of the reading, opened. */
  readonly items: readonly Item[];
  /** What stands in the plaintext in the place of ciphertexts. */
  readonly edits: readonly Edit[];
  /** The plaintext, byte for byte what was encrypted. */
  readonly text: string;
  /** The same with the metadata block still in it, where there is one: what updates start from. */
  readonly draft: string;
  /** Whether the file has a seal, and it was verified. */
  readonly sealed: boolean;
  /** Conflicts of a merge that it holds: then it is not written before they are resolved. */
  readonly conflicts: HeldConflicts | undefined;
  readonly warnings: readonly Warning[];
}

/** An encrypted text and its metadata, before any key is needed. */
export interface EncryptedText {
  readonly format: Format;
  readonly reading: Reading;
  readonly metadata: Metadata;
}

/**
 * Reads an encrypted text with its metadata.
 * @throws TsopsError("parse"), with SOPS's exit code 1 for encrypted files, "no-metadata", …
 */
export function readEncrypted(text: string, format: Format): EncryptedText {
  // of a CR LF that was cut off at the end of the file
  if (format.breaksAtEnd && text.endsWith("\r")) text = text.slice(0, -1);
  let reading: Reading;
  try {
    reading = readEncryptedText(text, format);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw unreadable(error, text);
  }
  if (!reading.metadata) throw noMetadata(text);
  return { format, reading, metadata: readMetadata(reading.metadata.tree) };
}

/** What a format says of a text that was to be decrypted: it speaks to those who encrypt, too. */
function unreadable(error: TsopsError, text: string): TsopsError {
  if (error.code === "merge-conflict" || isUtf16(text)) return changed(error, { exit: 1 });
  if (formatsOfEncrypted(text).length === 0) return notEncrypted(text, error);
  // a key that is no string, a number that is too large: docs/internals/sops.md §3
  if (error.code === "tree-encryption") return changed(error, { code: "tree-decryption" });
  if (error.code !== "parse") return error;
  const forEncrypting = error.hint === undefined || /encrypt/.test(error.hint);
  const hint = forEncrypting ? "compare it with its last good version in git" : error.hint;
  return changed(error, { hint, exit: 1 });
}

/** A text without any sign of metadata. What cannot be read at all keeps its code. */
function notEncrypted(text: string, cause: TsopsError): TsopsError {
  const code = cause.code === "parse" ? "parse" : "no-metadata";
  const { message, hint } = noMetadata(text);
  return new TsopsError(code, message, { hint, cause, exit: 1 });
}

/**
 * Opens an encrypted text. MAC and seal are verified before anything is given out, unless `ignoreMac`.
 * @throws TsopsError("tree-decryption") naming the path of a value that does not open, "mac-mismatch", "seal-broken".
 */
export function decryptText(
  encrypted: EncryptedText,
  dataKey: Buffer,
  selection: Selection,
  options: { ignoreMac?: boolean } = {},
): Decrypted {
  const { format, reading, metadata } = encrypted;
  const warnings: Warning[] = duplicateWarnings(reading);
  const items = decryptEntries(reading, selection, dataKey, warnings);
  const gone = format.noComments && leftOut(items, format);
  if (gone) warnings.push(gone);
  const removal = format.removeMetadata(reading);
  const seal = sealOf(metadata);
  if (!options.ignoreMac) {
    const mac = computeMac(macItems(items), metadata.macOnlyEncrypted);
    verifyMac(metadata.mac, mac, metadata.lastModified, dataKey);
    if (seal !== undefined) {
      verifySeal(seal, { format, reading, metadata, items, removal }, dataKey);
    }
  }
  const conflicts = heldConflicts(metadata, dataKey);
  if (conflicts) warnings.push(conflictWarning(reading));
  const trusted = seal !== undefined && !options.ignoreMac;
  const spelled = plaintextOf({ format, reading, metadata, items }, removal, dataKey, {
    ignoreMac: options.ignoreMac,
    // entries are counted, and with mac_only_encrypted plain ones come and go
    trusted: trusted && !metadata.macOnlyEncrypted,
  });
  return {
    format,
    reading,
    metadata,
    items,
    edits: spelled.edits,
    text: spelled.text,
    get draft() {
      return format.wrapper ? spelled.text : applyEdits(reading.text, spelled.edits) + spelled.end;
    },
    sealed: trusted,
    conflicts,
    warnings,
  };
}

function conflictWarning({ metadata }: Reading): Warning {
  const field = metadata?.entries.find((entry) => entry.key === CONFLICTS_FIELD);
  const message = "the file holds conflicts of a merge; ours stands there until tsops git resolve FILE";
  return { message, offset: field?.start ?? 0 };
}

/** One warning for all comments that the plaintext cannot hold. */
function leftOut(items: readonly Item[], { name }: Format): Warning | undefined {
  const first = items.find(({ entry, encrypted }) => entry.kind === "comment" && encrypted);
  const message = `SOPS put a comment into this list: ${name} texts are written without it`;
  return first && { message, offset: first.entry.start };
}

/** Readers differ in which of two equal keys they see. */
export function duplicateWarnings(reading: Reading): Warning[] {
  return (reading.duplicates ?? []).map((offset) => ({ message: "this key occurs twice", offset }));
}

function decryptEntries(
  reading: Reading,
  selection: Selection,
  dataKey: Buffer,
  warnings: Warning[],
): Item[] {
  const selected = selection(reading.entries);
  return reading.entries.map((entry, i) => {
    const { kind, value } = entry;
    if (selected[i] && kind === "comment") {
      const text = decryptComment(entry, dataKey, warnings);
      if (text === undefined && entry.item) throw notOpened(reading, entry, NO_COMMENT);
      return { entry, value: text ?? value, encrypted: text !== undefined };
    }
    if (selected[i] && kind === "value" && value !== null && value !== "") {
      return { entry, value: decryptValue(reading, entry, dataKey), encrypted: true };
    }
    return { entry, value, encrypted: false };
  });
}

/** Left as it is, it would be a value of the list that nobody with the key has put there. */
const NO_COMMENT =
  "is marked as a comment, and does not decrypt: it was changed, or moved here from another place";

function decryptValue(reading: Reading, entry: Entry, dataKey: Buffer): Scalar {
  if (typeof entry.value !== "string" || !entry.value.startsWith("ENC[")) {
    throw notOpened(reading, entry, "is not encrypted, and should be", bareHint([entry]));
  }
  let cipher: ReturnType<typeof parseCipher>;
  try {
    cipher = parseCipher(entry.value);
  } catch (error) {
    throw notOpened(reading, entry, `cannot be decrypted: ${(error as Error).message}`);
  }
  if (cipher.type === "comment") throw notOpened(reading, entry, "is marked as a comment, and is a value");
  const bytes = openBytes(cipher, aadOf(entry), dataKey);
  if (!bytes) {
    throw notOpened(reading, entry, "does not decrypt: it was changed, or moved here from another place");
  }
  const value = valueFromBytes(bytes, cipher.type);
  if (value === undefined) {
    throw notOpened(reading, entry, `was not written as the type that it is marked with (${cipher.type})`);
  }
  return value;
}

/**
 * SOPS's own files have a few comments under an ancestor's path (docs/internals/yaml-comments.md §7), so those are
 * tried too.
 */
function decryptComment(entry: Entry, dataKey: Buffer, warnings: Warning[]): string | undefined {
  const text = String(entry.value);
  if (text === "") return undefined;
  const warn = (message: string): undefined => {
    warnings.push({ message, offset: entry.start });
  };
  if (!looksEncrypted(text)) return warn("this comment is not encrypted");
  let cipher: ReturnType<typeof parseCipher>;
  try {
    cipher = parseCipher(text);
  } catch {
    return warn("this comment cannot be decrypted; it is left as it is");
  }
  if (cipher.type !== "comment") return warn("this comment is a ciphertext of a value; it is left as it is");
  const tried = new Set([aadOf(entry)]);
  for (let container = entry.in; container; container = container.parent) tried.add(container.prefix || ":");
  for (const aad of tried) {
    const bytes = openBytes(cipher, aad, dataKey);
    const value = bytes && valueFromBytes(bytes, "comment");
    if (typeof value === "string") return value;
  }
  return warn("this comment does not decrypt; it is left as it is");
}

function notOpened(
  reading: Reading,
  entry: Entry,
  what: string,
  hint = "compare the file with its last good version in git",
): TsopsError {
  return new TsopsError("tree-decryption", `the value at ${shownPath(entry)} ${what}`, {
    place: placeOf(reading.text, entry.start),
    hint,
  });
}
