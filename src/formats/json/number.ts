import { jsonFloat } from "../numbers.ts";

/** More characters than this no 64-bit integer has, not even in binary; keeps huge texts away from BigInt. */
const LONGEST = 66;

/**
 * An integer's text as a bigint if it fits 64 bits, else as a float (SPEC section 6). A sign and the prefixes `0x`,
 * `0o` and `0b` may stand before the digits.
 */
export function integerOrFloat(text: string): bigint | number {
  const negative = text.startsWith("-");
  const digits = text.replace(/^[+-]/, "").replace(/^(0[xob])?0*(?=[0-9a-f])/i, "$1");
  if (digits.length <= LONGEST) {
    const value = negative ? -BigInt(digits) : BigInt(digits);
    if (BigInt.asIntN(64, value) === value) return value;
  }
  return negative ? -Number(digits) : Number(digits);
}

/** A finite float so that reading gives a float again: `1.0`, where SOPS prints `1`. */
export function spellFloat(value: number): string {
  const text = jsonFloat(value);
  return /^-?\d+$/.test(text) && typeof integerOrFloat(text) === "bigint" ? `${text}.0` : text;
}
