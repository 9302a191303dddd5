import { type Container, childContainer, rootContainer } from "../format.ts";
import type { KeyPart, TomlStyle } from "./scan.ts";

/** A table, however it is written. */
export interface Table {
  readonly kind: "table";
  readonly container: Container;
  readonly children: Map<string, Node>;
  /** What defined it: nothing but the name of a table inside it, a header, a dotted key, or braces. */
  how: "implied" | "header" | "dotted" | "inline";
  /** It is the metadata or stands inside of it. */
  readonly block: boolean;
  /** Members with their places, of an inline table. */
  readonly members: Item[];
  /** Its braces. */
  start?: number;
  end?: number;
}

/** An array of tables: `[[name]]`. */
export interface TableList {
  readonly kind: "tables";
  readonly container: Container;
  readonly tables: Table[];
  readonly block: boolean;
}

/** An array in brackets. */
export interface List {
  readonly kind: "list";
  readonly container: Container;
  readonly items: Item[];
  start: number;
  end: number;
}

export interface Value {
  readonly kind: "value";
  readonly start: number;
  readonly end: number;
  readonly style: TomlStyle | undefined;
}

export type Node = Table | TableList | List | Value;

/** A member of an inline table or an item of an array, with the comma after it. */
export interface Item {
  /** Where it starts: at its key, or its value. */
  readonly start: number;
  /** Names of the dotted key. */
  readonly names: readonly string[];
  node: Node;
  end: number;
  comma?: number;
}

export function newTable(container: Container, how: Table["how"], block: boolean): Table {
  return { kind: "table", container, children: new Map(), how, block, members: [] };
}

/** The table under a name in `parent`, made new. The metadata starts paths of its own. */
export function addTable(parent: Table, name: string, how: Table["how"], isRoot: boolean): Table {
  const isBlock = isRoot && name === "sops";
  const container = isBlock ? rootContainer() : childContainer("map", parent.container, name);
  const table = newTable(container, how, isBlock || parent.block);
  parent.children.set(name, table);
  return table;
}

/** Why a key cannot be defined here. */
export type Clash = "defined" | "closed" | "not-a-table";

export class KeyClash extends Error {
  readonly part: KeyPart;
  readonly why: Clash;
  constructor(part: KeyPart, why: Clash) {
    super(why);
    this.part = part;
    this.why = why;
  }
}

/** The tables of a document by their names, and the rules for defining them (toml.io, "Table"). */
export class Tables {
  readonly root = newTable(rootContainer(), "header", false);

  /** The table that a header `[a.b]` opens. */
  open(parts: readonly KeyPart[]): Table {
    const last = parts.at(-1)!;
    const parent = this.parentOf(parts);
    const found = parent.children.get(last.name);
    if (!found) return addTable(parent, last.name, "header", parent === this.root);
    if (found.kind !== "table") throw new KeyClash(last, "defined");
    if (found.how !== "implied") throw new KeyClash(last, "defined");
    found.how = "header";
    return found;
  }

  /** The new table at the end of an array that a header `[[a.b]]` adds to. */
  append(parts: readonly KeyPart[]): Table {
    const last = parts.at(-1)!;
    const parent = this.parentOf(parts);
    let list = parent.children.get(last.name);
    if (!list) {
      const container = childContainer("list", parent.container, last.name);
      list = { kind: "tables", container, tables: [], block: parent.block };
      parent.children.set(last.name, list);
    }
    if (list.kind !== "tables") throw new KeyClash(last, "defined");
    const container = childContainer("map", list.container, list.tables.length);
    const table = newTable(container, "header", list.block);
    list.tables.push(table);
    return table;
  }

  private parentOf(parts: readonly KeyPart[]): Table {
    let table = this.root;
    for (const part of parts.slice(0, -1)) {
      const found = table.children.get(part.name);
      if (!found) table = addTable(table, part.name, "implied", table === this.root);
      else if (found.kind === "tables") table = found.tables.at(-1)!;
      else if (found.kind !== "table") throw new KeyClash(part, "not-a-table");
      else if (found.how === "inline") throw new KeyClash(part, "closed");
      else table = found;
    }
    return table;
  }

  /** The table in which the last part of a dotted key is defined; the parts before make tables. */
  dotted(table: Table, parts: readonly KeyPart[]): Table {
    let inner = table;
    for (const part of parts.slice(0, -1)) {
      const found = inner.children.get(part.name);
      if (!found) {
        inner = addTable(inner, part.name, "dotted", inner === this.root);
        continue;
      }
      if (found.kind !== "table") throw new KeyClash(part, "not-a-table");
      if (found.how === "header" || found.how === "inline") throw new KeyClash(part, "closed");
      found.how = "dotted";
      inner = found;
    }
    const last = parts.at(-1)!;
    if (inner.children.has(last.name)) throw new KeyClash(last, "defined");
    return inner;
  }
}
