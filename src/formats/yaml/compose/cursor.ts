import { FOOT, HEAD, type Lines, type Scanner, yamlError } from "../scan/state.ts";
import * as T from "../scan/tokens.ts";
import type { Remarks } from "./nodes.ts";

/** Goes through tokens and hands out the comments that lie before them, as SOPS's reader does. */
export class Cursor {
  protected readonly s: Scanner;
  protected readonly t: T.Tokens;
  protected i = 0;
  /** The next comment piece, and those that wait for a node to take them. */
  private piece = 0;
  protected head: Lines | undefined;
  private line: Lines | undefined;
  private foot: Lines | undefined;

  constructor(s: Scanner) {
    this.s = s;
    this.t = s.tokens;
  }

  /** Looks at the current token: comments that lie before it become free to be taken. */
  protected look(): number {
    const { pieces } = this.s;
    const type = this.t.type[this.i]!;
    if (this.piece < pieces.length) {
      const offset = this.t.start[this.i]!;
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
    this.i++;
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
    throw yamlError(this.s.text, message, Math.max(this.t.start[this.i]!, 0), hint);
  }
}

function join(lines: Lines | undefined, more: Lines): Lines {
  if (!lines) return more;
  for (const line of more) lines.push(line);
  return lines;
}
