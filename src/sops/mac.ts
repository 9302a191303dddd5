import { createHash } from "node:crypto";
import { TsopsError } from "../errors.ts";
import type { Scalar } from "../formats/scalar.ts";
import { encodeText } from "../formats/text.ts";
import { type CipherInputs, encryptBytes, openBytes, parseCipher, valueText } from "./cipher.ts";
import type { Item } from "./items.ts";

/** With `mac_only_encrypted` the hash starts with these bytes: sha256("sops") (docs/internals/sops.md §3). */
const ONLY_ENCRYPTED_START = createHash("sha256").update("sops").digest();

const TEXTS_AT_ONCE = 256;
/** Longer ones are hashed by themselves: together they could be more than a text can hold. */
const SHORT = 4096;

/** One value as the MAC sees it. */
export interface MacItem {
  value: Scalar;
  encrypted: boolean;
}

/**
 * The values that the MAC covers: a comment never counts, also where SOPS wrote it as a list item. An item that only looks
 * like one, and that no selector names, is a text to SOPS, and comes out as one.
 */
export function* macItems(items: readonly Item[]): Generator<MacItem> {
  for (const { entry, value, encrypted } of items) {
    const counts = entry.kind === "value" || (entry.item && !encrypted);
    if (counts && value !== undefined) yield { value, encrypted };
  }
}

/**
 * Upper-case hex of SHA-512 over the values in walking order; comments and nulls do not count (docs/internals/sops.md
 * §3).
 */
export function computeMac(items: Iterable<MacItem>, onlyEncrypted: boolean): string {
  const hash = createHash("sha512");
  if (onlyEncrypted) hash.update(ONLY_ENCRYPTED_START);
  // many short texts together, since each call takes longer than its bytes
  let texts: string[] = [];
  const flush = () => {
    hash.update(texts.join(""));
    texts = [];
  };
  for (const { value, encrypted } of items) {
    if (value === null || (onlyEncrypted && !encrypted)) continue;
    const text = valueText(value);
    // one that is not would spell something else together with the next one
    const whole = text.isWellFormed();
    if (whole && text.length <= SHORT) texts.push(text);
    else {
      flush();
      hash.update(whole ? text : encodeText(text));
    }
    if (texts.length === TEXTS_AT_ONCE) flush();
  }
  flush();
  return hash.digest("hex").toUpperCase();
}

/** The MAC as it stands in the metadata: encrypted, with `lastmodified` as AAD. */
export function encryptMac(mac: string, lastModified: string, inputs: CipherInputs): string {
  return encryptBytes(Buffer.from(mac), "str", lastModified, inputs);
}

/**
 * Compares a file's MAC with the one computed from it. Neither is ever shown: both are hashes of the plaintext.
 * @throws TsopsError("mac-mismatch") if they differ or the file's cannot be opened.
 */
export function verifyMac(stored: string, computed: string, lastModified: string, dataKey: Buffer): void {
  if (stored === "") throw mismatch("the file has no MAC");
  let opened: Buffer | undefined;
  try {
    opened = openBytes(parseCipher(stored), lastModified, dataKey);
  } catch {
    opened = undefined;
  }
  if (!opened) throw mismatch("the file's MAC cannot be opened: it or lastmodified was changed");
  if (opened.toString("latin1") !== computed) throw mismatch("the values do not match the file's MAC");
}

function mismatch(why: string): TsopsError {
  return new TsopsError("mac-mismatch", `MAC mismatch: ${why}`, {
    hint: "somebody changed the file without its key, or a merge went wrong; compare it with git's history, or use --ignore-mac if you know why",
  });
}
