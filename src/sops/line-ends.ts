import { TsopsError } from "../errors.ts";
import type { Format } from "../formats/format.ts";

/**
 * The same encrypted text with other line ends, as it may have been before git or an editor changed them: a MAC covers
 * the line breaks inside values that stand in plaintext, and in dotenv the CR at the end of each. Whether a guess is
 * right the MAC itself says.
 */
export function otherLineEnds(text: string, format: Format): string | undefined {
  if (!text.includes("\n")) return undefined;
  if (format.otherLineEnds) return format.otherLineEnds(text);
  const lf = text.replaceAll("\r\n", "\n");
  return lf === text ? text.replaceAll("\n", "\r\n") : lf;
}

/** Whether other line ends may be what is wrong. */
export function mayBeLineEnds(error: unknown): boolean {
  return error instanceof TsopsError && ["mac-mismatch", "seal-broken"].includes(error.code);
}
