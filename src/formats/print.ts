import { iniFloat } from "./numbers.ts";
import { inSeconds, type Scalar, Time } from "./scalar.ts";

/**
 * A value as SOPS writes it where everything is text: in dotenv, INI and environment variables (SPEC section 6).
 * Floats keep a point or an exponent, times lose their fraction, null is `<nil>`.
 */
export function valToString(value: Scalar): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return iniFloat(value);
  if (value === null) return "<nil>";
  return value instanceof Time ? inSeconds(value) : String(value);
}
