import { hasLineBreak } from "./comments.ts";
import type { Dialect } from "./dialect.ts";
import type { Scanner } from "./scan.ts";

/** A member of an object or an item of an array, as it stands in the text. */
export interface Member {
  /** Undefined for an item. */
  readonly key: string | undefined;
  /** Where it starts: its key, or its value if it is an item. */
  readonly start: number;
  /** The value alone. */
  readonly valueStart: number;
  readonly end: number;
  /** End of the token before it: a bracket, a comma or a comment. */
  readonly before: number;
  /** The comma after it, if there is one. */
  comma: number | undefined;
  /** Whether comments follow it, before the next member or the closing bracket. */
  commented: boolean;
  /** End of the comments that follow it and its comma on the same line; else of the comma, or of itself. */
  tail: number;
}

/** An object or array with its direct members. */
export interface Collection {
  readonly kind: "map" | "list";
  /** Offset of the opening bracket. */
  readonly open: number;
  /** Offset of the closing bracket. */
  readonly close: number;
  readonly members: readonly Member[];
  /** End of the last token before the closing bracket: a comment, a comma, a value, or the opening bracket. */
  readonly lastToken: number;
  /** Whether that token is a comment. */
  readonly endsInComment: boolean;
}

/** The collection whose bracket stands at `open`, in a text that has been read without an error before. */
export function collectionAt(text: string, dialect: Dialect, open: number): Collection {
  const scanner = dialect.scan(text, open);
  const kind = scanner.next() === "{" ? "map" : "list";
  const members: Member[] = [];
  let last: Member | undefined;
  let lastToken = scanner.end;
  let comment = false;
  for (;;) {
    const token = scanner.next();
    if (token === "}" || token === "]") break;
    const sameLine = !hasLineBreak(text, lastToken, scanner.start);
    if (token === "comment") {
      if (last) {
        last.commented = true;
        if (sameLine && last.tail === lastToken) last.tail = scanner.end;
      }
    } else if (token === ",") {
      last!.comma = scanner.start;
      last!.tail = scanner.end;
    } else {
      last = readMember(scanner, kind, lastToken);
      members.push(last);
    }
    comment = token === "comment";
    lastToken = scanner.end;
  }
  return { kind, open, close: scanner.start, members, lastToken, endsInComment: comment };
}

/** Reads a member whose first token is the current one, and goes to its last. */
function readMember(scanner: Scanner, kind: "map" | "list", before: number): Member {
  const { start } = scanner;
  let key: string | undefined;
  if (kind === "map") {
    key = scanner.name()!;
    do scanner.next();
    while (scanner.kind === "comment" || scanner.kind === ":");
  }
  const valueStart = scanner.start;
  skipValue(scanner);
  const { end } = scanner;
  return { key, start, valueStart, end, before, comma: undefined, commented: false, tail: end };
}

function skipValue(scanner: Scanner): void {
  let depth = 0;
  for (;;) {
    const { kind } = scanner;
    if (kind === "{" || kind === "[") depth++;
    else if (kind === "}" || kind === "]") depth--;
    if (depth === 0) return;
    scanner.next();
  }
}

/** Start of the first token at or after an offset. */
export function nextToken(text: string, dialect: Dialect, at: number): number {
  const scanner = dialect.scan(text, at);
  scanner.next();
  return scanner.start;
}
