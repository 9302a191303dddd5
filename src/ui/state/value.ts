import { TsopsError } from "../../errors.ts";
import type { Format } from "../../formats/format.ts";
import { type Scalar, Time, valToString } from "../../formats/scalar.ts";
import type { GivenValue } from "../draft/operations.ts";
import type { ValueType } from "./state.ts";

export function typeOf(value: Scalar | undefined): ValueType {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint" || typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  return value instanceof Time ? "time" : "text";
}

/** A value as somebody edits it: numbers as they are spelled in the file. */
export function editableText(value: Scalar | undefined, spelled: string | undefined): string {
  if (value === undefined || value === null) return "";
  if (
    (typeof value === "number" || typeof value === "bigint") &&
    spelled !== undefined &&
    NUMBER.test(spelled)
  )
    return spelled;
  return value instanceof Time ? value.text : valToString(value);
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;

/** What was typed, as a value of a type. @throws TsopsError("invalid-set-value") */
export function valueOfType(type: ValueType, text: string): GivenValue {
  switch (type) {
    case "text":
      return { value: text };
    case "null":
      return { value: null };
    case "boolean":
      if (text !== "true" && text !== "false") throw wrong("true or false");
      return { value: text === "true" };
    case "time": {
      const time = Time.parse(text);
      if (!time) throw wrong("a time as in 2026-01-31T12:00:00Z");
      return { value: time };
    }
    case "number":
      return numberOf(text.trim());
  }
}

function numberOf(text: string): GivenValue {
  if (!NUMBER.test(text)) throw wrong("a number as in 42, -1.5 or 1e6");
  if (!INTEGER.test(text)) return { value: Number(text), spelled: text };
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value)
    throw wrong("an integer of at most 64 bits; as a text it can be longer");
  return { value, spelled: text };
}

function wrong(what: string): TsopsError {
  return new TsopsError("invalid-set-value", `this is not ${what}`, {
    hint: "t in the document changes the type",
  });
}

/** Formats in which every value is a text. */
export function isFlat({ name }: Format): boolean {
  return name === "dotenv" || name === "ini" || name === "binary";
}

/** How long a value is, as roughly as it may be known to who looks over the shoulder. */
export function lengthClass(text: string): string {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines > 1) return `${lines} lines`;
  const { length } = text;
  const limit = [8, 16, 32, 64].find((most) => length <= most);
  if (limit === undefined) return "65+ characters";
  return `${limit === 8 ? 1 : limit / 2 + 1}–${limit} characters`;
}
