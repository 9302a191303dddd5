import type { Edit } from "../../text.ts";
import type { Block, Comment, Lines } from "../scan/state.ts";

/** How a scalar is written. */
export type Style = "plain" | "single" | "double" | "literal" | "folded" | "absent";

/** An anchor and a tag before a node. */
export interface Props {
  readonly start: number;
  readonly end: number;
  /** Short form (`!!int`), undefined for `!` and where there is none. */
  readonly tag?: string;
  readonly tagStart: number;
  readonly tagEnd: number;
  readonly anchor?: string;
  readonly anchorStart: number;
  readonly anchorEnd: number;
}

/** The comments that SOPS's reader gives to a node. */
export interface Remarks {
  head: Lines | undefined;
  line: Lines | undefined;
  foot: Lines | undefined;
}

interface Common {
  start: number;
  end: number;
  readonly props: Props | undefined;
  remarks: Remarks | undefined;
  /** Its key, if it is a value in a map. */
  key: Node | undefined;
  /** Where the entry of a map or list begins: its `?`, its key with an anchor or tag, its dash, or the item. */
  at: number;
}

export interface ScalarNode extends Common {
  readonly kind: "scalar";
  readonly style: Style;
  readonly text: string;
  readonly block: Block | undefined;
}

export interface AliasNode extends Common {
  readonly kind: "alias";
  readonly target: ScalarNode | CollectionNode;
}

/** A map or a list; `items` are values, which know their keys. */
export interface CollectionNode extends Common {
  readonly kind: "map" | "list";
  readonly flow: boolean;
  /** Column of the keys or dashes in block style; -1 in flow style. */
  readonly column: number;
  readonly items: Node[];
}

export type Node = ScalarNode | AliasNode | CollectionNode;

export interface DocumentNode {
  /** Its `---`, -1 without one. */
  readonly start: number;
  /** Start of the `...`, `---` or directive after it, or the end of the text. */
  end: number;
  /** Start of its first directive, else that of its `---`. */
  readonly directives: number;
  head: Lines | undefined;
  root: Node;
  foot: Lines | undefined;
}

/** Everything that stands in a text. */
export interface Composed {
  readonly text: string;
  readonly documents: DocumentNode[];
  readonly comments: readonly Comment[];
  /** See {@link Format.seams}. */
  readonly seams: readonly Edit[];
}
