import fc from "fast-check";

/** Picks a number from 0 to n - 1. */
export type Pick = (n: number) => number;

/** Random YAML documents with comments, blank lines and every style in every place; shrinks to small ones. */
export const documents = fc.gen().map((g) => new Writer((n) => g(fc.nat, { max: n - 1 })).text());

const WORDS = [
  "v",
  "two words",
  '"dq"',
  "'sq'",
  "1",
  "-2.5",
  "true",
  "~",
  '"a # b"',
  "x#y",
  '""',
  "''",
  "é",
  "😀",
];
const MORE = [
  "yes",
  "0x1F",
  "1e3",
  "2001-12-14",
  '"\\u00e9\\n"',
  "'it''s'",
  "a:b",
  "-x",
  "!t w",
  "!!str 1",
  "!!int 7",
];
const BLOCKS = ["|", ">", "|-", ">-", "|+", ">+", "|2", ">2-"];
const LINES = ["text", "# no comment", "a: b", "- x", "  deeper", "", "\ttab"];

/** Writes one text. */
class Writer {
  private readonly pick: Pick;
  private keys = 0;
  private notes = 0;
  private anchors = 0;
  private readonly often: number;

  constructor(pick: Pick) {
    this.pick = pick;
    this.often = 1 + pick(6);
  }

  text(): string {
    const { pick } = this;
    let text = "";
    const documents = pick(6) === 0 ? 2 : 1;
    for (let i = 0; i < documents; i++) {
      text += this.gap(0);
      if (i > 0 || pick(5) === 0) text += `---${this.note()}\n${this.gap(0)}`;
      const root = pick(16);
      if (root === 0) text += `${this.flow(0, 2)}\n`;
      else if (root > 1 || i === 0) {
        const column = pick(12) === 0 ? 2 : 0;
        text += " ".repeat(column) + this.map(column, 1 + pick(3));
      } else if (!text.includes("---")) text += "---\n";
      text += this.gap(0);
      if (pick(12) === 0) text += `...${this.note()}\n`;
    }
    if (pick(8) === 0) text = text.replace(/\n+$/, "");
    return pick(10) === 0 ? text.replaceAll("\n", "\r\n") : text;
  }

  private some(one: readonly string[]): string {
    return one[this.pick(one.length)]!;
  }

  private chance(n: number): boolean {
    return this.pick(n) === 0;
  }

  private note(): string {
    return this.chance(this.often) ? `${this.some([" ", "  ", "\t"])}#l${this.notes++}` : "";
  }

  private gap(column: number): string {
    if (!this.chance(this.often)) return this.chance(9) ? "\n" : "";
    let text = "";
    for (let n = this.pick(4); n >= 0; n--) {
      const at = this.some([" ".repeat(column), " ".repeat(column), "", "  ", " ".repeat(column + 2)]);
      text += this.chance(4) ? "\n" : `${at}#${this.chance(20) ? "" : `g${this.notes++}`}\n`;
    }
    return text;
  }

  private map(column: number, depth: number): string {
    let text = "";
    for (let n = this.pick(4), first = true; n >= 0; n--, first = false) {
      if (!first) text += this.gap(column) + " ".repeat(column);
      const name = `k${this.keys++}`;
      if (this.chance(16)) text += `? ${name}\n${" ".repeat(column)}:`;
      else text += `${this.some([name, name, name, `"${name}"`])}${this.some([":", ":", ":", " :"])}`;
      const kind = this.pick(5);
      if (kind === 0 && depth > 0)
        text += this.below(column + this.some2(2, 4), (at) => this.map(at, depth - 1));
      else if (kind === 1 && depth > 0)
        text += this.below(column + this.some2(0, 2), (at) => this.list(at, depth - 1));
      else text += this.value(column);
    }
    return text;
  }

  private some2(a: number, b: number): number {
    return this.chance(2) ? a : b;
  }

  private below(column: number, write: (column: number) => string): string {
    const props = this.chance(12) ? ` &a${this.anchors++}` : "";
    return `${props}${this.note()}\n${this.gap(column)}${" ".repeat(column)}${write(column)}`;
  }

  private list(column: number, depth: number): string {
    let text = "";
    for (let n = this.pick(3), first = true; n >= 0; n--, first = false) {
      if (!first) text += this.gap(column) + " ".repeat(column);
      const kind = this.pick(6);
      if (kind === 0 && depth > 0) text += `- ${this.map(column + 2, depth - 1)}`;
      else if (kind === 1 && depth > 0) text += `- ${this.list(column + 2, depth - 1)}`;
      else if (kind === 2 && depth > 0) text += `-${this.below(column + 2, (at) => this.map(at, depth - 1))}`;
      else text += `-${this.value(column)}`;
    }
    return text;
  }

  /** A value that is no block collection, with the end of its line. */
  private value(column: number): string {
    const { pick } = this;
    const pad = " ".repeat(column + 2);
    const anchor = this.chance(14) ? `&a${this.anchors++} ` : "";
    switch (pick(14)) {
      case 0:
        return ` ${anchor}${this.block(column)}`;
      case 1:
        return ` ${anchor}${this.flow(column, 1)}${this.note()}\n`;
      case 2:
        return ` "over\n${pad}lines"${this.note()}\n`;
      case 3:
        return ` over\n\n${pad}lines${this.note()}\n`;
      case 4:
        return this.anchors > 0 ? ` *a${pick(this.anchors)}${this.note()}\n` : `${this.note()}\n`;
      case 5:
        return `${this.note()}\n${this.gap(column + 2)}${pad}${this.some(WORDS)}${this.note()}\n`;
      case 6:
        return `${this.note()}\n`;
      case 7:
        return ` ${this.some(MORE)}${this.note()}\n`;
      default:
        return ` ${anchor}${this.some(WORDS)}${this.note()}\n`;
    }
  }

  private block(column: number): string {
    let text = `${this.some(BLOCKS)}${this.note()}\n`;
    for (let n = this.pick(4), first = true; n > 0; n--, first = false) {
      // Without a digit the first line says how deep the text is.
      const line = first ? this.some(["text", "# no comment"]) : this.some(LINES);
      text += line === "" ? "\n" : `${" ".repeat(column + 2)}${line}\n`;
    }
    return text + (this.chance(6) ? "\n" : "");
  }

  private flow(column: number, depth: number): string {
    const lines = this.chance(2);
    const gap = (): string => {
      if (!lines || this.chance(2)) return this.some(["", " "]);
      return `${this.note()}\n${this.gap(column + 2)}${" ".repeat(column + 2)}`;
    };
    const map = this.chance(2);
    let text = map ? "{" : "[";
    for (let n = this.pick(3); n > 0; n--) {
      const item = depth > 0 && this.chance(4) ? this.flow(column, depth - 1) : this.some(WORDS);
      text += `${gap()}${map ? `k${this.keys++}: ${item}` : item}${n > 1 || this.chance(5) ? "," : ""}`;
    }
    return text + gap() + (map ? "}" : "]");
  }
}
