import type { TreeMap } from "../formats/tree.ts";
import type { Allow, ListName, Unvouched } from "./allow.ts";

/** The names that `--decryption-order` takes, and that reports show. */
export type KindName =
  | "age"
  | "pgp"
  | "kms"
  | "gcp_kms"
  | "hckms"
  | "azure_kv"
  | "hc_vault"
  | "env"
  | "vaultkv"
  | "keywhiz"
  | "cluster"
  | "unknown";

/**
 * A master key as a file or a configuration names it. Plain data: what its kind knows how to use. `fields` is what
 * stands in the file's metadata for it (SPEC section 5), in SOPS's names; unknown fields are kept.
 */
export interface MasterKey {
  readonly kind: KindName;
  /** What identifies it, as SOPS prints it and compares it: a recipient, a fingerprint, an ARN, a URL. */
  readonly id: string;
  /** `enc`, the wrapped data key (or share of it), is missing until the key has wrapped one. */
  readonly fields: TreeMap;
}

/** A group of keys, each of which can open the group's share of the data key (SPEC section 4). */
export type KeyGroup = readonly MasterKey[];

/**
 * What a kind may use of the outside world. The command line fills it from the process, a library caller from where
 * it likes; nothing reads `process.env` behind its back.
 */
export interface KeyContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder, for the places where keys are looked for. */
  readonly home: string;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
  /** Asks the person for a passphrase or PIN without echo; undefined where nobody can be asked. */
  readonly prompt?: (question: string) => Promise<string>;
  readonly warn: (message: string) => void;
  /** Says what a person has to do now, such as touching a key; where it is missing, that is a warning. */
  readonly tell?: (message: string) => void;
  /** Servers, roles, profiles and plugins that the person named or approved. Without it, nothing is vouched for. */
  readonly allow?: () => Promise<Allow>;
  /** What of that `allow` does not have: asks the person, if there is one, or says what to do. */
  readonly vouch?: (list: ListName, value: string) => Promise<"allowed" | Unvouched>;
  /** `examine` makes no connection and sends nothing: it only says what is here. */
  readonly offline?: boolean;
  /** Variables that hold master keys which the configuration names (`env://NAME`): no program gets them. */
  readonly masterVariables?: () => Promise<readonly string[]>;
  /** Results that hold for one run, by kind: identities already loaded, clients, unwrapped keys. */
  readonly cache: Map<string, unknown>;
}

/** What `doctor` says of a key on this machine, found out without decrypting anything. */
export interface Examination {
  /** Whether the key can be used here; undefined if that cannot be known without decrypting. */
  readonly usable: boolean | undefined;
  /** What was found, a line each: credentials and where they come from, region, permission, network; what to do next. */
  readonly lines: readonly string[];
}

export interface OpenerCheck {
  /** What cannot be known before it is opened; a person should read it. */
  readonly remark?: string;
}

/** How the keys of a kind are used. */
export interface KeyUse {
  /**
   * Wraps a data key or share, and gives the key with its new `enc` (and `created_at`, where the kind has it).
   * @throws TsopsError("generic") with the cause in a sentence and a hint.
   */
  wrap(key: MasterKey, dataKey: Uint8Array, context: KeyContext): Promise<MasterKey>;
  /**
   * The key with what its identifier leaves open looked up, such as its version: the one that `wrap` would use now.
   * @throws TsopsError as wrap.
   */
  exact?(key: MasterKey, context: KeyContext): Promise<MasterKey>;
  /**
   * The data key or share, or null if nothing here can open this one ("not mine"). An error means "mine, but broken".
   * The caller owns the buffer and clears it.
   */
  unwrap(key: MasterKey, context: KeyContext): Promise<Buffer | null>;
  /**
   * Whether the key that is named is the one that would open its `enc`, found out without giving anything out, for
   * whom a person is to be asked first. Null if nothing here would. Kinds without it name the key to their service.
   * @throws TsopsError("generic") if another key would, and as unwrap.
   */
  checkOpener?(key: MasterKey, context: KeyContext): Promise<OpenerCheck | null>;
  /** After `unwrap` gave null: what was tried for the key, why it failed, what to do next, a line each. */
  whyNot?(key: MasterKey, context: KeyContext): readonly string[];
  /** Whether the key can be used here, as far as that can be found out without unwrapping anything. Never throws. */
  examine(key: MasterKey, context: KeyContext): Promise<Examination>;
}

/**
 * One kind of master key: a plug. Its file knows its identifiers and its metadata; how its keys are used, with their SDK
 * if there is one, is loaded when that is asked for.
 */
export interface KeyKind extends KeyUse {
  readonly name: KindName;
  /**
   * The list's name in the metadata: `age`, `pgp`, `kms`, …; undefined for kinds that SOPS lacks, whose keys stand in
   * `sops.tsops.keys` with their URI (docs/format.md).
   */
  readonly field: string | undefined;
  /** What the URIs of such keys begin with, for kinds whose keys are stored by URI. */
  readonly schemes?: readonly string[];
  /** What people call it, for messages: "age", "AWS KMS". */
  readonly title: string;
  /**
   * Keys from an identifier list as flags, variables and `.sops.yaml` write it: separated by commas.
   * @throws TsopsError("no-key" | "config" | "usage") if one is malformed; the message names it.
   */
  parse(list: string): MasterKey[];
  /**
   * Whether a key can be one at all: `parse` takes what SOPS takes, which is any text for some kinds. For `config check`.
   * @throws TsopsError that says what is malformed.
   */
  check?(key: MasterKey): void;
  /** The key that an entry of a file's metadata describes. @throws TsopsError("parse") if a needed field is missing. */
  fromMetadata(fields: TreeMap): MasterKey;
}
