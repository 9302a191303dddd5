import { type Place, TsopsError } from "../errors.ts";

/**
 * Something wrong with a configuration file. SOPS ends with exit code 1 for all of them (docs/internals/sops.md §7).
 */
export function configError(message: string, place: Place, hint: string, cause?: unknown): TsopsError {
  return new TsopsError("config", message, { place, hint, cause });
}

/** "a map", "the number 5": what stands there instead of what is due. Never the text itself: it may be a secret. */
export function describe(node: { kind: string; value?: unknown }): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  const { value } = node;
  if (value === null) return "null";
  if (typeof value === "string") return "a text";
  if (typeof value === "boolean") return `the word ${value}`;
  if (typeof value === "object") return "a date";
  return "a number";
}
