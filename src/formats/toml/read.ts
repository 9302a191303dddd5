import { buildTrees } from "../build.ts";
import {
  type Container,
  childContainer,
  type Entry,
  type MetadataBlock,
  type PathElement,
  type Reading,
  rootContainer,
} from "../format.ts";
import { syntaxError } from "../json/scan.ts";
import { MAX_DEPTH } from "../tree.ts";
import { type KeyPart, TomlScanner } from "./scan.ts";
import type { Section, TomlReading } from "./sections.ts";
import {
  type Clash,
  type Item,
  KeyClash,
  type List,
  type Node,
  newTable,
  type Table,
  Tables,
} from "./tables.ts";

/** The reading as {@link readToml} gave it, or else read again. */
export function tomlReading(reading: Reading): TomlReading {
  return isTomlReading(reading) ? reading : readToml(reading.text);
}

function isTomlReading(reading: Reading): reading is TomlReading {
  return "sections" in reading;
}

/** Reads a whole text. @throws TsopsError("parse") with the place. */
export function readToml(text: string): TomlReading {
  // Bytes that are not UTF-8 are lone surrogates here.
  if (!text.isWellFormed()) {
    const bad = text.search(/\p{Surrogate}/u);
    throw syntaxError(text, bad, "this byte is not UTF-8", "TOML is UTF-8; save the file in that encoding");
  }
  return new TomlReader(text).read();
}

/** An array or inline table that is being read. */
interface Open {
  readonly node: List | Table;
  /** Nothing but a comma or the closing bracket may come now. */
  full: boolean;
  count: number;
  /** It holds a comment, and so is not empty. */
  commented: boolean;
  /** Its last item ends on the line that is being read. */
  onLine: boolean;
  /** It belongs to the metadata. */
  readonly block: boolean;
}

const CLASHES: Readonly<Record<Clash, string>> = {
  defined: "this key is defined twice",
  closed: "this table is complete where it is defined, and nothing can be added here",
  "not-a-table": "this key holds a value, and is not a table",
};

function itemsOf(node: List | Table): Item[] {
  return node.kind === "list" ? node.items : node.members;
}

class TomlReader {
  private readonly text: string;
  private readonly scanner: TomlScanner;
  private readonly tables = new Tables();
  private readonly entries: Entry[] = [];
  private readonly blockEntries: Entry[] = [];
  /** Own-line comments inside the metadata, as long as it is open whether they stand behind it. */
  private behindBlock: Entry[] = [];
  private section: Section;
  private readonly sections: Section[];
  /** Containers that hold something, and entries that stand for those that may hold nothing. */
  private readonly filled = new Set<Container>();
  private readonly headers: Container[] = [];

  constructor(text: string) {
    this.text = text;
    this.scanner = new TomlScanner(text);
    const { at } = this.scanner;
    this.section = { start: at, headerEnd: at, names: [], table: this.tables.root, keyValues: [], end: at };
    this.sections = [this.section];
  }

  read(): TomlReading {
    try {
      this.document();
    } catch (error) {
      if (!(error instanceof KeyClash)) throw error;
      throw this.scanner.error(
        error.part.start,
        CLASHES[error.why],
        "every key and every table may be defined once",
      );
    }
    this.settleBlockComments(false);
    const { text, tables, sections } = this;
    const { root } = tables;
    return { text, entries: this.finished(), documents: 1, metadata: this.metadata(), root, sections };
  }

  private document(): void {
    const { scanner, text } = this;
    while (scanner.at < text.length) {
      scanner.skipBlanks();
      const says = scanner.char !== "" && scanner.char !== "#" && !/[\r\n]/.test(scanner.char);
      if (scanner.char === "[") this.header();
      else if (says) this.keyValue();
      this.endOfLine(says);
    }
  }

  /** What may stand behind a header or a value, or on a line of its own: blanks and a comment. */
  private endOfLine(says: boolean): void {
    const { scanner, text } = this;
    scanner.skipBlanks();
    if (scanner.char === "#") {
      if (says) this.lineComment();
      else this.ownLineComment();
    }
    if (scanner.lineBreak() || scanner.at >= text.length) return;
    throw scanner.error(scanner.at, "the line was expected to end here", "each key needs a line of its own");
  }

  /** A comment behind a value is about it, and stands before it; one behind a header belongs to the new table. */
  private lineComment(): void {
    const { section, scanner } = this;
    const last = section.keyValues.at(-1);
    const entry = this.comment(last?.table.container ?? section.table.container);
    section.end = scanner.at;
    if (last) {
      last.lineEnd = scanner.at;
      this.addBehind(entry, last.table, last.end);
    } else this.sinkOf(section.table).push(entry);
  }

