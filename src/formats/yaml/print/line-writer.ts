/**
 * Text that is written from left to right, with the indentation of YAML's block style: the rules by which
 * SOPS's YAML library breaks and indents lines.
 */
export class LineWriter {
  column = 0;
  /** -1 outside of all collections. */
  indent = -1;
  /** A comment below an entry of this indent asks for an empty line; -1 if there is none. */
  footIndent = -1;
  private readonly step: number;
  private readonly parts: string[] = [];
  private readonly outer: number[] = [];
  /** The last character was a blank, or none is needed. */
  private spaced = true;
  /** Nothing but indentation and the marks of list items and keys stands on this line. */
  private fresh = true;
  /** The last literal keeps all line breaks behind it: one more would be part of its value. */
  private keeping = false;

  /** @param step blanks a level. */
  constructor(step: number) {
    this.step = step;
  }

  text(): string {
    return this.parts.join("");
  }

  /** Inside a list a level is the width of its mark, elsewhere up to the next multiple of the step. */
  indentMore(inList: boolean, scalar: boolean): void {
    this.outer.push(this.indent);
    if (this.indent < 0) this.indent = scalar ? this.step : 0;
    else if (inList) this.indent += 2;
    else this.indent = this.step * Math.floor((this.indent + this.step) / this.step);
  }

  indentLess(): void {
    this.indent = this.outer.pop()!;
  }

  /** To the column of the indent, on a line of its own unless only marks stand on this one. */
  newLine(): void {
    const indent = Math.max(this.indent, 0);
    if (!this.fresh || this.column > indent || (this.column === indent && !this.spaced)) this.lineBreak();
    if (this.footIndent === indent && !this.keeping) this.lineBreak();
    if (this.column < indent) this.put(" ".repeat(indent - this.column));
    this.spaced = true;
    this.footIndent = -1;
  }

  lineBreak(): void {
    this.parts.push("\n");
    this.column = 0;
    this.fresh = true;
  }

  /** A blank, if there is none. */
  blank(): void {
    if (!this.spaced) this.put(" ");
  }

  /** A word that others are kept apart from; `open` says that the next one may follow at once. */
  word(text: string, open = false): void {
    this.blank();
    this.put(text);
    this.spaced = open;
    this.fresh = false;
  }

  /** Something that follows at once. */
  mark(text: string): void {
    this.put(text);
    this.spaced = false;
    this.fresh = false;
  }

  /** The mark of an item, key or value: a collection may begin on the same line. */
  item(text: string): void {
    this.blank();
    this.put(text);
    this.spaced = false;
  }

  /** The lines of a literal. */
  lines(text: string): void {
    this.spaced = true;
    this.literal(text);
    this.keeping = /(?:^|\n)\n$/.test(text);
  }

  private literal(text: string): void {
    let from = 0;
    for (;;) {
      const end = text.indexOf("\n", from);
      const line = text.slice(from, end < 0 ? undefined : end);
      if (line !== "") {
        this.newLine();
        this.put(line);
        this.fresh = false;
      }
      if (end < 0) return;
      this.lineBreak();
      from = end + 1;
    }
  }

  /** The lines of a comment; one without a mark gets it. The line ends here. */
  comment(text: string): void {
    const lines = text
      .replace(/\r\n?|[\x85\u2028\u2029]/g, "\n")
      .replace(/\n$/, "")
      .split("\n");
    for (const [i, line] of lines.entries()) {
      if (line !== "") {
        if (i > 0) this.newLine();
        this.put((line.startsWith("#") ? "" : "# ") + line.replace(UNPRINTABLE, "\ufffd"));
        this.fresh = false;
      }
      this.lineBreak();
    }
    this.spaced = true;
  }

  private put(text: string): void {
    this.parts.push(text);
    this.column += text.length;
    this.keeping = false;
  }
}

/** What YAML does not allow in comments. */
const UNPRINTABLE = /[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/gu;
