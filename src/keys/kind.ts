import type { TreeMap } from "../formats/tree.ts";
import type { SecretVariables } from "../programs/secret-variables.ts";
import type { AllowedValues, AllowList, Unvouched } from "./allow-list.ts";

/**
 * A master key as a file or a configuration names it. Plain data: what its kind knows how to use. `fields` is what
 * stands in the file's metadata for it (docs/internals/sops.md §5), in SOPS's names; unknown fields are kept.
 */
export interface MasterKey {
  /** The name of its kind (src/keys/table.ts). */
  readonly kind: string;
  /** What identifies it, as SOPS prints it and compares it: a recipient, a fingerprint, an ARN, a URL. */
  readonly id: string;
  /** `enc`, the wrapped data key (or share of it), is missing until the key has wrapped one. */
  readonly fields: TreeMap;
}

/** A group of keys, each of which can open the group's share of the data key (docs/internals/sops.md §4). */
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
  /** Somebody ended the run: what was asked comes to its end, and no service is asked again (src/net/attempt.ts). */
  readonly ending?: AbortSignal;
  /** Asks the person for a passphrase or PIN without echo; undefined where nobody can be asked. */
  readonly prompt?: (question: string) => Promise<string>;
  readonly warn: (message: string) => void;
  /** Says what a person has to do now, such as touching a key; where it is missing, that is a warning. */
  readonly tell?: (message: string) => void;
  /** Servers, roles, profiles and plugins that the person named or approved. Without it, nothing is vouched for. */
  readonly allow?: () => Promise<AllowedValues>;
  /** What of that `allow` does not have: asks the person, if there is one, or says what to do. */
  readonly vouch?: (list: AllowList, value: string) => Promise<"allowed" | Unvouched>;
  /** `examine` makes no connection and sends nothing: it only says what is here. */
  readonly offline?: boolean;
  /** What earlier runs unlocked (`tsops agent`); undefined where nothing is kept over runs. */
  readonly keeper?: () => Promise<Keeper | undefined>;
  /** Variables that hold master keys which the configuration names (`env://NAME`): no program gets them. */
  readonly masterVariables?: () => Promise<readonly string[]>;
  /** The table of kinds: for kinds whose keys others wrap, and for what programs must not get. */
  readonly kinds: Kinds;
  /** Results that hold for one run, by kind: identities already loaded, clients, unwrapped keys. */
  readonly cache: Map<string, unknown>;
  /** Calls that are made with this context get credentials for others (src/net/clock.ts). */
  readonly login?: true;
  /** The keys are used for others, for as long as they ask (src/net/attempt.ts). */
  readonly serves?: true;
}

/** Something that keeps what was unlocked in memory, for later runs of the same person. It never throws. */
export interface Keeper {
  /** What is kept under the first of these names that is known (src/keys/kept.ts makes them). The caller clears it. */
  find(names: readonly string[]): Promise<Kept | undefined>;
  /** A copy of the bytes. What a passphrase opened is kept only after it proved right. */
  keep(sort: "data key" | "unlocked", name: string, bytes: Uint8Array): Promise<void>;
}