  private ownLineComment(): void {
    const { table } = this.section;
    if (table.block) this.behindBlock.push(this.comment(table.container));
    else this.entries.push(this.comment(table.container));
  }

  /** Adds a comment behind a value on its line: before its entry, if the value is a single one. */
  private addBehind(comment: Entry, table: { block: boolean }, valueEnd: number): void {
    const sink = this.sinkOf(table);
    const about = sink.at(-1);
    if (about?.kind === "comment" || about?.in !== comment.in || about?.end !== valueEnd) {
      sink.push(comment);
      return;
    }
    sink[sink.length - 1] = { ...comment, inline: true };
    sink.push(about);
  }

  private comment(container: Container): Entry {
    const start = this.scanner.at + 1;
    const value = this.scanner.comment();
    this.filled.add(container);
    return { kind: "comment", in: container, key: undefined, value, start, end: this.scanner.at };
  }

  private header(): void {
    const { scanner } = this;
    const start = scanner.at++;
    const isList = scanner.eat("[");
    const parts = scanner.key();
    this.checkDepth(parts);
    if (!scanner.eat("]") || (isList && !scanner.eat("]"))) {
      throw scanner.error(
        scanner.at,
        `${isList ? "]] was" : "a closing bracket was"} expected after the table's name`,
      );
    }
    if (parts[0]!.name === "sops" && parts.length === 1 && isList) throw this.notABlock(start);
    const table = isList ? this.tables.append(parts) : this.tables.open(parts);
    this.settleBlockComments(table.block);
    const end = scanner.at;
    const names = parts.map(({ name }) => name);
    this.section = { start, headerEnd: end, names, table, keyValues: [], end };
    this.sections.push(this.section);
    const { parent, key } = table.container;
    if (parent === undefined) return;
    const collection = table.container;
    this.headers.push(collection);
    this.sinkOf(table).push({ kind: "empty-map", in: parent, key, collection, value: undefined, start, end });
  }

  private keyValue(): void {
    const { scanner, section } = this;
    this.settleBlockComments(section.table.block);
    const start = scanner.at;
    const { table, parts, node } = this.member(section.table);
    const names = parts.map(({ name }) => name);
    const end = scanner.at;
    section.keyValues.push({ start, names, table, node, end, lineEnd: end });
    section.end = end;
  }

  /** Reads key, equals sign and value. */
  private member(table: Table): { table: Table; parts: KeyPart[]; node: Node } {
    const { key, ...rest } = this.keyOf(table);
    const node = this.value(rest.table, key);
    rest.table.children.set(key, node);
    return { ...rest, node };
  }

  private keyOf(table: Table): { table: Table; key: string; parts: KeyPart[] } {
    const { scanner } = this;
    const parts = scanner.key();
    this.checkDepth(parts);
    const inner = this.tables.dotted(table, parts);
    for (let container: Container | undefined = inner.container; container; container = container.parent) {
      this.filled.add(container);
      if (container === table.container) break;
    }
    if (!scanner.eat("=")) throw scanner.error(scanner.at, "an equals sign was expected after the key");
    scanner.skipBlanks();
    return { table: inner, key: parts.at(-1)!.name, parts };
  }

  /** Reads a value; arrays and inline tables without recursion. */
  private value(table: Table, key: string): Node {
    const stack: Open[] = [];
    if (table === this.tables.root && key === "sops" && this.scanner.char !== "{") {
      throw this.notABlock(this.scanner.at);
    }
    const node = this.start(table.container, key, table, stack);
    while (stack.length > 0) this.step(stack);
    return node;
  }

  /** Reads a scalar, or opens a collection. */
  private start(container: Container, key: PathElement, parent: { block: boolean }, stack: Open[]): Node {
    const { scanner } = this;
    const start = scanner.at;
    this.filled.add(container);
    if (scanner.char !== "[" && scanner.char !== "{") {
      const { value, style } = scanner.scalar();
      const end = scanner.at;
      this.sinkOf(parent).push({ kind: "value", in: container, key, value, start, end, style });
      return { kind: "value", start, end, style };
    }
    if (stack.length >= MAX_DEPTH)
      throw scanner.error(start, `this is nested deeper than ${MAX_DEPTH} levels`);
    const isList = scanner.char === "[";
    scanner.at++;
    const isBlock = container === this.tables.root.container && key === "sops";
    const own = isBlock ? rootContainer() : childContainer(isList ? "list" : "map", container, key);
    own.start = start;
    const block = parent.block || isBlock;
    const node: List | Table = isList
      ? { kind: "list", container: own, items: [], start, end: start }
      : { ...newTable(own, "inline", block), start };
    stack.push({ node, full: false, count: 0, commented: false, onLine: false, block });
    return node;
  }

