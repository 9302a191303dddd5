import type { Container, Entry } from "../format.ts";
import type { TokenKind } from "./scan.ts";

/**
 * Puts comments among the entries, by a simple rule (JSON5 only, ours): a comment belongs to the object or array whose
 * brackets are the innermost around it, to the root object if there are none, and stands in text order. The one
 * exception: a comment behind a value, with nothing but commas and comments after it on the line, is about that
 * value; it is marked `inline` and put before it, as in YAML (docs/internals/sops.md §3).
 */
export class CommentPlacer {
  /** The entry that a comment behind it on the same line would be about. */
  private about: { entries: Entry[]; index: number; container: Container } | undefined;
  /** How many comments have followed it so far. */
  private pending = 0;

  /** An entry was added as the last one of `entries`. */
  afterEntry(entries: Entry[], container: Container): void {
    this.about = { entries, index: entries.length - 1, container };
  }

  add(entries: Entry[], comment: Entry): void {
    entries.push(comment);
    if (this.about?.container === comment.in) this.pending++;
  }

  /** A token comes; [from, to) is the space between it and the one before. */
  token(text: string, from: number, to: number, kind: TokenKind): void {
    if (!this.about) return;
    if (kind === "}" || kind === "]" || kind === "end" || hasLineBreak(text, from, to)) this.settle(true);
    else if (kind !== "," && kind !== "comment") this.settle(false);
  }

  private settle(inline: boolean): void {
    if (inline && this.pending > 0) {
      const { entries, index } = this.about!;
      const entry = entries[index]!;
      const last = index + this.pending;
      for (let i = index; i < last; i++) entries[i] = { ...entries[i + 1]!, inline: true };
      entries[last] = entry;
    }
    this.about = undefined;
    this.pending = 0;
  }
}

/** Whether a line ends in [from, to), as JSON5 counts lines. */
export function hasLineBreak(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029) return true;
  }
  return false;
}