export interface Kept {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What `doctor` says of a key on this machine, found out without decrypting anything. */
export interface Examination {
  /** Whether the key can be used here; undefined if that cannot be known without decrypting. */
  readonly usable: boolean | undefined;
  /**
   * What was found, a line each: credentials and where they come from, region, permission, network; what to do next.
   */
  readonly lines: readonly string[];
  /** It is about what the key wrapped for this file, which may be damaged: it says nothing of other files. */
  readonly ofWrapped?: true;
}

export interface OpenerCheck {
  /** What cannot be known before it is opened; a person should read it. */
  readonly remark?: string;
}

/** What is wrong, and then what to do next, a line each. */
export type Lines = readonly [string, ...string[]];

/** What came of unwrapping: a buffer that the caller owns and clears, or what was tried and why it failed. */
export type Opened = { readonly key: Buffer } | { readonly why: Lines };

/** How the keys of a kind are used. */
export interface KeyUse {
  /**
   * Wraps a data key or share, and gives the key with its new `enc` (and `created_at`, where the kind has it).
   * @throws TsopsError with the cause in a sentence, without the key, and a hint.
   */
  wrap(key: MasterKey, dataKey: Uint8Array, context: KeyContext): Promise<MasterKey>;
  /**
   * The key with what its identifier leaves open looked up, such as its version: the one that `wrap` would use now.
   * @throws TsopsError as wrap.
   */
  exact?(key: MasterKey, context: KeyContext): Promise<MasterKey>;
  /**
   * The data key or share, or why nothing here can open this one ("not mine"). An error means "mine, but broken".
   */
  unwrap(key: MasterKey, context: KeyContext): Promise<Opened>;
  /**
   * Whether the key that is named is the one that would open its `enc`, found out without giving anything out, for
   * whom a person is to be asked first. Null if nothing here would. Kinds without it name the key to their service.
   * @throws TsopsError("bad-key") if another key would, and as unwrap.
   */
  checkOpener?(key: MasterKey, context: KeyContext): Promise<OpenerCheck | null>;
  /** Whether the key can be used here, as far as that can be found out without unwrapping anything. Never throws. */
  examine(key: MasterKey, context: KeyContext): Promise<Examination>;
}

/** Something else that wraps and unwraps, such as a key service on another machine. */
export interface KeyService {
  /** For reports: its address. */
  readonly name: string;
  /** As {@link KeyUse.unwrap}. */
  unwrap(key: MasterKey): Promise<Opened>;
  /** As {@link KeyUse.wrap}. */
  wrap(key: MasterKey, dataKey: Uint8Array): Promise<MasterKey>;
}

/** All kinds that there are. */
export interface Kinds {
  readonly all: readonly KeyKind[];
  /** The keys that a URI names; undefined if it is not the URI of a key. @throws TsopsError if it is malformed. */
  keysOfUri(uri: string): MasterKey[] | undefined;
  /** @throws Error if there is no such kind. */
  kindOf(key: MasterKey): KeyKind;
}

/** What is given for all keys of a list: the options of AWS KMS. */
export interface GivenForKeys {
  readonly context?: TreeMap;
  readonly awsProfile?: string;
}

/**
 * One kind of master key: a plug. It is all that the rest of the program knows of the kind, and every list of kinds is
 * made from it: options, variables, configurations, metadata, what the key service speaks, what `doctor` looks at.
 */
export interface KeyKind {
  /** The name that `--decryption-order` takes, and that reports show. */
  readonly name: string;
  /** What people call it, for messages: "age", "AWS KMS". */
  readonly title: string;
  /** How `.sopsrc` and `--key` write its keys. */
  readonly uris: readonly UriForm[];
  /** What an identifier looks like whose scheme was left out: for a hint. */
  readonly bare?: RegExp;
  /** What SOPS calls its keys; kinds that SOPS lacks have their keys in `sops.tsops.keys`, by URI (docs/format.md). */
  readonly sops?: SopsNames;
  /** How key services name its keys, if they can be asked for them. */
  readonly wire?: WireForm;
  /** Its place among the kinds that are tried first: those whose keys are on this machine. */
  readonly triedFirst?: number;
  /** Its keys are used with a role, a profile and an encryption context, each of which may be given for a key. */
  readonly withProfile?: true;
  /** Its keys are held in a secret store, and so cannot wrap a key that another store holds. */
  readonly held?: true;
  /** What of a wrapped key the answer of `doctor` depends on; all of it where this is missing. */
  examinedFor?(key: MasterKey): string;
  /** Servers, roles, profiles and programs that its keys name: nothing is given to them before they are approved. */
  readonly names?: readonly AllowList[];
  /** Environment variables that hold secrets of it. */
  readonly secrets?: SecretVariables;
  /** The variable that a key is held in. */
  variableOf?(id: string): string;
  /**
   * Keys from an identifier list as flags, variables and `.sops.yaml` write it: separated by commas.
   * @throws TsopsError("no-key" | "config" | "usage") if one is malformed; the message names it.
   */
  parse(list: string, given?: GivenForKeys): MasterKey[];
  /**
   * Whether a key can be one at all: `parse` takes what SOPS takes, which is any text for some kinds. For `config
   * check`.
   * @throws TsopsError that says what is malformed.
   */
  check?(key: MasterKey): void;
  /** The key that an entry of a file's metadata describes. @throws TsopsError("parse") if a needed field is missing. */
  fromMetadata(fields: TreeMap): MasterKey;
  /** The identifier without what must not be shown, such as a password in an address. */
  shownId?(id: string): string;
  /** Forms of an identifier that can be compared, the most exact one first; the identifier alone if it is not there. */
  spellings?(id: string): string[];
  /** Whether a key of this kind stands for another one, too: for all versions of it, say. */
  covers?(key: MasterKey, other: MasterKey): boolean;
  /** What access is granted on, where that is less than the identifier says: a key without its version, say. */
  holder?(key: MasterKey): string;
  /** How its keys are used; loaded when one of them is, and only there is an SDK known. */
  use(): Promise<KeyUse>;
}

/** A form of URI for keys of a kind. */
export interface UriForm {
  /** What the URI begins with. */
  readonly scheme: string;
  /** What an identifier has in its place. */
  readonly stands: string;
  readonly example: string;
  /** What stands behind the scheme, as a regular expression: for the JSON schema; the kinds themselves say more. */
  readonly rest: string;
  /** What may stand there and is not part of an identifier. */
  readonly optional?: string;
}

/** Where SOPS names keys of a kind (docs/internals/sops.md §5 and §7). */
export interface SopsNames {
  /** The list in the metadata. */
  readonly field: string;
  /** The list is written in each of several groups, even if it is empty. */
  readonly always?: true;
  /** Fields of an entry that are written even if they are empty. */
  readonly written?: readonly string[];
  /** The option, such as `gcp-kms`; `--add-` and `--rm-` come before it. */
  readonly option: string;
  readonly alias?: string;
  /** What the option lists, for its help: "AWS KMS ARNs". */
  readonly listed: string;
  readonly variable: string;
  /** The field of a creation rule. */
  readonly rule: string;
  /** The rule's field is a list and never a text with commas. */
  readonly ruleIsList?: true;
  /** Empty items in lists of a configuration are passed over. */
  readonly skipsEmpty?: true;
  /** The field of a group in a creation rule: a list of identifiers, or of maps with these fields. */
  readonly group: string;
  readonly groupFields?: readonly string[];
  /** The identifier that such a map says; empty if it says none. The first field is the one that has to be there. */
  readonly groupId?: (text: (field: string) => string) => string;
  /** SOPS puts keys together in other orders than that of the metadata: from options, and from creation rules. */
  readonly place: { readonly option: number; readonly rule: number };
}

/** The kind in the oneof of the message `Key` that key services speak (docs/keyservice.md). */
export interface WireForm {
  readonly name: string;
  readonly number: number;
  /**
   * In the order of their numbers, from 1: the name on the wire, and the one in the metadata (docs/internals/sops.md
   * §5).
   */
  readonly fields: readonly { readonly wire: string; readonly own: string; readonly map?: true }[];
  /** Fields of a key, where they are not those of its metadata. */
  readonly fieldsOf?: (key: MasterKey) => TreeMap;
  /** The service's answer is all that the metadata gets; nothing says when it was made. */
  readonly undated?: true;
  /** @throws TsopsError if a service cannot be asked for this key, since its answer would not say enough. */
  readonly check?: (key: MasterKey) => void;
}
