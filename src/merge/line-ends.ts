/**
 * Line ends that git changes between what it stores and what it checks out (core.autocrlf, the attribute eol). The merge
 * driver sees what git stores, and `git resolve` what it checked out.
 */

import type { Conflicts } from "../sops/conflicts.ts";

const toLf = (text: string): string => text.replaceAll("\r\n", "\n");
const toCrlf = (text: string): string => toLf(text).replaceAll("\n", "\r\n");

const hasCrlf = (text: string): boolean => text.includes("\r\n");
/** Whether all its lines end in CR LF. */
const isCrlf = (text: string): boolean => hasCrlf(text) && toCrlf(text) === text;

/** Whether two texts are the same but for what git does to line ends. */
export function sameButLineEnds(x: string, y: string): boolean {
  return x === y || toLf(x) === toLf(y);
}

/** A text as git checks it out, where it checked out another one like `like`. */
export function withEndsLike(text: string, like: string | undefined): string {
  if (like === undefined) return text;
  if (isCrlf(like)) return toCrlf(text);
  return isCrlf(text) && like.includes("\n") && !hasCrlf(like) ? toLf(text) : text;
}

/**
 * An encrypted text, and the same with other line ends: first the one that its conflicts, which no checkout changes, were
 * written for.
 */
export function asMerged(text: string, { theirs, base = [] }: Conflicts): string[] {
  const other = hasCrlf(text) ? toLf(text) : toCrlf(text);
  const lines = [...theirs, ...base].flatMap(({ old, now }) => [...old, ...now]);
  const ended = lines.filter((line) => line.endsWith("\n"));
  const fits = ended.length === 0 || ended.some((line) => hasCrlf(line) === isCrlf(text));
  return fits ? [text, other] : [other, text];
}
