import type { EntryDifference } from "../../compare/difference.ts";
import type { TsopsError } from "../../errors.ts";
import type { PathElement } from "../../formats/format.ts";
import type { EncryptedText } from "../../sops/decrypt.ts";
import type { Selector } from "../../sops/selection.ts";
import type { Base } from "../draft/base.ts";
import type { Draft } from "../draft/draft.ts";
import type { Node, Outline } from "../outline/node.ts";
import type { Box, Key } from "./box.ts";
import type { Version } from "./history.ts";
import type { KeyChange, KeyLine } from "./keys-view.ts";
import type { MergeState } from "./merge.ts";
import type { Recipe } from "./recipe.ts";

/** What the person has seen and wants all the same. */
export interface Accepted {
  /** The file is not as its creation rule says. */
  readonly drift?: true;
  /** The file is gone: it is written again. */
  readonly gone?: true;
}

/** What the editor shows, all of it: no part of it asks anything else. */
export interface State {
  /** The file, as the person named it. */
  readonly name: string;
  readonly format: string;
  readonly selector: Selector | undefined;
  /** Which entries the creation rule wants encrypted, where that is another selector than the file's. */
  readonly wanted: ((base: Base) => readonly boolean[]) | undefined;
  /** The file before it is decrypted; undefined for a new one. */
  readonly encrypted: EncryptedText | undefined;
  /** Its rows, of the encrypted or of the decrypted document. */
  readonly outline: Outline;
  /** The decrypted document; undefined while it is locked. */
  readonly draft: Draft | undefined;
  /** What was last read or written. */
  readonly saved: { readonly base: Base; readonly version: number } | undefined;
  /** The document is locked, and has changes that are kept, encrypted, until it is unlocked. */
  readonly held: boolean;
  readonly cursor: number;
  /** The first row on the screen. */
  readonly top: number;
  readonly folded: ReadonlySet<number>;
  /** Rows that a filter left. */
  readonly list: List | undefined;
  readonly find: Find;
  readonly revealed: Revealed;
  /** Conflicts of a merge that have to be decided before the file is saved. */
  readonly merge: MergeState | undefined;
  readonly mode: Mode;
  readonly message: Message | undefined;
  /** What is being done, while keys have to wait. */
  readonly busy: string | undefined;
  readonly size: Size;
  readonly options: Options;
  /** Milliseconds of the clock: of now, and of the last key. */
  readonly now: number;
  readonly touched: number;
}

