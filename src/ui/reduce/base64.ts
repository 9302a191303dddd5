import { isUtf8 } from "node:buffer";

/** The text that a value holds as base64; undefined if it holds none. */
export function decodedBase64(value: string): string | undefined {
  const compact = value.replace(/\s+/g, "");
  if (compact === "" || compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) return undefined;
  const bytes = Buffer.from(compact, "base64");
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

export function encodedBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
