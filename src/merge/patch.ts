import { append } from "../formats/append.ts";
import { commonItems } from "../sequences.ts";
import type { LinePatch } from "../sops/conflicts.ts";
import { linesOf } from "./write.ts";

/** What makes one text of another, line by line. */
export function patchOf(from: string, to: string): LinePatch[] {
  const [old, now] = [linesOf(from), linesOf(to)];
  const patch: LinePatch[] = [];
  let [i, j] = [0, 0];
  for (const [left, right] of [...commonItems(old, now), [old.length, now.length] as const]) {
    if (left > i || right > j) patch.push({ line: i, old: old.slice(i, left), now: now.slice(j, right) });
    [i, j] = [left + 1, right + 1];
  }
  return patch;
}

/** The other text again; undefined if the text is not the one that the patch was made for. */
export function patched(text: string, patch: readonly LinePatch[]): string | undefined {
  const lines = linesOf(text);
  const parts: string[] = [];
  let at = 0;
  for (const { line, old, now } of patch) {
    if (line < at || old.some((one, i) => lines[line + i] !== one)) return undefined;
    append(parts, lines.slice(at, line));
    append(parts, now);
    at = line + old.length;
  }
  return [...parts, ...lines.slice(at)].join("");
}
