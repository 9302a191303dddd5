import { TsopsError } from "../../../errors.ts";
import type { Entry, MetadataBlock, Reading } from "../../format.ts";
import { compose } from "../compose/compose.ts";
import type { Composed, Node } from "../compose/nodes.ts";
import { Walk, type Walked } from "./walk.ts";

/** A reading that also knows the nodes it was made of, for edits. */
export class YamlReading implements Reading {
  readonly text: string;
  readonly entries: readonly Entry[];
  readonly documents: number;
  readonly metadata?: MetadataBlock;
  readonly duplicates?: readonly number[];
  readonly like?: Reading;
  readonly composed: Composed;
  /** Nodes that an alias uses as a key. */
  readonly keyTargets: ReadonlySet<Node>;

  constructor(composed: Composed, { entries, metadata, duplicates, keyTargets }: Walked) {
    this.text = composed.text;
    this.entries = entries;
    this.documents = composed.documents.length;
    if (metadata) this.metadata = metadata;
    if (duplicates) this.duplicates = duplicates;
    this.composed = composed;
    this.keyTargets = keyTargets;
  }
}

/**
 * Reads a YAML text into entries, in the order in which SOPS walks them, with aliases expanded.
 * @throws TsopsError("parse") if SOPS would not read it, TsopsError("tree-encryption") for keys and values that
 * SOPS reads but cannot encrypt.
 */
export function read(text: string): YamlReading {
  const composed = compose(text);
  if (composed.documents.length === 0 && text.length > 0) {
    throw new TsopsError("parse", "this file holds no document, at most comments", {
      hint: "add a value, or a line `---` to make it an empty document",
    });
  }
  return new YamlReading(composed, new Walk(composed).run());
}

/** The nodes of a reading. */
export function composedOf(reading: Reading): Composed {
  return reading instanceof YamlReading ? reading.composed : compose(reading.text);
}