export interface Options {
  /** Nothing is ever shown in clear: for a screen that others see. */
  readonly noReveal: boolean;
  /** After so many milliseconds revealed values are hidden again. */
  readonly hideAfter: number;
  /** After so many without a key the document is locked; 0 for never. */
  readonly lockAfter: number;
  /** So long a copied value stays in the clipboard. */
  readonly copyFor: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Which values are shown in clear: paths, so that they stay with their entries. */
export interface Revealed {
  readonly all: boolean;
  readonly paths: ReadonlySet<string>;
  readonly since: number;
}

export interface List {
  readonly title: string;
  readonly ids: readonly number[];
  readonly at: number;
  readonly top: number;
}

export interface Find {
  readonly query: string;
  readonly hits: readonly number[];
  readonly values: boolean;
}

export interface Message {
  readonly tone: "info" | "warning" | "error";
  readonly lines: readonly string[];
  /** It is about the last key, and gone with the next one. */
  readonly passing?: true;
}

/** What a line or text that is typed is for. */
export type Purpose =
  | { readonly kind: "value"; readonly node: number; readonly type: ValueType }
  | { readonly kind: "base64"; readonly node: number }
  | { readonly kind: "comment"; readonly node: number }
  | { readonly kind: "new-comment"; readonly node: number }
  | { readonly kind: "rename"; readonly node: number }
  | {
      readonly kind: "key";
      readonly holder: number | undefined;
      readonly document: number;
      readonly what: Added;
    }
  | { readonly kind: "find"; readonly from: number }
  | { readonly kind: "add-key"; readonly before: Mode }
  | { readonly kind: "passphrase"; readonly question: string }
  | { readonly kind: "insert-file"; readonly node: number }
  | { readonly kind: "recipe"; readonly node: number; readonly recipe: Recipe };

export type ValueType = "text" | "number" | "boolean" | "null" | "time";
export type Added = "value" | "map" | "list";

export type Mode =
  | { readonly kind: "tree" }
  | {
      readonly kind: "box";
      readonly title: string;
      readonly purpose: Purpose;
      readonly box: Box;
      readonly before: string;
    }
  | { readonly kind: "discard"; readonly box: Extract<Mode, { kind: "box" }> }
  | {
      readonly kind: "menu";
      readonly title: string;
      readonly items: readonly MenuItem[];
      readonly top: number;
    }
  | { readonly kind: "help"; readonly query: string; readonly top: number }
  | {
      readonly kind: "save";
      readonly changes: readonly EntryDifference[];
      readonly reveal: boolean;
      readonly top: number;
      readonly leave: boolean;
    }
  | {
      readonly kind: "accept";
      readonly error: TsopsError;
      /** What of the next save is accepted with a yes. */
      readonly accepts: Accepted;
      readonly notes: readonly string[];
      readonly leave: boolean;
      readonly top: number;
      /** What was to be done, where it was no save. */
      readonly change?: KeyChange;
    }
  | { readonly kind: "conflicts"; readonly at: number; readonly reveal: boolean }
  | { readonly kind: "keys"; readonly lines: readonly KeyLine[]; readonly at: number }
  | { readonly kind: "change-keys"; readonly change: KeyChange; readonly before: Mode }
  | {
      readonly kind: "history";
      readonly title: string;
      readonly versions: readonly Version[];
      readonly top: number;
      readonly reveal: boolean;
    }
  | { readonly kind: "leave" }
  | { readonly kind: "reveal-all" };

export interface MenuItem {
  readonly key: string;
  readonly label: string;
  readonly act: Act;
}

/** What a key in the tree, or an item of a menu, does. */
export type Act =
  | { readonly kind: "type"; readonly type: ValueType }
  | { readonly kind: "add"; readonly what: Added }
  | { readonly kind: "filter"; readonly filter: Filter }
  | { readonly kind: "generate"; readonly recipe: Recipe };

export type Filter = "changed" | "plain" | "empty" | "duplicate" | "should-be-encrypted";

/** What comes from outside. */
export type Action =
  | { readonly type: "key"; readonly key: Key }
  | { readonly type: "paste"; readonly text: string }
  | { readonly type: "lost-paste" }
  | { readonly type: "resize"; readonly size: Size }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "blur" }
  | { readonly type: "focus" }
  | { readonly type: "ask"; readonly question: string }
  | {
      readonly type: "unlocked";
      /** What stands in the file: the draft may have changes from before it was locked. */
      readonly saved: Base;
      readonly draft: Draft;
      readonly merge: MergeState | undefined;
      readonly notes: readonly string[];
      readonly about: About;
    }
  | {
      /** The file had changed meanwhile. */
      readonly type: "merged";
      readonly draft: Draft;
      readonly saved: Base;
      readonly merge: MergeState | undefined;
      readonly encrypted: EncryptedText;
      readonly about?: About;
      readonly notes: readonly string[];
      readonly leave: boolean;
    }
  | { readonly type: "locked" }
  | {
      readonly type: "saved";
      readonly draft: Draft;
      readonly encrypted: EncryptedText;
      readonly notes: readonly string[];
      readonly leave: boolean;
    }
  | {
      readonly type: "refused";
      readonly error: TsopsError;
      readonly accepts: Accepted;
      readonly notes: readonly string[];
      readonly leave: boolean;
      readonly change?: KeyChange;
    }
  | {
      readonly type: "keys";
      readonly lines: readonly KeyLine[];
      /** What the file says now, where somebody else has changed it. */
      readonly draft?: Draft;
      readonly about?: About;
      readonly notes: readonly string[];
      readonly encrypted: EncryptedText | undefined;
    }
  | { readonly type: "history"; readonly title: string; readonly versions: readonly Version[] }
  | { readonly type: "failed"; readonly error: unknown; readonly notes?: readonly string[] }
  | {
      readonly type: "edited";
      readonly node: number;
      /** Undefined where it was left as it was. */
      readonly text: string | undefined;
    }
  | { readonly type: "generated"; readonly node: number; readonly text: string }
  | { readonly type: "said"; readonly message: Message };

/** What is known of the file when it is open. */
export interface About {
  readonly selector: Selector | undefined;
  readonly wanted: State["wanted"];
  readonly format: string;
}

/** What is to be done outside. */
export type Effect =
  | { readonly kind: "unlock" }
  | { readonly kind: "answer"; readonly text: string | undefined }
  | { readonly kind: "save"; readonly draft: Draft; readonly accepted: Accepted; readonly leave: boolean }
  | { readonly kind: "lock"; readonly draft: Draft; readonly changed: boolean }
  | { readonly kind: "copy"; readonly text: string; readonly secret: boolean }
  | { readonly kind: "editor"; readonly node: number; readonly name: string; readonly text: string }
  | { readonly kind: "read-file"; readonly node: number; readonly path: string }
  | { readonly kind: "generate"; readonly node: number; readonly recipe: Recipe }
  | { readonly kind: "keys" }
  | { readonly kind: "change-keys"; readonly change: KeyChange; readonly accepted: boolean }
  | {
      readonly kind: "history";
      readonly title: string;
      readonly document: number;
      readonly path: readonly PathElement[];
    }
  | { readonly kind: "suspend" }
  | { readonly kind: "quit" };

export type Result = readonly [State, readonly Effect[]];

export const DEFAULTS: Options = { noReveal: false, hideAfter: 30_000, lockAfter: 600_000, copyFor: 30_000 };

export const nodeOf = (state: State): Node | undefined => state.outline.nodes[state.cursor];

export function isChanged({ draft, saved, held }: State): boolean {
  return held || (draft !== undefined && draft.version !== saved?.version);
}

/** Rows of the screen that show the document: the rest is the head, two lines on the row, and the keys. */
export function rowsOf({ height }: Size): number {
  return Math.max(1, height - 4);
}
