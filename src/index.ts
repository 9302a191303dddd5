/**
 * tsops as a library: everything exported here is documented, and nothing else is public.
 *
 * No function here writes to the console, ends the process or changes `process.env`. Importing it loads no key
 * provider's SDK; those load when a key of their kind is used.
 */

import { basename } from "node:path";
import { driftFrom, type Protection, protectedBy, protectionWanted } from "./config/drift.ts";
import { documentTrees, type OpenDocument, openRead, reopen, type Session } from "./document.ts";
import { inFile, TsopsError } from "./errors.ts";
import { replaceFile } from "./files/atomic.ts";
import { withLock } from "./files/lock.ts";
import { fingerprintOf, type ReadFile, readDocument } from "./files/read.ts";
import type { FormatName, PathElement } from "./formats/format.ts";
import { formatOfFile, loadFormat } from "./formats/index.ts";
import { valueAt } from "./formats/path.ts";
import { fromPlain, type PlainValue, toPlain } from "./formats/plain.ts";
import { decodeText, encodeText } from "./formats/text.ts";
import { homeFolder, NO_HOME } from "./home.ts";
import { type Allow, allowAll, namedByKeys } from "./keys/allow-lists.ts";
import { TABLE_OF_KINDS } from "./keys/context.ts";
import { forgetKeys } from "./keys/groups.ts";
import type { MasterKey } from "./keys/kind.ts";
import { groupsFromMetadata } from "./keys/metadata.ts";
import { type KindName, kindNamed } from "./keys/table.ts";
import { keysOfUri } from "./keys/uri.ts";
import { nearest } from "./nearest.ts";
import { readAs, recognize } from "./recognize.ts";
import { driftOfFile, refuseDrift } from "./rule-check.ts";
import { encryptNew, saveSet, saveText, saveUnset } from "./save.ts";
import { forMany } from "./signals.ts";
import type { EncryptedText } from "./sops/decrypt.ts";
import { refuseLost } from "./sops/lost.ts";
import { sealOf } from "./sops/seal.ts";
import { DEFAULT_SELECTOR, type Selector } from "./sops/selection.ts";

export type { ErrorCode, Place } from "./errors.ts";
export { TsopsError } from "./errors.ts";
export type { FormatName, PathElement } from "./formats/format.ts";
export type { PlainValue } from "./formats/plain.ts";
export type { Allow } from "./keys/allow-lists.ts";
export type { KindName } from "./keys/table.ts";
export type { Selector, SelectorKind } from "./sops/selection.ts";

/** How keys are reached, and what text it is. */
export interface Options {
  /** The format of the text; found by the file's name where there is one. */
  format?: FormatName;
  /** age identities (`AGE-SECRET-KEY-1…`). If given, no other place is searched for age identities. */
  identities?: readonly string[];
  /**
   * The variables that say where keys are (`SOPS_AGE_KEY_FILE`, …). Default: `process.env` as it is at the call,
   * or nothing where `identities` are given.
   */
  env?: Readonly<Record<string, string | undefined>>;
  /** The home folder in which keys are looked for. Default: the user's. */
  home?: string;
  /** The kinds of keys in the order in which they are tried. Default age, pgp, then the others. */
  decryptionOrder?: readonly KindName[];
  /** Asks for a passphrase or PIN. Without it, keys that need one cannot be used. */
  prompt?: (question: string) => Promise<string>;
  /** Gets what is odd but no error. Default: dropped. */
  onWarning?: (message: string) => void;
  signal?: AbortSignal;
  /**
   * Servers, AWS roles and profiles, and age plugins that files may make the caller's credentials and data keys be used with
   * (docs/security.md), beside those of `keys` and of the environment. No configuration is read. A key of a file that names others is not tried: where no other
   * key opens the file, that is `no-data-key`, and its hint says why.
   */
  allow?: Partial<Allow>;
  /** Decrypt even if MAC or seal do not match. */
  ignoreMac?: boolean;
  /** Refuse a document without a seal (`seal-missing`): that somebody removed it is noticed. */
  requireSeal?: boolean;
  /**
   * The configuration whose creation rule a file is compared with before it is changed. Default: the nearest `.sops.yaml`
   * or `.sopsrc` from the file's folder upwards. `false`: none.
   */
  config?: string | false;
  /** Change a file although its recipients, threshold or selector are not those of its creation rule. */
  acceptDrift?: boolean;
}

