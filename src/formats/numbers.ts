/**
 * Numbers as Go spells them. SOPS has four spellings of a float, one for each place (docs/internals/sops.md §9, item
 * 3), all with the fewest digits that read back as the same number, as JavaScript's own have.
 */

import { TsopsError } from "../errors.ts";

/** The bytes of a float in ciphertexts and in the MAC: never an exponent (docs/internals/sops.md §2). */
export function cipherFloat(value: number): string {
  return special(value) ?? fixed(value);
}

/** A float as SOPS prints it into YAML: with an exponent below 1e-4 and from 1e+06 (docs/internals/sops.md §6). */
export function yamlFloat(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (value === Infinity) return ".inf";
  if (value === -Infinity) return "-.inf";
  return general(value);
}

/**
 * A float in JSON: JavaScript's own spelling, but -0 keeps its sign (docs/internals/sops.md §6).
 * @throws TsopsError("print") for infinities and NaN.
 */
export function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) {
    throw new TsopsError("print", "JSON has no infinities and no NaN", {
      hint: "make it a string, or print the file in another format (--output-type yaml)",
    });
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * A float in dotenv, INI and environment variables: always one that cannot be taken for an integer (
 * docs/internals/sops.md §6).
 */
export function iniFloat(value: number): string {
  const text = special(value);
  if (text !== undefined) return text;
  const shortest = general(value).toUpperCase();
  return /[.E]/.test(shortest) ? shortest : `${shortest}.0`;
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : undefined;
}

/** Sign, digits, and the exponent of the first digit. */
function decimal(value: number): { sign: string; digits: string; exponent: number } {
  const [mantissa, exponent] = Math.abs(value).toExponential().split("e") as [string, string];
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return { sign, digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

function fixed(value: number): string {
  const { sign, digits, exponent } = decimal(value);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return sign + (rest === "" ? whole : `${whole}.${rest}`);
}

/** Go's `%g` with as many digits as needed. */
function general(value: number): string {
  const { sign, digits, exponent } = decimal(value);
  if (exponent >= -4 && exponent < 6) return fixed(value);
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${power}`;
}

const DECIMAL = /^[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?$/;
const HEX = /^([+-]?)0[xX]([\da-fA-F_]*)(?:\.([\da-fA-F_]*))?[pP]([+-]?\d[\d_]*)$/;

/**
 * A float's text as Go's ParseFloat reads it, which SOPS decrypts with: decimal, hexadecimal with a binary
 * exponent, underscores between digits, `inf`, `infinity` and `nan` in any case. Undefined for anything
 * else, and for a number beyond the largest float.
 */
export function parseGoFloat(text: string): number | undefined {
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity) return infinity[1] === "-" ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (text.includes("_") && !underscoresSeparateDigits(text)) return undefined;
  const hex = HEX.exec(text);
  if (!hex && !DECIMAL.test(text)) return undefined;
  const value = hex ? parseHexFloat(hex) : Number(text.replaceAll("_", ""));
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

/** The `0x` of a hexadecimal number counts as a digit here. */
function underscoresSeparateDigits(text: string): boolean {
  const hex = /^[+-]?0[xX]/.exec(text);
  if (!hex) return !/(?<!\d)_|_(?!\d)/.test(text);
  return !/(?<![\da-fA-F])_|_(?![\da-fA-F])/.test(text.slice(hex[0].length).replace(/^_/, "0_"));
}

/** Rounded once, to the nearest float, ties to even. Undefined if there is no digit. */
function parseHexFloat([, sign, whole, fraction = "", power]: readonly string[]): number | undefined {
  const after = fraction.replaceAll("_", "");
  const digits = whole!.replaceAll("_", "") + after;
  if (digits === "") return undefined;
  const mantissa = BigInt(`0x${digits}`);
  // beyond this the result is 0 or too large, whatever the digits are
  const limit = 4 * digits.length + 5000;
  const exponent = Math.max(-limit, Math.min(limit, Number(power!.replaceAll("_", "")))) - 4 * after.length;
  const value = scale(mantissa, exponent);
  return sign === "-" ? -value : value;
}

/** mantissa * 2^exponent. */
function scale(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  if (exponent >= 0) return Number(mantissa << BigInt(exponent));
  const bits = mantissa.toString(2).length;
  // the unit of the last place: 53 bits, fewer below the smallest normal float
  const unit = Math.max(bits + exponent - 53, -1074);
  const drop = BigInt(unit - exponent);
  if (drop <= 0n) return Number(mantissa) * 2 ** exponent;
  const half = 1n << (drop - 1n);
  const kept = mantissa >> drop;
  const rest = mantissa - (kept << drop);
  const up = rest > half || (rest === half && (kept & 1n) === 1n);
  return Number(up ? kept + 1n : kept) * 2 ** unit;
}

/** More characters than this no 64-bit integer has, not even in binary; keeps huge texts away from BigInt. */
const LONGEST = 66;

/**
 * An integer's text as a bigint if it fits 64 bits, else as a float (docs/internals/sops.md §6). A sign and the
 * prefixes `0x`, `0o` and `0b` may stand before the digits.
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

/** A truth as Go's ParseBool reads it; undefined for what is none to it. */
export function parseGoBool(text: string): boolean | undefined {
  if (/^(1|t|true|T|TRUE|True)$/.test(text)) return true;
  return /^(0|f|false|F|FALSE|False)$/.test(text) ? false : undefined;
}
