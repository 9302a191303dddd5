import type { Scalar } from "./scalar.ts";
import type { Edit } from "./text.ts";
import type { Tree, TreeMap } from "./tree.ts";

export type FormatName = "yaml" | "json" | "dotenv" | "ini" | "binary" | "toml" | "json5";

/** A map key or a list index. */
export type PathElement = string | number;

/**
 * A map or list that holds entries. Entries point to theirs, so a path is a walk up, and what depends on the keys
 * only (AAD, selection) is worked out once for each container.
 */
export interface Container {
  readonly kind: "map" | "list";
  readonly parent?: Container;
  /** Its key in the parent map or its index in the parent list; undefined for the root of a document. */
  readonly key?: PathElement;
  /** Index of the document in the file: YAML can hold several. */
  readonly document: number;
  /** All map keys on the way, each followed by `:`; empty at the root (docs/internals/sops.md §2, AAD). */
  readonly prefix: string;
  /** Span of the whole collection in the text, where it has brackets of its own (flow style, JSON). */
  start?: number;
  end?: number;
  /** What only the adapter understands. */
  style?: unknown;
}

/**
 * One thing that a document says: a value, a comment, or an empty collection. In SOPS's walking order (
 * docs/internals/sops.md §3), each with the span of text that spells it.
 */
export interface Entry {
  readonly kind: "value" | "comment" | "empty-map" | "empty-list";
  /** What holds it. An empty collection at the root of a document has none. */
  readonly in: Container | undefined;
  /** Key or index inside `in`; undefined for comments. Comments do not count for list indices. */
  readonly key: PathElement | undefined;
  /** An empty collection itself, where the comments inside it are entries, too: those come next, and are in this. */
  readonly collection?: Container;
  /**
   * A value's typed value. A comment's text without its mark, as SOPS stores it (`#` in YAML and dotenv; INI keeps
   * what its library keeps). Undefined for empty collections. In an encrypted file the text `ENC[…]`, a string.
   */
  readonly value: Scalar | undefined;
  /** Comments on the line of the value that follows in walking order. */
  readonly inline?: boolean;
  /** The span that encrypting replaces: the scalar with what has to go with it (a tag, a block scalar's lines). */
  readonly start: number;
  readonly end: number;
  /**
   * Set on entries that come from expanding an alias: they have no text of their own, and `start`/`end` are the
   * alias's. All entries of one alias share the object; the outermost alias counts.
   */
  readonly alias?: Alias;
  /** Set on the entries that some alias repeats. */
  readonly anchored?: true;
  /**
   * SOPS loses this comment when it reads the file (docs/internals/yaml-comments.md §6): encrypted all the same. INI
   * keeps a value that an equal key below it hides as such a comment, with its key.
   */
  readonly lost?: true;
  /**
   * A comment that stands in the text as an item of its list, as SOPS writes encrypted ones: whoever cannot decrypt it
   * takes it for a value.
   */
  readonly item?: true;
  /** What only the adapter understands: the scalar's style, its indent, its quotes. */
  readonly style?: unknown;
}

export interface Alias {
  readonly start: number;
  readonly end: number;
  /** Every other entry that this alias repeats, so that one can ask whether any of them is encrypted. */
  readonly originals: readonly Entry[];
}

/** The `sops` entry of an encrypted file. */
export interface MetadataBlock {
  readonly tree: TreeMap;
  /**
   * The scalars of the block with their spans, so that one of them can be changed in its place. Their paths are
   * those of `tree`, from its root (`["mac"]`, `["age", 0, "enc"]`), also where the format flattens them.
   */
  readonly entries: readonly Entry[];
}

/**
 * A place that SOPS reads in another way than whoever wrote it, or than most other programs. `src/sops/remarks.ts` says
 * when that is worth a warning, and when it would leave a secret in plaintext.
 */