/** Who can decrypt, and what is encrypted. */
export interface EncryptionOptions extends Options {
  /**
   * Master keys: by their URIs (docs/keys.md), `["age:age1…", "awskms://arn:…"]`, or by kind in SOPS's notation,
   * `{ age: ["age1…"], pgp: ["FINGERPRINT"] }`. One group.
   */
  keys?: Recipients;
  /** Several groups, of which `threshold` are needed (default: all). Instead of `keys`. */
  keyGroups?: readonly Recipients[];
  threshold?: number;
  /** Which values are encrypted: one of the six selectors. Default: all but those whose key ends with `_unencrypted`. */
  selector?: Selector;
  macOnlyEncrypted?: boolean;
  /**
   * Encrypt also a document whose values are ciphertexts and that has no metadata. Without it that is `no-metadata`: it is
   * what is left of an encrypted document, whose values nobody could open afterwards.
   */
  encryptTwice?: boolean;
  /** Write tsops's seal (docs/format.md). Default true; with `update`, whether the document had one that holds. */
  seal?: boolean;
  /**
   * The encrypted document to start from: what did not change keeps its ciphertext, keys and selector are its own. Where
   * `keys`, `keyGroups`, `threshold` or `selector` are given too, they must be just those.
   */
  update?: string | Uint8Array;
}

export type Recipients = readonly string[] | { readonly [kind in KindName]?: readonly string[] };

/**
 * Decrypts a document. Returns the plaintext: byte for byte what was encrypted.
 * @throws TsopsError with a stable `code` (docs/errors.md): `no-data-key`, whose `cause` says by its own code why,
 * `mac-mismatch`, `seal-broken`, `parse`, `no-metadata`, …
 */
export async function decrypt(
  document: string | Uint8Array,
  options: Options & { format: FormatName },
): Promise<string> {
  const session = sessionOf(options);
  const open = await openWith(await readAs(toText(document), options.format), options, session);
  closeAll(open, session);
  return open.decrypted.text;
}

/** Decrypts a file. Returns its bytes: those that were encrypted. */
export async function decryptFile(path: string, options: Options = {}): Promise<Buffer> {
  const document = await open(path, options);
  document.close();
  return encodeText(document.text);
}

/**
 * Encrypts a document and returns the encrypted text.
 * @throws TsopsError with a stable `code` (docs/errors.md): `no-key`, `parse`, `already-encrypted`, `tree-encryption`, …;
 * `no-metadata` for what is left of an encrypted document; where a key cannot be used, `key-unavailable`, `access-denied`,
 * `service-unreachable`, …; with `update` also `recipients-changed` and `selectors-changed`.
 */
export async function encrypt(
  document: string | Uint8Array,
  options: EncryptionOptions & { format: FormatName },
): Promise<string> {
  const format = await loadFormat(options.format);
  const plain = toText(document);
  if (!options.encryptTwice) refuseLost(plain, format);
  const session = sessionOf(options);
  if (options.update !== undefined) {
    const open = await openWith(await readAs(toText(options.update), format.name), options, session);
    try {
      refuseDrift(driftFrom(wantedProtection(options, open), protectedBy(open)), options);
      return saveText(open, plain, session, { seal: options.seal ?? open.decrypted.sealed }).text;
    } finally {
      closeAll(open, session);
    }
  }
  const groups = groupsOf(options);
  const encrypted = await encryptNew(
    plain,
    format,
    {
      groups,
      threshold: options.threshold ?? 0,
      selector: options.selector ?? DEFAULT_SELECTOR,
      macOnlyEncrypted: options.macOnlyEncrypted,
      seal: options.seal,
    },
    session,
  );
  return encrypted.text;
}

/**
 * Encrypts a file in its place: it is replaced as a whole, or left as it was. Its other names (hard links), if it has any,
 * go on naming the plaintext.
 */
export async function encryptFile(path: string, options: EncryptionOptions): Promise<void> {
  await withLock(
    path,
    async () => {
      const { bytes, fingerprint } = await readDocument(path);
      try {
        let { format = formatOfFile(basename(path)) } = options;
        if (options.update !== undefined) format = await checkUpdate(path, options.update, options);
        const text = await encrypt(bytes, { ...options, format });
        await replaceFile(path, encodeText(text), { expected: fingerprint });
      } catch (error) {
        throw inFile(error, path);
      }
    },
    { signal: options.signal && forMany(options.signal) },
  );
}

