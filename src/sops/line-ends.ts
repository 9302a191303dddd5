import { TsopsError } from "../errors.ts";
import type { Format } from "../formats/format.ts";

/**
 * The same encrypted text with other line ends, as it may have been before git or an editor changed them: a MAC covers
 * the line breaks inside values that stand in plaintext, and in dotenv the CR at the end of each. Whether a guess is
 * right the MAC itself says.
 */
export function otherLineEnds(text: string, { name, readEncrypted }: Format): string | undefined {
  if (readEncrypted || !text.includes("\n")) return undefined;
  const lf = text.replaceAll("\r\n", "\n");
  // dotenv of Windows: in an encrypted file the CR of ciphertexts is inside them, and the metadata has none
  if (name === "dotenv") return lf.replace(/^(?!sops_|[^=\n]*=ENC\[|#ENC\[)([^\n]*)\n/gm, "$1\r\n");
  return lf === text ? text.replaceAll("\n", "\r\n") : lf;
}

/** Whether other line ends may be what is wrong. */
export function mayBeLineEnds(error: unknown): boolean {
  return error instanceof TsopsError && ["mac-mismatch", "seal-broken"].includes(error.code);
}
