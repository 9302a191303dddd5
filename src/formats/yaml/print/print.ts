import type { Scalar } from "../../scalar.ts";
import { encodeText } from "../../text.ts";
import { type Tree, TreeComment, type TreeEntry, TreeList, TreeMap } from "../../tree.ts";
import { LineWriter } from "./line-writer.ts";
import { literalHeader, quoted, type Spelling, spellAsSops } from "./scalar.ts";

export { type ScalarContext, yamlScalar } from "./scalar.ts";

/** SOPS's own indent (docs/internals/sops.md §6). */
export const YAML_INDENT = 4;

/** Longer keys, counted in bytes with their tag, stand alone behind a `? `. */
const LONGEST_SIMPLE_KEY = 128;

/**
 * Documents as SOPS prints them: block style, `indent` blanks a level (docs/internals/sops.md §6). An indent below 2
 * or above 9 counts as 2, as SOPS has it; 0 is SOPS's own.
 */
export function printYaml(documents: readonly TreeMap[], indent: number = YAML_INDENT): string {
  const printer = new Printer(indent || YAML_INDENT);
  documents.forEach((document, i) => {
    printer.document(document, i > 0);
  });
  return printer.text();
}

/** One value as `--extract` prints it: SOPS takes no notice of the indent here. */
export function printYamlValue(value: Tree): string {
  const printer = new Printer(YAML_INDENT);
  printer.document(value, false);
  return printer.text();
}

/** Comments of one node, each the lines with their marks; empty where there is none. */
interface Comments {
  readonly head?: string;
  readonly line?: string;
  readonly foot?: string;
  /** Belongs to the entry before. */
  readonly tail?: string;
}

/** What a child of a collection needs to know: its indentation in a list follows another rule. */
type Holder = "list" | "other";

/**
 * Prints as SOPS's YAML library does. That one hands out comments as it meets them: one that has no place
 * at its own node stays pending and comes out at the next node that has one. The order of the steps here is
 * the library's.
 */
class Printer {
  private readonly out: LineWriter;
  private readonly step: number;
  private pending = { head: "", line: "", foot: "", tail: "" };
  /** A line comment before a key, kept for its value. */
  private keyLine = "";

  constructor(indent: number) {
    this.step = indent >= 2 && indent <= 9 ? indent : 2;
    this.out = new LineWriter(this.step);
  }

  text(): string {
    return this.out.text();
  }

  document(root: Tree, separated: boolean): void {
    const { out } = this;
    if (separated) {
      out.newLine();
      out.word("---");
      out.newLine();
    }
    this.meet({ head: headOf(root) });
    this.headComment();
    this.child(root, "other", {});
    this.leftComments();
    out.footIndent = 0;
    this.footComment();
    out.footIndent = -1;
    out.newLine();
  }

  /** SOPS prints these in the next document, or forgets them. */
  private leftComments(): void {
    const { pending } = this;
    pending.head = [this.keyLine, pending.line, pending.head].reduce(join);
    pending.line = "";
    this.keyLine = "";
    this.headComment();
  }

  /** A child and the comments that follow it. Those of a collection come before its first entry. */
  private child(value: Tree, holder: Holder, end: Comments): void {
    if (value instanceof TreeMap || value instanceof TreeList) {
      // a comment before the brackets of an empty one would push them to the start of the next line
      if (!isEmpty(value)) {
        this.lineComment();
        this.footComment();
      }
      if (value instanceof TreeMap) this.map(value, holder, end);
      else this.list(value, holder, end);
      return;
    }
    this.scalar(spellAsSops(value), holder);
    this.lineComment();
    this.footComment();
  }

  private map(map: TreeMap, holder: Holder, end: Comments): void {
    const { entries, foot } = withComments(map.items);
    if (entries.length === 0) {
      this.emptyMap(holder, end);
      return;
    }
    const { out } = this;
    for (const [i, { value: entry, head, line }] of entries.entries()) {
      this.meet({ head });
      if (i === 0) out.indentMore(holder === "list", false);
      this.headComment();
      out.newLine();
      this.keyLine = join(this.keyLine, this.pending.line);
      this.pending.line = "";
      const simple = this.key(entry);
      this.meet({ line: isScalar(entry.value) ? line : undefined, head: headOf(entry.value) });
      if (simple) out.mark(":");
      else {
        out.newLine();
        out.item(":");
      }
      this.takeKeyLine(entry.value);
      this.child(entry.value, "other", { line });
    }
    this.meet({ ...end, tail: foot });
    this.headComment();
    out.indentLess();
  }

  /** Whether the value follows on the same line. */
  private key({ key, value }: TreeEntry): boolean {
    let spelling = spellAsSops(key);
    // a merge key can only have maps; any other is a key that happens to look like one
    if (key === "<<" && !canBeMerged(value)) spelling = { ...spelling, style: "double", tag: undefined };
    const tag = spelling.tag === undefined ? 0 : spelling.tag.length;
    const long = spelling.text.length * 3 + tag > LONGEST_SIMPLE_KEY;
    const simple =
      !spelling.multiline && !(long && encodeText(spelling.text).length + tag > LONGEST_SIMPLE_KEY);
    if (!simple) this.out.item("?");
    this.scalar(spelling, "other");
    return simple;
  }

  private takeKeyLine(value: Tree): void {
    if (this.keyLine === "") return;
    if (isScalar(value) || isEmpty(value)) {
      if (this.pending.line !== "") return;
      this.pending.line = this.keyLine;
      this.keyLine = "";
    } else {
      const { line } = this.pending;
      this.pending.line = this.keyLine;
      this.lineComment();
      this.pending.line = line;
      this.keyLine = "";
    }
  }