/**
 * Opens an encrypted file, to read and change values. Close it when you are done: that clears its data key.
 */
export async function open(path: string, options: Options = {}): Promise<Document> {
  const file = await readDocument(path);
  try {
    const session = sessionOf(options);
    const opened = await openWith(await readNamed(path, file.bytes, options), options, session);
    const drift = await driftOfFile(path, opened, options);
    return new Document(opened, session, { path, file, mayChange: () => refuseDrift(drift, options) });
  } catch (error) {
    throw inFile(error, path);
  }
}

/** Where a document comes from, and what is checked before it is changed. */
interface Source {
  readonly path: string;
  file: ReadFile;
  /** @throws TsopsError("recipients-changed" | "selectors-changed" | "config") */
  mayChange(): void;
}

/** An encrypted document that is open. Changes keep every ciphertext, and every byte, that they do not concern. */
export class Document {
  #open: OpenDocument;
  readonly #session: Session;
  readonly #source: Source;

  /** @internal Use {@link open}. */
  constructor(opened: OpenDocument, session: Session, source: Source) {
    this.#open = opened;
    this.#session = session;
    this.#source = source;
  }

  get format(): FormatName {
    return this.#open.format.name;
  }

  /** The plaintext. */
  get text(): string {
    return this.#open.decrypted.text;
  }

  /** The encrypted text, with the changes made so far. */
  get encrypted(): string {
    return this.#open.decrypted.reading.text;
  }

  /** Whether the file carries tsops's seal, which was then verified. */
  get sealed(): boolean {
    return this.#open.decrypted.sealed;
  }

