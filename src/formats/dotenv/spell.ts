import { TsopsError } from "../../errors.ts";
import type { Entry } from "../format.ts";
import { type Scalar, valToString } from "../scalar.ts";
import { RETURN } from "./read.ts";

/** A text for the place of an entry, with the CR that its line needs. A value that brought its own has it twice else. */
export function withReturn({ style }: Entry, text: string): string {
  return style === RETURN && !text.endsWith("\r") ? `${text}\r` : text;
}

/** A value that is set. @throws TsopsError("print") for null, which SOPS writes as the text `<nil>`, as conversions do. */
export function givenText(value: Scalar): string {
  if (value !== null) return valueText(value);
  throw new TsopsError("print", "dotenv has no null", {
    hint: "use an empty text (set … '\"\"'), or remove the key (tsops unset)",
  });
}

export function valueText(value: Scalar): string {
  return valToString(value).replaceAll("\n", "\\n");
}

export function commentText(text: string): string {
  if (!text.includes("\n")) return text;
  throw new TsopsError("print", "a dotenv comment cannot hold a line break", {
    hint: "write it as several comments",
  });
}

export function checkedKey(key: string): string {
  if (!/^#|[=\n]/.test(key)) return key;
  throw new TsopsError("print", `a dotenv line cannot hold the key ${JSON.stringify(key)}`, {
    hint: "a key there has no `=`, no line break, and no `#` at its start",
  });
}

export function complex(key: string): TsopsError {
  return new TsopsError("print", `dotenv cannot hold maps and lists, such as ${JSON.stringify(key)}`, {
    hint: "choose another type with --output-type",
  });
}
