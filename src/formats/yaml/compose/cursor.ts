import { FOOT, HEAD, type Lines, type Scanner, yamlError } from "../scan/state.ts";
import * as T from "../scan/tokens.ts";
import type { Remarks } from "./nodes.ts";

/** Goes through tokens and hands out the comments that lie before them, as SOPS's reader does. */
export class Cursor {
  protected readonly scanner: Scanner;
  protected readonly tokens: T.Tokens;
  protected index = 0;
  /** The next comment piece, and those that wait for a node to take them. */
  private piece = 0;
  protected head: Lines | undefined;
  private line: Lines | undefined;
  private foot: Lines | undefined;

  constructor(scanner: Scanner) {
    this.scanner = scanner;
    this.tokens = scanner.tokens;
  }

  /** What the current token is, where it stands, and what it carries. */
  protected get type(): number {
    return this.tokens.type[this.index]!;
  }

  protected get start(): number {
    return this.tokens.start[this.index]!;
  }

  protected get end(): number {
    return this.tokens.end[this.index]!;
  }

  protected get extra(): number {
    return this.tokens.extra[this.index]!;
  }

  /** Looks at the current token: comments that lie before it become free to be taken. */
  protected look(): number {
    const { pieces } = this.scanner;
    const type = this.type;
    if (this.piece < pieces.length) {
      const offset = this.start;
      for (let piece = pieces[this.piece]; piece && piece.anchor <= offset; piece = pieces[++this.piece]) {
        if (piece.kind === HEAD) {
          if (type === T.END) break;
          this.head = join(this.head, piece.lines);
        } else if (piece.kind === FOOT) this.foot = join(this.foot, piece.lines);
        else this.line = join(this.line, piece.lines);
      }
    }
    return type;
  }

  protected next(): number {
    this.index++;
    return this.look();
  }

  /** Takes all comments that are free. */
  protected take(): Remarks | undefined {
    const { head, line, foot } = this;
    if (!head && !line && !foot) return undefined;
    this.head = this.line = this.foot = undefined;
    return { head, line, foot };
  }

  protected fail(message: string, hint?: string): never {
    throw yamlError(this.scanner.text, message, Math.max(this.start, 0), hint);
  }
}

function join(lines: Lines | undefined, more: Lines): Lines {
  if (!lines) return more;
  for (const line of more) lines.push(line);
  return lines;
}