  /** One member, a comma, or the closing bracket. */
  private step(stack: Open[]): void {
    const { scanner } = this;
    const open = stack.at(-1)!;
    const { node } = open;
    this.skipToToken(open);
    const items = itemsOf(node);
    if (scanner.eat(node.kind === "list" ? "]" : "}")) this.close(stack);
    else if (scanner.char === "") {
      throw scanner.error(
        node.start!,
        `this ${node.kind === "list" ? "array" : "inline table"} has no closing bracket`,
      );
    } else if (!open.full) {
      open.full = true;
      open.onLine = true;
      items.push(this.item(open, stack));
    } else if (scanner.char === ",") {
      items.at(-1)!.comma = scanner.at++;
      open.full = false;
    } else throw scanner.error(scanner.at, "a comma or the closing bracket was expected here");
  }

  private item(open: Open, stack: Open[]): Item {
    const { node } = open;
    const { scanner } = this;
    const start = scanner.at;
    if (node.kind === "list") {
      const value = this.start(node.container, open.count++, open, stack);
      return { start, names: [], node: value, end: scanner.at };
    }
    open.count++;
    const { table, key, parts } = this.keyOf(node);
    const value = this.start(table.container, key, open, stack);
    table.children.set(key, value);
    return { start, names: parts.map(({ name }) => name), node: value, end: scanner.at };
  }

  private close(stack: Open[]): void {
    const { node, count, commented, block } = stack.pop()!;
    const end = this.scanner.at;
    node.end = end;
    node.container.end = end;
    const above = stack.at(-1);
    if (above) itemsOf(above.node).at(-1)!.end = end;
    const { parent, key, start } = node.container;
    if (count > 0 || commented || !parent) return;
    const kind = node.kind === "list" ? "empty-list" : "empty-map";
    this.sinkOf({ block }).push({ kind, in: parent, key, value: undefined, start: start!, end });
  }

  /** Blanks, line breaks and comments inside of brackets. */
  private skipToToken(open: Open): void {
    const { scanner } = this;
    for (;;) {
      scanner.skipBlanks();
      if (scanner.lineBreak()) open.onLine = false;
      else if (scanner.char === "#") {
        open.commented = true;
        const entry = this.comment(open.node.container);
        if (open.onLine) this.addBehind(entry, open, itemsOf(open.node).at(-1)!.end);
        else this.sinkOf(open).push(entry);
      } else return;
    }
  }

  private checkDepth(parts: readonly KeyPart[]): void {
    const far = parts[MAX_DEPTH];
    if (far) throw this.scanner.error(far.start, `this is nested deeper than ${MAX_DEPTH} levels`);
  }

  private notABlock(offset: number): Error {
    return this.scanner.error(
      offset,
      "the entry named sops is not a table",
      "SOPS keeps its metadata under this name; call the entry something else",
    );
  }

  private sinkOf({ block }: { block: boolean }): Entry[] {
    return block ? this.blockEntries : this.entries;
  }

  /** Comments inside the metadata go with it. Those behind it do not: they belong to the root table. */
  private settleBlockComments(inside: boolean): void {
    const root = this.tables.root.container;
    for (const entry of this.behindBlock) {
      if (inside) this.blockEntries.push(entry);
      else this.entries.push({ ...entry, in: root });
    }
    this.behindBlock = [];
  }

  /** The entries without those of headers whose tables hold something. */
  private finished(): Entry[] {
    const entries = this.withoutFilled(this.entries);
    if (entries.length > 0) return entries;
    return [
      { kind: "empty-map", in: undefined, key: undefined, value: undefined, start: 0, end: this.text.length },
    ];
  }

  private withoutFilled(entries: readonly Entry[]): Entry[] {
    // A table inside fills the one around it.
    for (const container of this.headers) {
      for (let parent = container.parent; parent && !this.filled.has(parent); parent = parent.parent)
        this.filled.add(parent);
    }
    return entries.filter(({ collection }) => !collection || !this.filled.has(collection));
  }

  private metadata(): MetadataBlock | undefined {
    if (this.tables.root.children.get("sops")?.kind !== "table") return undefined;
    const entries = this.withoutFilled(this.blockEntries);
    return { tree: buildTrees(entries, 1)[0]!, entries };
  }
}
