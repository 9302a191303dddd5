import { createCipheriv, createDecipheriv } from "node:crypto";
import { TsopsError } from "../errors.ts";
import { cipherFloat, parseGoFloat } from "../formats/numbers.ts";
import { type Scalar, scalarType, Time } from "../formats/scalar.ts";
import { decodeText, encodeText } from "../formats/text.ts";

/** Gives `size` random bytes. Comes in as an argument, so that this folder stays pure. */
export type Random = (size: number) => Buffer;

/** What new ciphertexts are made with. */
export interface CipherInputs {
  readonly dataKey: Buffer;
  readonly random: Random;
}

/**
 * The type word of a ciphertext (docs/internals/sops.md §2). `bytes` is known but never written; SOPS cannot read it.
 */
export type CipherType = "str" | "int" | "float" | "bool" | "time" | "comment";

const CIPHER_TYPES: readonly string[] = ["str", "int", "float", "bool", "time", "comment"];

/** SOPS uses 32 bytes where GCM's own length is 12; J0 comes from GHASH (NIST SP 800-38D, section 7.1). */
const IV_BYTES = 32;
const TAG_BYTES = 16;
/** How every ciphertext begins. */
export const CIPHER_HEAD = "ENC[AES256_GCM,data:";

export interface CipherText {
  data: Buffer;
  iv: Buffer;
  tag: Buffer;
  type: CipherType;
}

/** Whether a text looks like a ciphertext: the pattern is anchored at the start only (docs/internals/sops.md §2). */
export function looksEncrypted(text: string): boolean {
  return text.startsWith(CIPHER_HEAD) && splitCipher(text) !== undefined;
}

/** The bytes that stand for a value in ciphertexts and in the MAC (docs/internals/sops.md §2). */
export function valueBytes(value: Exclude<Scalar, null>): Buffer {
  return encodeText(valueText(value));
}

/** The same as text; bytes that are not UTF-8 as in src/formats/text.ts. */
export function valueText(value: Exclude<Scalar, null>): string {
  switch (typeof value) {
    case "string":
      return value;
    case "bigint":
      return value.toString();
    case "number":
      return cipherFloat(value);
    case "boolean":
      return value ? "True" : "False";
    default:
      return value.text;
  }
}

/**
 * Encrypts bytes under a path's AAD and gives SOPS's text form. An empty value is never encrypted: the caller
 * leaves it as it stands.
 */
export function encryptBytes(
  bytes: Buffer,
  type: CipherType,
  aad: string,
  { dataKey, random }: CipherInputs,
): string {
  const iv = random(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", dataKey, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(encodeText(aad));
  const data = Buffer.concat([cipher.update(bytes), cipher.final()]);
  const [a, b, c] = [data, iv, cipher.getAuthTag()].map((part) => part.toString("base64"));
  // joined, which makes one text; a template would keep a tree of its nine pieces, of more than twice the size
  return [CIPHER_HEAD, a, ",iv:", b, ",tag:", c, ",type:", type, "]"].join("");
}

/** A value as its ciphertext. */
export function encryptValue(value: Exclude<Scalar, null>, aad: string, inputs: CipherInputs): string {
  return encryptBytes(valueBytes(value), scalarType(value), aad, inputs);
}

/**
 * Reads SOPS's text form. Text after the last `]` is ignored, as SOPS does.
 * @throws TsopsError("tree-decryption") if it is not one, or a part of it is not strict base64 or of a wrong length.
 */
export function parseCipher(text: string): CipherText {
  const parts = splitCipher(text);
  if (!parts) throw malformed("it is not in the form ENC[AES256_GCM,…]");
  const [data, iv, tag, type] = parts;
  if (!CIPHER_TYPES.includes(type)) throw malformed("its type is not one that SOPS writes");
  const cipher = { data: base64(data), iv: base64(iv), tag: base64(tag), type: type as CipherType };
  if (cipher.tag.length !== TAG_BYTES) throw malformed("its tag has a wrong length");
  if (cipher.iv.length === 0) throw malformed("its IV is empty");
  return cipher;
}

/**
 * Opens a ciphertext. Undefined if it does not authenticate under this key and AAD; nothing of the text is given
 * out before it has.
 */
export function openBytes(cipher: CipherText, aad: string, dataKey: Buffer): Buffer | undefined {
  try {
    const decipher = createDecipheriv("aes-256-gcm", dataKey, cipher.iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(encodeText(aad));
    decipher.setAuthTag(cipher.tag);
    const text = decipher.update(cipher.data);
    const rest = decipher.final();
    return rest.length === 0 ? text : Buffer.concat([text, rest]);
  } catch {
    return undefined;
  }
}

/**
 * The value that decrypted bytes mean. The type word is not authenticated, so the bytes must be exactly what that
 * type would have written; undefined if they are not.
 */
export function valueFromBytes(bytes: Buffer, type: CipherType): Exclude<Scalar, null> | undefined {
  const text = decodeText(bytes);
  const value = parseValue(text, type);
  return value !== undefined && valueText(value) === text ? value : undefined;
}

function parseValue(text: string, type: CipherType): Exclude<Scalar, null> | undefined {
  switch (type) {
    case "str":
    case "comment":
      return text;
    case "int":
      return parseInt64(text);
    case "float":
      return parseGoFloat(text);
    case "bool":
      return text === "True" || text === "False" ? text === "True" : undefined;
    case "time":
      return Time.parse(text);
  }
}

function parseInt64(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** data, iv, tag and type, split as SOPS's greedy pattern does, from the end; no regular expression on huge values. */
function splitCipher(text: string): [string, string, string, string] | undefined {
  if (!text.startsWith(CIPHER_HEAD)) return undefined;
  const end = text.lastIndexOf("]");
  const type = text.lastIndexOf(",type:", end);
  const tag = text.lastIndexOf(",tag:", type);
  const iv = text.lastIndexOf(",iv:", tag);
  if (end < 0 || type < 0 || tag < 0 || iv < CIPHER_HEAD.length || type >= end) return undefined;
  return [
    text.slice(CIPHER_HEAD.length, iv),
    text.slice(iv + 4, tag),
    text.slice(tag + 5, type),
    text.slice(type + 6, end),
  ];
}

/** Node takes any rubbish for base64, so a text is compared with what its bytes are written as, which is fast. */
function base64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text && !isBase64(text)) throw malformed("a part of it is not base64");
  return bytes;
}

/** As Go, which does not look at the bits behind the last byte. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ""));
}

function malformed(why: string): TsopsError {
  return new TsopsError("tree-decryption", `this is not a ciphertext that SOPS could have written: ${why}`, {
    hint: "the file was damaged or changed by hand; take the last good version from git",
  });
}
