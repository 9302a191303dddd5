import type { TsopsError } from "../../../errors.ts";
import { isDate, type Scalar, Time } from "../../scalar.ts";
import { decodeText } from "../../text.ts";
import type { ScalarNode } from "../compose/nodes.ts";
import { yamlError } from "../scan/state.ts";

/** What a text stands for where it is too large for SOPS's integers: 2^63 to 2^64 - 1. */
export const TOO_LARGE = Symbol("integer too large");
/** What a text stands for where its tag says something that it is not. */
export const MISMATCH = Symbol("not of its tag's type");

export type Resolved = Scalar | typeof TOO_LARGE | typeof MISMATCH;

/** The typed value of a scalar, as SOPS's YAML library resolves it (docs/internals/sops.md §6). */
export function resolve(node: ScalarNode): Resolved {
  const tag = node.props?.tag;
  if (tag === undefined) {
    return node.style === "plain" || node.style === "absent" ? resolvePlain(node.text) : node.text;
  }
  return resolveTagged(tag, node.text);
}

/** Tags that decide what a text means. Under any other it is a string. */
export function isTypeTag(tag: string | undefined): boolean {
  return tag !== undefined && TYPE_TAGS.has(tag);
}

const TYPE_TAGS = new Set(["!!null", "!!bool", "!!int", "!!float", "!!timestamp", "!!binary"]);

function resolveTagged(tag: string, text: string): Resolved {
  if (!TYPE_TAGS.has(tag)) return text;
  if (tag === "!!binary") return decodeBase64(text);
  const value = resolvePlain(text, tag === "!!timestamp");
  switch (tag) {
    case "!!null":
      return value === null ? null : MISMATCH;
    case "!!bool":
      return typeof value === "boolean" ? value : MISMATCH;
    case "!!int":
      return typeof value === "bigint" || value === TOO_LARGE ? value : MISMATCH;
    case "!!float":
      if (typeof value === "bigint") return Number(value);
      return typeof value === "number" ? value : MISMATCH;
    default:
      return value instanceof Time ? value : MISMATCH;
  }
}

/** The value of a plain scalar without a tag. Times are tried unless another tag stands before it. */
export function resolvePlain(text: string, times = true): Exclude<Resolved, typeof MISMATCH> {
  const c = text.charCodeAt(0);
  if (c >= 48 && c <= 57) return number(text, times);
  switch (text[0]) {
    case undefined:
      return null;
    case "+":
    case "-":
      return WORDS.has(text) ? WORDS.get(text)! : number(text, times);
    case ".":
      return WORDS.has(text) ? WORDS.get(text)! : (parseFloat64(text, true) ?? text);
    case "~":
    case "n":
    case "N":
    case "t":
    case "T":
    case "f":
    case "F":
      return text.length <= 5 && WORDS.has(text) ? WORDS.get(text)! : text;
    default:
      return text;
  }
}

const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...["~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map(
    (word) => [word, Number.POSITIVE_INFINITY] as const,
  ),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

function number(text: string, times: boolean): Exclude<Resolved, typeof MISMATCH> {
  if (times) {
    const time = parseTime(text);
    if (time) return time;
  }
  const digits = text.includes("_") ? text.replaceAll("_", "") : text;
  const integer = parseInteger(digits, 0);
  if (integer !== undefined) return integer;
  const float = parseFloat64(digits, false);
  if (float !== undefined) return float;
  const prefix = /^(-?)0([bo])/.exec(digits);
  if (!prefix) return text;
  const rest = digits.slice(prefix[0].length);
  const base = prefix[2] === "b" ? 2 : 8;
  return parseInteger(prefix[1] + rest, base) ?? text;
}

const INTEGERS = {
  0: /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))$/,
  2: /^([+-]?)([01]+)$/,
  8: /^([+-]?)([0-7]+)$/,
};
const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** An integer as Go reads it, with the base that its prefix says (0) or a given one. */
function parseInteger(text: string, base: 0 | 2 | 8): bigint | typeof TOO_LARGE | undefined {
  const m = INTEGERS[base].exec(text);
  if (!m) return undefined;
  let prefix = base === 2 ? "0b" : "0o";
  let digits = m[2]!;
  if (base === 0) {
    const [, , hex, binary, octal, zero, decimal] = m;
    if (hex) prefix = "0x";
    else if (binary) prefix = "0b";
    else if (decimal) prefix = "";
    digits = (hex ?? binary ?? octal ?? zero ?? decimal)!;
  }
  const significant = digits.replace(/^0+/, "");
  if (significant.length > 64) return undefined;
  const sign = m[1]!;
  const value = BigInt(`${prefix}${significant || "0"}`);
  if (sign === "-") return value <= MAX_INT + 1n ? -value : undefined;
  if (value <= MAX_INT) return value;
  return sign === "" && value <= MAX_UINT ? TOO_LARGE : undefined;
}

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** Behind a leading point Go's own parser decides: it allows underscores between digits. */
const POINT_FLOAT = /^\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?$/;

function parseFloat64(text: string, point: boolean): number | undefined {
  if (!(point ? POINT_FLOAT : FLOAT).test(text)) return undefined;
  const value = Number(point ? text.replaceAll("_", "") : text);
  return Number.isFinite(value) ? value : undefined;
}

const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt]| +)(\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time in the forms that SOPS's YAML library knows; the date alone is midnight UTC. */
function parseTime(text: string): Time | undefined {
  if (text.charCodeAt(4) !== 45) return undefined;
  const m = TIME.exec(text);
  if (!m) return undefined;
  const [, year, month, day, separator, hour, minute, second, fraction, zone] = m;
  if (!isDate(Number(year), Number(month), Number(day))) return undefined;
  const blank = separator?.startsWith(" ") ?? true;
  if (blank !== (zone === undefined)) return undefined;
  const two = (digits = "0"): string => digits.padStart(2, "0");
  const clock = `${two(hour)}:${two(minute)}:${two(second)}${fraction ?? ""}`;
  return Time.parse(`${year}-${two(month)}-${two(day)}T${clock}${zone ?? "Z"}`);
}

function decodeBase64(text: string): string | typeof MISMATCH {
  const packed = text.replaceAll(/[\r\n]/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(packed)) return MISMATCH;
  return decodeText(Buffer.from(packed, "base64"));
}

export function mismatch(text: string, node: ScalarNode): TsopsError {
  const hint = "correct the value, or remove the tag";
  return yamlError(text, "the value does not fit its tag", node.start, hint);
}