  private list(list: TreeList, holder: Holder, end: Comments): void {
    const { entries, foot: last } = withComments(list.items);
    if (entries.length === 0) {
      this.emptyList(end);
      return;
    }
    const { out } = this;
    for (const [i, { value, head, line }] of entries.entries()) {
      const foot = i === entries.length - 1 ? last : undefined;
      if (isScalar(value)) this.meet({ head, line, foot });
      else this.meet({ head: join(head, headOf(value)) });
      if (i === 0) out.indentMore(holder === "list", false);
      this.headComment();
      out.newLine();
      out.item("-");
      this.child(value, "list", { line, foot });
    }
    this.meet(end);
    out.indentLess();
  }

  private emptyMap(holder: Holder, end: Comments): void {
    const { out } = this;
    this.meet(end);
    out.word("{", true);
    out.indentMore(holder === "list", true);
    this.headComment();
    out.indentLess();
    out.mark("}");
    this.lineComment();
    this.footComment();
  }

  private emptyList(end: Comments): void {
    const { out } = this;
    this.meet(end);
    out.word("[", true);
    out.mark("]");
    this.lineComment();
    this.footComment();
  }

  private scalar(spelling: Spelling, holder: Holder): void {
    const { out } = this;
    const { style, text, tag } = spelling;
    if (tag !== undefined) out.word(tag);
    if (style === "plain") out.word(text);
    else if (style !== "literal") out.word(quoted(spelling));
    else {
      const outer = Math.max(out.indent, 0);
      out.indentMore(holder === "list", true);
      // where there are only empty lines the digit does not matter, and SOPS's is as good
      out.word(literalHeader(text, /[^\n]/.test(text) ? out.indent - outer : this.step));
      this.headerComment();
      out.lines(text);
      out.indentLess();
    }
  }

  /** Takes a node's comments. SOPS forgets those that are still pending then; here none is lost. */
  private meet({ head, line, foot, tail }: Comments): void {
    const { pending } = this;
    if (head) pending.head = join(pending.head, head);
    if (line) pending.line = join(pending.line, line);
    if (foot) pending.foot = join(pending.foot, foot);
    if (tail) pending.tail = join(pending.tail, tail);
  }

  private headComment(): void {
    const { out, pending } = this;
    if (pending.tail !== "") {
      out.newLine();
      out.comment(pending.tail);
      pending.tail = "";
      out.footIndent = Math.max(out.indent, 0);
    }
    if (pending.head === "") return;
    out.newLine();
    out.comment(pending.head);
    pending.head = "";
  }

  private lineComment(): void {
    const { out, pending } = this;
    if (pending.line === "") return;
    out.blank();
    out.comment(pending.line);
    pending.line = "";
  }

  /**
   * Behind a literal's header there is room for one line: SOPS lets the others become text of the literal.
   */
  private headerComment(): void {
    const { pending } = this;
    const end = pending.line.indexOf("\n");
    if (end >= 0) {
      pending.head = join(pending.line.slice(end + 1), pending.head);
      pending.line = pending.line.slice(0, end);
    }
    if (pending.line === "") this.out.lineBreak();
    else this.lineComment();
  }

  private footComment(): void {
    const { out, pending } = this;
    if (pending.foot === "") return;
    out.newLine();
    out.comment(pending.foot);
    pending.foot = "";
    out.footIndent = Math.max(out.indent, 0);
  }
}

function canBeMerged(value: Tree): boolean {
  if (value instanceof TreeList) return value.values().every((item) => item instanceof TreeMap);
  return value instanceof TreeMap;
}

function isEmpty({ items }: TreeMap | TreeList): boolean {
  return items.every((item) => item instanceof TreeComment);
}

function isScalar(value: Tree): value is Scalar {
  return !(value instanceof TreeMap) && !(value instanceof TreeList);
}

const join = (a: string | undefined, b: string | undefined): string => (a && b ? `${a}\n${b}` : a || b || "");

const lines = (comments: readonly string[]): string | undefined =>
  comments.length > 0 ? `#${comments.join("\n#")}` : undefined;

/** The comments before the first entry of a collection are its own; of an empty one all. */
function headOf(tree: Tree): string | undefined {
  if (isScalar(tree)) return undefined;
  const head: string[] = [];
  const inline: string[] = [];
  for (const item of tree.items) {
    if (!(item instanceof TreeComment)) return lines(head);
    (item.inline ? inline : head).push(item.text);
  }
  return lines([...head, ...inline]);
}

interface Commented<T> {
  readonly value: T;
  readonly head: string | undefined;
  readonly line: string | undefined;
}

/** Entries with the comments before them; and those after the last one, which stand below it. */
function withComments<T>(items: readonly (T | TreeComment)[]): { entries: Commented<T>[]; foot?: string } {
  const entries: Commented<T>[] = [];
  let head: string[] = [];
  let inline: string[] = [];
  for (const item of items) {
    if (item instanceof TreeComment) (item.inline ? inline : head).push(item.text);
    else {
      entries.push({ value: item, head: entries.length > 0 ? lines(head) : undefined, line: lines(inline) });
      if (head.length > 0) head = [];
      if (inline.length > 0) inline = [];
    }
  }
  return { entries, foot: entries.length > 0 ? lines([...head, ...inline]) : undefined };
}
