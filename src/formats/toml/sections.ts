import type { Reading } from "../format.ts";
import type { Node, Table } from "./tables.ts";

/** A line `key = value`, or several if the value has more. */
export interface KeyValue {
  readonly start: number;
  readonly names: readonly string[];
  /** The table that the last part of the key is defined in. */
  readonly table: Table;
  readonly node: Node;
  /** End of the value. */
  readonly end: number;
  /** End of the comment on its last line, else of the value. */
  lineEnd: number;
}

/** A header with the lines up to the next one, or what stands before the first header. */
export interface Section {
  /** Of its header; 0 for the lines before the first. */
  readonly start: number;
  /** End of the header's brackets. */
  readonly headerEnd: number;
  /** Names in the header. */
  readonly names: readonly string[];
  readonly table: Table;
  readonly keyValues: KeyValue[];
  /** End of its last line that says something, without the line break; comments of their own lines do not count. */
  end: number;
}

/** A reading of a TOML text. */
export interface TomlReading extends Reading {
  readonly root: Table;
  readonly sections: readonly Section[];
}
