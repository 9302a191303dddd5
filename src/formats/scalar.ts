import { iniFloat } from "./numbers.ts";

/**
 * The values that SOPS knows (docs/internals/sops.md §1). JavaScript's own types carry them, so that a value cannot be
 * mistaken for another: an integer is a bigint, a number is a float.
 */
export type Scalar = string | bigint | number | boolean | null | Time;

/** The word after `type:` in a ciphertext, for values. */
export type ScalarType = "str" | "int" | "float" | "bool" | "time";

/** A point in time, kept as the text that Go prints for it in RFC 3339, with its own offset and fraction. */
export class Time {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }

  /**
   * Reads RFC 3339 as Go does and keeps Go's spelling: `Z` for a zero offset, no zeros at the fraction's end,
   * at most nine digits of it. Undefined if the text is not a time or names a day that does not exist.
   */
  static parse(text: string): Time | undefined {
    const found = RFC3339.exec(text);
    if (!found) return undefined;
    const [, year, month, day, hour, minute, second, fraction, offset] = found as unknown as string[];
    if (!isDate(+year!, +month!, +day!) || +hour! > 23 || +minute! > 59 || +second! > 59) return undefined;
    const digits = (fraction ?? "").slice(1, 10).replace(/0+$/, "");
    const zone = offset === "Z" || /^[+-]00:00$/.test(offset!) ? "Z" : offset!;
    if (zone !== "Z" && (+zone.slice(1, 3) > 24 || +zone.slice(4) > 60)) return undefined;
    return new Time(
      `${year}-${month}-${day}T${hour}:${minute}:${second}${digits === "" ? "" : `.${digits}`}${zone}`,
    );
  }
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A time as SOPS writes it where it has no fraction: RFC 3339 in whole seconds. */
export function inSeconds(time: Date | Time): string {
  return (time instanceof Time ? time.text : time.toISOString()).replace(/\.\d+/, "");
}

/** Whether a day exists in the Gregorian calendar. */
export function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

export function scalarType(value: Exclude<Scalar, null>): ScalarType {
  switch (typeof value) {
    case "string":
      return "str";
    case "bigint":
      return "int";
    case "number":
      return "float";
    case "boolean":
      return "bool";
    default:
      return "time";
  }
}

export function sameScalar(a: Scalar, b: Scalar): boolean {
  if (a instanceof Time) return b instanceof Time && a.text === b.text;
  return Object.is(a, b);
}

/**
 * A value as SOPS writes it where everything is text: in dotenv, INI and environment variables (docs/internals/sops.md
 * §6). Floats keep a point or an exponent, times lose their fraction, null is `<nil>`.
 */
export function valToString(value: Scalar): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return iniFloat(value);
  if (value === null) return "<nil>";
  return value instanceof Time ? inSeconds(value) : String(value);
}