  /** The values of the first document; see {@link PlainValue}. `get` is the way to one of them in TypeScript. */
  get data(): PlainValue {
    return toPlain(this.#tree());
  }

  /** The value at a path of keys and list indices; undefined if there is none. */
  get(path: readonly PathElement[]): PlainValue | undefined {
    const value = valueAt(this.#tree(), path);
    return value === undefined ? undefined : toPlain(value);
  }

  /**
   * Sets a value; missing maps and lists on the way are made. Nothing is written to disk before {@link save}.
   * @throws TsopsError("recipients-changed" | "selectors-changed") if the file is not as its creation rule has it: the
   * value could be read by others, or stand in plaintext. So do {@link unset} and {@link setText}.
   */
  set(path: readonly PathElement[], value: PlainValue): void {
    this.#source.mayChange();
    this.#replace(saveSet(this.#open, { path, value: fromPlain(value) }, this.#session, this.#saving));
  }

  /** Takes a value out. @throws TsopsError("bad-path") if there is none. */
  unset(path: readonly PathElement[]): void {
    this.#source.mayChange();
    if (valueAt(this.#tree(), path) === undefined)
      throw new TsopsError("bad-path", "there is no value at this path");
    this.#replace(saveUnset(this.#open, path, this.#session, this.#saving));
  }

  /** Replaces the whole plaintext: what did not change keeps its ciphertext. */
  setText(plain: string): void {
    this.#source.mayChange();
    this.#replace(saveText(this.#open, plain, this.#session, this.#saving).text);
  }

  /** Writes the file: replaced as a whole, or left as it was if it changed on disk meanwhile. */
  async save(): Promise<void> {
    const { path, file } = this.#source;
    const bytes = encodeText(this.encrypted);
    const replace = () => replaceFile(path, bytes, { expected: file.fingerprint });
    await withLock(path, replace, { signal: this.#session.context.signal });
    this.#source.file = { bytes, fingerprint: fingerprintOf(path, bytes) };
  }

  /** Clears the data key. The document can still be read, and no longer be changed. */
  close(): void {
    closeAll(this.#open, this.#session);
  }

  /** A seal vouches for recipients and selectors: only where one did before can that be said again. */
  get #saving() {
    return { seal: this.sealed };
  }

  #tree() {
    return documentTrees(this.#open.decrypted)[0]!;
  }

  #replace(text: string): void {
    this.#open = reopen(this.#open, text);
  }
}

/** Clears the data key, and the copy that is kept so that a key is asked once. */
function closeAll(open: OpenDocument, session: Session): void {
  open.close();
  void forgetKeys(session.context);
}

async function openWith(text: EncryptedText, options: Options, session: Session): Promise<OpenDocument> {
  const { ignoreMac } = options;
  if (options.requireSeal && sealOf(text.metadata) === undefined) {
    await forgetKeys(session.context);
    throw new TsopsError("seal-missing", "the document has no seal, and requireSeal requires one", {
      hint: "SOPS wrote it, or somebody removed the seal: compare it with git's history",
    });
  }
  const opened = await openRead(text, session, { ignoreMac }).catch(async (error) => {
    await forgetKeys(session.context);
    throw error;
  });
  for (const { message } of opened.decrypted.warnings) options.onWarning?.(message);
  return opened;
}

/** Compares the document of `update` with the rule of the file that it is for. @returns its format. */
async function checkUpdate(path: string, update: string | Uint8Array, options: Options): Promise<FormatName> {
  const { format, metadata } = await readNamed(path, update, options);
  const file = { ...groupsFromMetadata(metadata.tree), metadata, format };
  refuseDrift(await driftOfFile(path, file, options), options);
  return format.name;
}

/** What `update` was given beside the document: that, and nothing else, has to be as it says. */
function wantedProtection(options: EncryptionOptions, open: OpenDocument): Protection {
  const { keys, keyGroups, threshold, selector, macOnlyEncrypted } = options;
  return protectionWanted(
    {
      ...((keys || keyGroups) && { groups: groupsOf(options) }),
      ...(threshold !== undefined && { threshold }),
      ...(selector && { selector }),
      ...(macOnlyEncrypted !== undefined && { macOnlyEncrypted }),
    },
    protectedBy(open),
  );
}

function toText(document: string | Uint8Array): string {
  return typeof document === "string" ? document : decodeText(document);
}

/** In the format that the caller names; else that of the file's name, or of the content where that is another one. */
async function readNamed(
  path: string,
  document: string | Uint8Array,
  { format }: Options,
): Promise<EncryptedText> {
  const text = toText(document);
  return format === undefined
    ? await recognize(text, formatOfFile(basename(path)))
    : await readAs(text, format);
}

/** @throws TsopsError("usage") if something is not a key. */
function toGroup(recipients: Recipients): MasterKey[] {
  if (isUris(recipients)) return recipients.flatMap(keysOfUri);
  return Object.entries(recipients).flatMap(([kind, ids]) => ids.flatMap((id) => kindNamed(kind).parse(id)));
}

function isUris(recipients: Recipients): recipients is readonly string[] {
  return Array.isArray(recipients);
}

function groupsOf({ keyGroups, keys }: EncryptionOptions): MasterKey[][] {
  return (keyGroups ?? [keys ?? {}]).map(toGroup);
}

/** All names of options: what is mistyped must not be taken for what is not given (`requireSeal`, `threshold`). */
const OPTION_NAMES = Object.keys({
  format: true,
  identities: true,
  env: true,
  home: true,
  decryptionOrder: true,
  prompt: true,
  onWarning: true,
  signal: true,
  allow: true,
  ignoreMac: true,
  requireSeal: true,
  config: true,
  acceptDrift: true,
  keys: true,
  keyGroups: true,
  threshold: true,
  selector: true,
  macOnlyEncrypted: true,
  encryptTwice: true,
  seal: true,
  update: true,
} satisfies Record<keyof Required<EncryptionOptions>, true>);

/** @throws TsopsError("usage") for an option that there is not. One that is undefined is none. */
function refuseUnknown(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || OPTION_NAMES.includes(name)) continue;
    const meant = nearest(name, OPTION_NAMES);
    throw new TsopsError("usage", `there is no option \`${name}\``, {
      hint: meant ? `did you mean \`${meant}\`?` : `the options are ${OPTION_NAMES.join(", ")}`,
    });
  }
}

function sessionOf(options: EncryptionOptions): Session {
  refuseUnknown(options);
  const given = options.env ?? (options.identities ? {} : process.env);
  const identities = options.identities ? { SOPS_AGE_KEY: options.identities.join("\n") } : {};
  return {
    order: options.decryptionOrder,
    context: {
      env: { ...given, ...identities },
      home: options.home ?? (options.identities && !options.env ? NO_HOME : homeFolder(process.env)),
      now: () => new Date(),
      signal: options.signal && forMany(options.signal),
      allow: async () => allowAll([options.allow ?? {}, namedByKeys(groupsOf(options).flat())]),
      prompt: options.prompt,
      warn: (message) => options.onWarning?.(message),
      kinds: TABLE_OF_KINDS,
      cache: new Map(),
    },
  };
}
