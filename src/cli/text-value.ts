import { isUtf8 } from "node:buffer";
import { TsopsError } from "../errors.ts";
import type { Io } from "./io.ts";
import { askHidden } from "./prompt.ts";

const ELSEWHERE =
  "a value of several lines comes from a pipe with --value-stdin --raw, or from a file with --value-file --raw";

/** A text that is typed: an empty one is a slip of the Enter key, and of several lines one would be all that is kept. */
export async function askValue(index: string, io: Io): Promise<string> {
  const severalLines = new TsopsError("invalid-set-value", "what was typed or pasted has several lines", {
    hint: `nothing was written; ${ELSEWHERE}`,
  });
  const value = await askHidden(`value for ${index} (a text, not JSON):`, io, { severalLines });
  if (value !== "") return value;
  throw new TsopsError("invalid-set-value", "the value is empty", {
    hint: `nothing was written; an empty text is given as an argument: '""'\n${ELSEWHERE}`,
  });
}

/** `--raw`: the bytes as a text, less the line break that programs put behind what they print. */
export function rawText(bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    throw new TsopsError("invalid-set-value", "the value is not UTF-8 text", {
      hint: "pipe it through base64, for example",
    });
  }
  const text = bytes.toString().replace(/\r?\n$/, "");
  if (text !== "") return text;
  throw new TsopsError("invalid-set-value", "the value is empty", {
    hint: "did the command before the pipe fail? nothing was written; an empty text is given as an argument: '\"\"'",
  });
}