export interface Remark {
  /** Offset in the text. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
  /** The entry that the text in question belongs to, as SOPS reads it. */
  readonly of?: Entry;
  /** The value that was meant: if that one is selected, `of` must not stay plain. Need not be one of the reading's. */
  readonly as?: Entry;
  /** Nothing is said where it is encrypted, or was not to be. */
  readonly quiet?: true;
  /** Nothing is refused: where it stays plain, a warning says so. */
  readonly mild?: true;
  /** A new text that holds this is refused where `as` is selected: the name of `of` is a piece of its secret. */
  readonly refused?: true;
  /** About text that no reading of the file sees, so that it is never encrypted. */
  readonly unseen?: true;
}

/** What a format read from a text, once. */
export interface Reading {
  readonly text: string;
  /** Without the metadata's. */
  readonly entries: readonly Entry[];
  /** How many documents the file holds; 1 for all formats but YAML. */
  readonly documents: number;
  readonly metadata?: MetadataBlock;
  /** Keys that occur twice in one map, where the format allows that: offsets of the later ones. */
  readonly duplicates?: readonly number[];
  readonly remarks?: readonly Remark[];
  /** The text that this one is a part of, or came of: what this one does not say of its layout, that one does. */
  readonly like?: Reading;
  /** A key as people see it, where the format has more to it than characters that cannot be seen. */
  readonly seenName?: (key: string) => string;
}

export interface PrintOptions {
  /** Blanks a level; the format's own default if undefined (YAML 4, JSON a tab). docs/internals/sops.md §6. */
  indent?: number;
}

export interface EditOptions extends PrintOptions {
  /** Which document of the file is changed, from 0; the first if undefined. */
  document?: number;
}

/** The document that the ciphertext of a whole file stands in (binary). */
export interface Wrapper {
  /** What it is written in. */
  readonly format: Format;
  /** A new one, without metadata. */
  wrap(cipher: string, options: PrintOptions): string;
  /** Reads one: its only entry is the ciphertext. */
  read(text: string): Reading;
}

/**
 * Text to entries and back, for one format. Pure: no I/O, no clock, no randomness. Reading throws
 * `TsopsError("parse", …)` with the place; nothing else throws except where said.
 */
export interface Format {
  readonly name: FormatName;
  /** Not one of SOPS's: SOPS cannot read such a file. */
  readonly ours?: true;
  /** It has no comments. Those that SOPS puts into lists, as items, are left out of a plaintext. */
  readonly noComments?: true;
  /** Line breaks behind the last value of a document can be part of it, whatever its span says: block scalars. */
  readonly breaksAtEnd?: true;

  /**
   * Set where a plaintext is one value without names, so that no selector counts: its encrypted form is another
   * document.
   */
  readonly wrapper?: Wrapper;
  /**
   * What some neighbouring members of a map are by themselves, if nothing in them refers to other places: a text of the
   * format (whole lines), or one when it is put in brackets (what is between commas).
   */
  readonly pieces?: {
    readonly are: "lines" | "members";
    /** Matches wherever something may refer to another place, or be referred to. */
    readonly linked?: RegExp;
  };
  /** SOPS keeps equal keys without a word, and other readers see one of them: encrypting such a text warns. */
  readonly keepsDuplicates?: true;

  /** Reads a plaintext or an encrypted document; where there is a wrapper, only a plaintext. */
  read(text: string): Reading;

  /**
   * The text to stand at the entry's span for a plaintext value (or a comment's text), keeping the entry's style where
   * the value allows it, else changing as little as can be; a style that only encryption forced (a quoted ciphertext in
   * flow) is given up again. Reading the result gives the same value and type; only a float without a fraction is
   * spelled as SOPS prints it (`1`) in the formats that SOPS has, and so reads as an int (docs/internals/sops.md §6).
   * Where the entry is plain and the value cannot be plain, it is spelled as SOPS prints it.
   * @throws TsopsError("print") if the format cannot hold the value there (a line break in a YAML comment).
   */
  spell(reading: Reading, entry: Entry, value: Scalar): string;
  /** The text to stand at the entry's span for a ciphertext: its style kept, read by SOPS as the string `cipher`. */
  spellCipher(reading: Reading, entry: Entry, cipher: string): string;
  /**
   * Where a comment stands between the mark of a value and its text (`| # comment` in YAML): what of the text a
   * ciphertext takes the place of, which then stands before the comment, and where this one starts. With that, they are
   * one edit.
   */
  aroundComment?(
    reading: Reading,
    entry: Entry,
  ): { start: number; mark: number; comment: number } | undefined;
  /**
   * Where alias expansion exists: the alias written out in place, `texts` giving for each entry of the alias what it
   * holds now: a ciphertext (string) or undefined for the plaintext value it has.
   */
  expandAlias?(reading: Reading, entries: readonly Entry[], ciphers: ReadonlyMap<Entry, string>): string;

