import { createHash } from "node:crypto";
import type { PathElement } from "../formats/format.ts";
import { type Level, type RuleId, ruleOf } from "./rules.ts";

/** Something that `check` reports. No text of it ever holds a value of a file, or a hash of one. */
export interface Finding {
  readonly rule: RuleId;
  readonly level: Level;
  /** As it was given or found; from the top of the repository where commits are looked at. None for git's settings. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Where in the document, if it is about an entry. */
  readonly path?: readonly PathElement[];
  /** Which of the things that the rule knows: a kind of token, a commit, a setting of git. */
  readonly what?: string;
  /** What is wrong, without the place. */
  readonly message: string;
  /** What to do next, in lines. */
  readonly hint?: string;
  /** What belongs to the message on lines of its own: how a file differs from its rule. */
  readonly details?: readonly string[];
}

export type Details = Omit<Finding, "rule" | "level" | "line" | "column">;

/** A finding of a rule, which says how bad it is. */
export function finding(
  rule: RuleId,
  { at, ...details }: Details & { readonly at?: { readonly line?: number; readonly column?: number } },
): Finding {
  return { rule, level: ruleOf(rule).level, ...details, line: at?.line, column: at?.column };
}

/** Where offsets of a text are, for many offsets: counting lines from the start for each would take quadratic time. */
export class Lines {
  private readonly starts: number[] = [0];
  readonly text: string;

  constructor(text: string) {
    this.text = text;
    for (const match of text.matchAll(/\r\n|\n|\r/g)) this.starts.push(match.index + match[0].length);
  }

  get count(): number {
    return this.starts.length;
  }

  /** Line and column of an offset, from 1. */
  at(offset: number): { line: number; column: number } {
    const line = this.lineAt(offset);
    const before = this.text.slice(this.starts[line - 1]!, offset);
    // of a document in one line this is a lot of text, and hardly ever any of it is outside the first plane
    const length = /[\ud800-\udbff]/.test(before) ? [...before].length : before.length;
    return { line, column: length + 1 };
  }

  lineAt(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** A line by its number from 1, with its line end; empty where there is none. */
  line(number: number): string {
    if (number < 1 || number > this.starts.length) return "";
    return this.text.slice(this.starts[number - 1]!, this.starts[number]);
  }
}

/** A finding that a baseline can name. */
export interface Marked extends Finding {
  readonly fingerprint: string;
}

/**
 * Gives each finding what tells it from others in a baseline and in a SARIF report: a hash of the rule, the file, the path
 * of the entry, and its number among its likes there. Neither a value nor a hash of one is part of it: a password can be
 * guessed from its hash. So a fingerprint stays the same when a value changes, or a line moves.
 * @param nameOf the name of a file that is the same wherever `check` runs.
 */
export function marked(findings: readonly Finding[], nameOf: (file: string) => string): Marked[] {
  const counts = new Map<string, number>();
  return findings.map((found) => {
    const { rule, file, path, what } = found;
    const name = file === undefined ? null : nameOf(file);
    const like = JSON.stringify([rule, name, path?.map(String) ?? null, what ?? null]);
    const number = counts.get(like) ?? 0;
    counts.set(like, number + 1);
    const fingerprint = createHash("sha256").update(`${like}${number}`).digest("hex").slice(0, 32);
    return { ...found, fingerprint };
  });
}

const RANK: Readonly<Record<Level, number>> = { error: 0, warning: 1, note: 2 };

/** In the order of files, and in each by place; what has none comes first. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      compare(a.file ?? "", b.file ?? "") ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      RANK[a.level] - RANK[b.level],
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
