import type { Place, TsopsError } from "../errors.ts";
import type { FormatName } from "../formats/format.ts";
import type { Allow } from "../keys/allow-lists.ts";

import type { Selector } from "../sops/selection.ts";

/** What a configuration file says. `.sops.yaml` and `.sopsrc` are read into the same model. */
export interface Config {
  /** The file that it was read from; absolute where it was loaded from disk. */
  readonly path: string;
  /** The folder that paths in rules are relative to: the file's own. */
  readonly folder: string;
  readonly kind: ConfigKind;
  /**
   * In the order in which they are tried. Undefined if the file has no such list: then it is as if there were no
   * file where keys are looked for, while an empty list matches nothing (docs/internals/sops.md §7).
   */
  readonly rules: readonly Rule[] | undefined;
  readonly destinations: readonly Destination[];
  readonly stores: Stores;
  /** Whether files get the seal of docs/format.md. */
  readonly seal: boolean;
  /** Whether files without a seal are refused. */
  readonly requireSeal: boolean;
  /** Addresses and identities that files may name although no rule does (docs/config.md). */
  readonly allow: Allow;
  /** Names of keys: those of `.sopsrc`, or the anchors that stand before keys in `.sops.yaml`. */
  readonly names: readonly NamedKey[];
  /** Names of groups of keys, with their keys; `.sopsrc` only. */
  readonly groups: ReadonlyMap<string, readonly KeyRef[]>;
  /** What is wrong with the file as a whole: it cannot be used. */
  readonly errors: readonly TsopsError[];
  /** Where secret keys stand in the file, which open what it protects: an error each. */
  readonly secrets: readonly TsopsError[];
  /** Fields that mean nothing. SOPS ignores them. */
  readonly unknown: readonly UnknownField[];
}

export type ConfigKind = "sops-yaml" | "sopsrc";

/** A creation rule: who can read new files of some paths, and which of their values are encrypted. */
export interface Rule {
  /** Its place in the list, from 1. */
  readonly number: number;
  /** What the person calls it; `.sopsrc` only. */
  readonly name?: string;
  readonly place: Place;
  /** Which files it is for; undefined matches every file. */
  readonly pattern?: Pattern;
  /** What its files are where their names do not say it to SOPS. */
  readonly format?: FormatName;
  readonly groups: readonly (readonly KeyRef[])[];
  /** Whether a key that stands twice in a group counts once: in SOPS only inside `key_groups`. */
  readonly distinct: boolean;
  /** How many groups are needed to decrypt; 0 means all (docs/internals/sops.md §4). */
  readonly threshold: number;
  readonly thresholdPlace?: Place;
  /** At most one may be given; more are among the errors. */
  readonly selectors: readonly PlacedSelector[];
  readonly macOnlyEncrypted: boolean;
  /** Which files share one data key, wrapped once, when they are encrypted or rotated together. */
  readonly shareDataKey?: "folder" | "rule";
  /** Keys that stand in the rule but do not count, because `key_groups` does. */
  readonly ignored: readonly { readonly name: string; readonly place: Place }[];
  /** What is wrong with this rule: other rules can be used, as in SOPS. */
  readonly errors: readonly TsopsError[];
}

/** Which paths a rule is for, as the person wrote it and as RE2 expressions, one of which has to match. */
export interface Pattern {
  readonly kind: "path_regex" | "glob";
  readonly text: string;
  /** Of a glob, each by itself. */
  readonly globs?: readonly string[];
  readonly expressions: readonly string[];
  readonly place: Place;
  /**
   * Whether one of the expressions matches somewhere in a text. Compiled once, when first asked for.
   * @throws TsopsError("config") if an expression is invalid.
   */
  compile(): Promise<(text: string) => boolean>;
}

export interface PlacedSelector extends Selector {
  readonly place: Place;
}

/** A master key as a configuration names it, before its kind has read it. */
export interface KeyRef {
  /** The name of its kind. */
  readonly kind: string;
  /** The identifier as the kind's `parse` takes it: a recipient, a fingerprint, an ARN (`ARN+ROLE`), a URL. */
  readonly id: string;
  readonly place: Place;
  /** AWS KMS only. */
  readonly role?: string;
  readonly context?: readonly (readonly [string, string])[];
  readonly profile?: string;
}

export interface NamedKey {
  readonly name: string;
  readonly key: KeyRef;
  readonly place: Place;
}

/** Blanks a level where a store prints a file; undefined is the store's own default (docs/internals/sops.md §6). */
export interface Stores {
  readonly yaml?: number;
  readonly json?: number;
  readonly jsonBinary?: number;
}

/** Where `publish` puts files. Exactly one of the targets is given, unless there is an error. */
export interface Destination {
  readonly number: number;
  readonly name?: string;
  readonly place: Place;
  readonly pattern?: Pattern;
  readonly s3?: { readonly bucket: string; readonly prefix: string };
  readonly gcs?: { readonly bucket: string; readonly prefix: string };
  readonly vault?: {
    /** Empty means the address of the environment. */
    readonly address: string;
    readonly path: string;
    /** Name of the KV mount; `secret/` if empty. */
    readonly mount: string;
    readonly version: 1 | 2;
  };
  /** Not one of SOPS's, like `folder`. */
  readonly azure?: {
    /** The storage account's address for blobs, without a slash at its end. */
    readonly url: string;
    readonly container: string;
    readonly prefix: string;
  };
  /** A folder on this machine; absolute. */
  readonly folder?: string;
  readonly omitExtensions: boolean;
  /** Whom the published file is encrypted for; without keys it is published as it is. */
  readonly recreation: Rule;
  readonly errors: readonly TsopsError[];
}

export interface UnknownField {
  readonly name: string;
  readonly place: Place;
  /** Where it stands, for messages: "creation rule 2". */
  readonly where: string;
  /** The fields that would mean something there. */
  readonly known: readonly string[];
}