  /** Edits that add a metadata block to a plaintext, where SOPS puts and prints it. */
  addMetadata(reading: Reading, metadata: TreeMap, options: PrintOptions): Edit[];
  /** Edits that print the block anew in its place, where more than scalars of it changed. */
  replaceMetadata(reading: Reading, metadata: TreeMap, options: PrintOptions): Edit[];
  /** Edits that take the block away, so that what `addMetadata` was given comes back to the byte. */
  removeMetadata(reading: Reading): Edit[];

  /**
   * Edits on a plaintext that give `path` this value: replaces what stands there, adds the key
   * or item where it is missing, makes missing parents. The rest of the text stays as it is.
   * @throws TsopsError("print") if the format cannot hold the value there, TsopsError("bad-path") as SOPS does.
   */
  set(reading: Reading, path: readonly PathElement[], value: Tree, options: EditOptions): Edit[];
  /** Edits that take away the entry at a path that exists, with its line and the comments on that line. */
  unset(reading: Reading, path: readonly PathElement[], options?: EditOptions): Edit[];

  /**
   * For the seal, which leaves white space out: edits whose texts say what white space means to other readers of the
   * format and not to ours, in text order (docs/format.md). `values` are the decrypted ones of the entries.
   */
  seams?(reading: Reading, values: readonly (Scalar | undefined)[]): readonly Edit[];
  /**
   * For the seal of a file with `mac_only_encrypted`: how an encrypted entry is spelled, as the seal sees it, with all
   * around it that tells other readers what it is. The text of its span without white space if undefined.
   */
  ownText?(reading: Reading, values: readonly (Scalar | undefined)[]): (entry: Entry) => string;
  /**
   * What other readers may take a key, or a section, for: `export A` for `A`. With `mac_only_encrypted` no plain entry
   * may come to hide an encrypted one by such a name.
   */
  commonName?(key: string): string;
  /**
   * The same encrypted text with other line ends, as it may have been before git or an editor changed them. Undefined
   * if there is no such text. CR LF for LF and the reverse where a format has no ways of its own.
   */
  otherLineEnds?(text: string): string | undefined;
  /** Tags that are none of the format's own, and that other programs may take for orders. */
  strangeTags?(reading: Reading): readonly { readonly tag: string; readonly offset: number }[];

  /**
   * A whole file as SOPS prints it, one tree for each document. @throws TsopsError("print") where SOPS exits with 4.
   */
  print(documents: readonly TreeMap[], options: PrintOptions): string;
  /** One value as `decrypt --extract` prints it when it is neither a string nor a map: docs/internals/sops.md §7. */
  printValue(value: Tree, options: PrintOptions): string;
}

/** Path of an entry or container from the root of its document. */
export function pathOf(entry: Entry | Container): PathElement[] {
  const path: PathElement[] = [];
  if (entry.key !== undefined) path.push(entry.key);
  let container = "in" in entry ? entry.in : entry.parent;
  for (; container; container = container.parent) if (container.key !== undefined) path.push(container.key);
  return path.reverse();
}

/** The additional authenticated data of an entry (docs/internals/sops.md §2). */
export function aadOf(entry: Entry): string {
  const prefix = entry.in?.prefix ?? "";
  if (typeof entry.key === "string") return `${prefix}${entry.key}:`;
  return prefix === "" ? ":" : prefix;
}

/** The container for a map or list that stands under `key` in `parent`. */
export function childContainer(kind: "map" | "list", parent: Container, key: PathElement): Container {
  const prefix = typeof key === "string" ? `${parent.prefix}${key}:` : parent.prefix;
  return { kind, parent, key, document: parent.document, prefix };
}

export function rootContainer(document = 0): Container {
  return { kind: "map", document, prefix: "" };
}
