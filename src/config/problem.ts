import { type Place, TsopsError } from "../errors.ts";

/** Something wrong with a configuration file. SOPS ends with exit code 1 for all of them (SPEC section 7). */
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

/** The known word that a person may have meant; undefined if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(plain(word), plain(candidate));
    if (!best || distance < best.distance) best = { word: candidate, distance };
  }
  return best && best.distance <= Math.max(1, best.word.length / 4) ? best.word : undefined;
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      const change = row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1);
      next.push(Math.min(change, row[k]! + 1, next[k - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
