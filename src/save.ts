/** Saving documents: new ones, and what changed in open ones. */

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { NewFile, OpenDocument, Recipients, Session, SharedKey } from "./document.ts";
import { TsopsError } from "./errors.ts";
import type { Format, PathElement, Reading } from "./formats/format.ts";
import { type Assignment, spellAsGiven } from "./formats/given.ts";
import { inSeconds } from "./formats/scalar.ts";
import { applyEdits } from "./formats/text.ts";
import { type Tree, TreeMap } from "./formats/tree.ts";
import { readText } from "./formats/unreadable.ts";
import { loses } from "./keys/difference.ts";
import { textField } from "./keys/fields.ts";
import { DATA_KEY_BYTES, wrapDataKey } from "./keys/groups.ts";
import type { KeyGroup, MasterKey } from "./keys/kind.ts";
import { GROUP_FIELDS, groupsFromMetadata, groupsToMetadata, ownKeysToMetadata } from "./keys/metadata.ts";
import type { Conflicts } from "./sops/conflicts.ts";
import { encryptDraft, encryptText, readPlain } from "./sops/encrypt.ts";
import { readMetadata, SOPS_VERSION, selectorFields, treeWith } from "./sops/metadata.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector, selectorIn } from "./sops/selection.ts";
import type { Encrypted, EncryptOptions } from "./sops/work.ts";

const STOCK_BYTES = 4096;

/** Encrypts a plaintext with a new data key. */
export async function encryptNew(
  plain: string,
  format: Format,
  file: NewFile,
  session: Session,
): Promise<Encrypted> {
  if (file.groups.every((group) => group.length === 0)) {
    throw new TsopsError("no-key", "there is no master key to encrypt with", {
      exit: 1,
      hint: "name one with --age, --pgp or another key option, or in a creation rule of .sops.yaml or .sopsrc",
    });
  }
  // before any key service is asked for a text that cannot be encrypted
  const reading = readPlain(plain, format);
  const dataKey = file.shared ? Buffer.from(file.shared.dataKey) : randomBytes(DATA_KEY_BYTES);
  try {
    const groups = file.shared?.groups ?? (await wrapDataKey(dataKey, file.groups, file.threshold, session));
    const selector = selectorIn(format, file.selector);
    const metadata = treeWith(new TreeMap(), {
      ...groupFields({ groups, threshold: file.threshold }, new TreeMap()),
      ...selectorFields(selector),
      mac_only_encrypted: file.macOnlyEncrypted ? true : undefined,
      version: SOPS_VERSION,
    });
    return encryptText(plain, format, {
      ...saveOptions(session, dataKey, file.indent),
      selection: await compileSelector(selector ?? DEFAULT_SELECTOR),
      metadata,
      seal: file.seal ?? true,
      reading,
    });
  } finally {
    dataKey.fill(0);
  }
}

export interface SaveOptions {
  /** Write a seal. A file that had one gets a new one in any case unless this is false. Default true. */
  readonly seal?: boolean;
  readonly indent?: number;
  /** The release that is written; only `edit` raises it (docs/internals/sops.md §5). */
  readonly raiseVersion?: boolean;
  /** The new data key, where files share one. */
  readonly shared?: SharedKey;
  /** Another selector than the file's own: what it selects is encrypted from now on. */
  readonly selection?: { readonly selector: Selector; readonly macOnlyEncrypted: boolean };
}

/** The document with a new plaintext: what did not change keeps its ciphertext. */
export function saveText(
  file: OpenDocument,
  plain: string,
  session: Session,
  options: SaveOptions = {},
): Encrypted {
  return encryptText(plain, file.format, updateOptions(file, session, options));
}

export interface DraftOptions extends SaveOptions {
  /** Whether such recipients need a new data key in any case. */
  readonly renew?: (after: Recipients) => Promise<boolean>;
}

/** What was made of a plaintext with metadata, and the recipients that stand in that. */
export interface SavedDraft {
  readonly text: string;
  readonly recipients: Recipients;
}

/**
 * The same for a plaintext with the metadata in it, as `edit --show-master-keys` shows it. Keys that were added there
 * get the data key wrapped; where keys that could open the file cannot any more, it gets a new one.
 */
export async function saveDraft(
  file: OpenDocument,
  draft: string,
  session: Session,
  options: DraftOptions = {},
): Promise<SavedDraft> {
  const { metadata } = readText(draft, file.format);
  if (!metadata) {
    const hint = "leave the part named sops in the text: it says who can open the file";
    throw new TsopsError("no-metadata", "sops metadata not found", { hint });
  }
  const typed = readMetadata(metadata.tree);
  const recipients = groupsFromMetadata(typed.tree);
  const { groups, threshold } = recipients;
  const sameKey = !loses(file, recipients) && !(await options.renew?.(recipients));
  const dataKey = sameKey ? file.dataKey : randomBytes(DATA_KEY_BYTES);
  try {
    const wrapped = await wrapDataKey(dataKey, groups, threshold, session);
    const selection = await compileSelector(typed.selector);
    const text = encryptDraft(draft, file.format, {
      ...updateOptions({ ...file, dataKey, metadata: typed, selection }, session, options),
      previous: { decrypted: file.decrypted, sameKey },
      metadata: treeWith(typed.tree, {
        ...groupFields({ groups: wrapped, threshold }, typed.tree),
        version: options.raiseVersion ? SOPS_VERSION : file.metadata.tree.get("version"),
      }),
    });
    return { text, recipients };
  } finally {
    if (!sameKey) dataKey.fill(0);
  }
}

export interface PlaceOptions extends SaveOptions {
  /** Which document of the file is changed, from 0; the first if undefined. */
  readonly document?: number;
}

/** The document with one value set, as `set` does; the rest of the text stays as it is. */
export function saveSet(
  file: OpenDocument,
  given: Assignment,
  session: Session,
  options: PlaceOptions = {},
): string {
  const { format } = file;
  const { indent, document } = options;
  return saveEdited(file, session, options, (reading) => {
    const edits = format.set(reading, given.path, given.value, { indent, document });
    return spellAsGiven(format, applyEdits(reading.text, edits), given, document);
  });
}

/** The document without the value at a path. */
export function saveUnset(
  file: OpenDocument,
  path: readonly PathElement[],
  session: Session,
  options: PlaceOptions = {},
): string {
  const { document } = options;
  return saveEdited(file, session, options, (reading) =>
    applyEdits(reading.text, file.format.unset(reading, path, { document })),
  );
}

function saveEdited(
  file: OpenDocument,
  session: Session,
  options: SaveOptions,
  change: (reading: Reading) => string,
): string {
  const { format, decrypted } = file;
  const draft = change(format.read(decrypted.draft));
  return encryptDraft(draft, format, updateOptions(file, session, options));
}

/** What the versions of a merged file become together. */
export interface MergeOptions extends SaveOptions {
  readonly recipients: Recipients;
  /** Wrap a new data key: with the old one somebody could open the file who must not. */
  readonly newKey: boolean;
  /** The metadata, but for its recipients. */
  readonly metadata: TreeMap;
  /** The other encrypted versions: what is encrypted in one of them stays so. */
  readonly others: readonly OpenDocument[];
  readonly conflicts: Conflicts | undefined;
}

/**
 * The document as it comes out of a merge. Keys that stay keep what they wrapped, and values keep the ciphertext that one
 * of the versions has under the same data key.
 */
export async function saveMerged(
  file: OpenDocument,
  plain: string,
  session: Session,
  merge: MergeOptions,
): Promise<Encrypted> {
  const { recipients, newKey, metadata, others, conflicts } = merge;
  const { threshold } = recipients;
  const sameKey = others.filter(({ dataKey }) => timingSafeEqual(dataKey, file.dataKey));
  const dataKey = newKey ? randomBytes(DATA_KEY_BYTES) : file.dataKey;
  try {
    const groups = newKey
      ? await wrapDataKey(dataKey, recipients.groups, threshold, session)
      : await wrapForMerge(file, sameKey, recipients, session);
    const options: EncryptOptions = {
      ...updateOptions(file, session, merge),
      dataKey,
      metadata: withRecipients(metadata, { groups, threshold }),
      selection: await compileSelector(readMetadata(metadata).selector),
      conflicts: conflicts ?? "resolved",
      previous: {
        decrypted: file.decrypted,
        sameKey: !newKey,
        others: newKey ? [] : sameKey.map(({ decrypted }) => decrypted),
        encryptedIn: others.map(({ decrypted }) => decrypted),
      },
    };
    return encryptText(plain, file.format, options);
  } finally {
    if (newKey) dataKey.fill(0);
  }
}

/**
 * Keys that ours has keep what they wrapped there, and those of theirs what they wrapped in theirs, if it has a seal: what
 * is wrapped is not sealed, but then somebody who could read the file added the key. Else it is wrapped anew.
 */
async function wrapForMerge(
  file: OpenDocument,
  sameKey: readonly OpenDocument[],
  recipients: Recipients,
  session: Session,
): Promise<readonly KeyGroup[]> {
  const known = [file, ...sameKey.filter(({ decrypted }) => decrypted.sealed)];
  const groups = known.flatMap((one) => (one.groups.length === 1 ? one.groups[0]! : []));
  if (file.groups.length === 1) return await wrapForNew({ ...file, groups: [groups] }, recipients, session);
  // shares of the key, which belong together
  const whole = known.find(
    (one) =>
      one.threshold === recipients.threshold &&
      one.groups.length === recipients.groups.length &&
      one.groups.every((group, i) => sameMembers(group, recipients.groups[i]!)),
  );
  return whole?.groups ?? (await wrapForNew(file, recipients, session));
}

function sameMembers(a: KeyGroup, b: KeyGroup): boolean {
  const has = (group: KeyGroup, { kind, id }: MasterKey) =>
    group.some((other) => other.kind === kind && other.id === id);
  return a.length === b.length && a.every((key) => has(b, key));
}

/** The document without the conflicts of a merge that it held: they are resolved in this text. */
export function saveResolved(
  file: OpenDocument,
  plain: string,
  session: Session,
  options: SaveOptions & { readonly conflicts?: Conflicts } = {},
): Encrypted {
  return encryptText(plain, file.format, {
    ...updateOptions(file, session, options),
    conflicts: options.conflicts ?? "resolved",
  });
}

/** The document with a new data key, for these recipients. Every ciphertext is new. */
export async function saveRotated(
  file: OpenDocument,
  recipients: Recipients,
  session: Session,
  options: SaveOptions = {},
): Promise<string> {
  const { shared } = options;
  const dataKey = shared ? Buffer.from(shared.dataKey) : randomBytes(DATA_KEY_BYTES);
  try {
    const groups =
      shared?.groups ?? (await wrapDataKey(dataKey, recipients.groups, recipients.threshold, session));
    return encryptKept(file, {
      ...(await selectedBy(options, updateOptions(file, session, options))),
      dataKey,
      metadata: withRecipients(metadataFor(file, options), { groups, threshold: recipients.threshold }),
      previous: { decrypted: file.decrypted, sameKey: false },
    });
  } finally {
    dataKey.fill(0);
  }
}

/** The document with the same data key for these recipients; no value changes. */
export async function saveRecipients(
  file: OpenDocument,
  recipients: Recipients,
  session: Session,
  options: SaveOptions = {},
): Promise<string> {
  const groups = await wrapForNew(file, recipients, session);
  return encryptKept(file, {
    ...(await selectedBy(options, updateOptions(file, session, options))),
    keepMac: options.selection === undefined,
    metadata: withRecipients(metadataFor(file, options), { groups, threshold: recipients.threshold }),
  });
}

/**
 * Keys that stay keep what they wrapped, since it is the data key: whoever adds a recipient needs no permission to wrap
 * with the others. Of several groups each has a part of the key, and parts are made anew together.
 */
async function wrapForNew(
  { dataKey, groups: before }: OpenDocument,
  { groups, threshold }: Recipients,
  session: Session,
): Promise<KeyGroup[]> {
  const wrap = (some: readonly KeyGroup[]) => wrapDataKey(dataKey, some, threshold, session);
  if (before.length !== 1 || groups.length !== 1) return await wrap(groups);
  const stays = ({ kind, id }: MasterKey) =>
    before[0]!.find((key) => key.kind === kind && key.id === id && textField(key.fields, "enc") !== "");
  const fresh = groups[0]!.filter((key) => !stays(key));
  const [wrapped = []] = groups[0]!.length > 0 && fresh.length === 0 ? [] : await wrap([fresh]);
  return [groups[0]!.map((key) => stays(key) ?? wrapped[fresh.indexOf(key)]!)];
}

async function selectedBy({ selection }: SaveOptions, options: EncryptOptions): Promise<EncryptOptions> {
  return selection ? { ...options, selection: await compileSelector(selection.selector) } : options;
}

function metadataFor({ metadata: { tree } }: OpenDocument, { selection }: SaveOptions): TreeMap {
  if (!selection) return tree;
  const { selector, macOnlyEncrypted } = selection;
  return treeWith(tree, { ...selectorFields(selector), mac_only_encrypted: macOnlyEncrypted || undefined });
}

/** Encrypts what was decrypted, as it stands. */
function encryptKept(file: OpenDocument, options: EncryptOptions): string {
  const { format, decrypted } = file;
  return encryptDraft(decrypted.draft, format, options, decrypted.text);
}

function updateOptions(file: OpenDocument, session: Session, options: SaveOptions): EncryptOptions {
  const version = options.raiseVersion ? { version: SOPS_VERSION } : {};
  return {
    ...saveOptions(session, file.dataKey, options.indent),
    selection: file.selection,
    metadata: treeWith(file.metadata.tree, version),
    previous: { decrypted: file.decrypted, sameKey: true },
    seal: options.seal ?? true,
  };
}

function saveOptions(session: Session, dataKey: Buffer, indent: number | undefined) {
  const lastModified = inSeconds(session.context.now());
  return { dataKey, random: randomInBulk(), lastModified, indent };
}

/** Asking the system for the IV of each value by itself takes longer than encrypting it. No byte is given out twice. */
function randomInBulk(): (size: number) => Buffer {
  let stock = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (stock.length - used < size) {
      stock = randomBytes(Math.max(size, STOCK_BYTES));
      used = 0;
    }
    used += size;
    return stock.subarray(used - size, used);
  };
}

function withRecipients(tree: TreeMap, recipients: Recipients): TreeMap {
  return treeWith(tree, groupFields(recipients, tree));
}

/** All key fields of the metadata; undefined for the ones that are not used, so that old ones are taken away. */
function groupFields({ groups, threshold }: Recipients, tree: TreeMap): Record<string, Tree | undefined> {
  const given = groupsToMetadata(groups, threshold);
  const own = tree.get("tsops");
  const tsops = treeWith(own instanceof TreeMap ? own : new TreeMap(), { keys: ownKeysToMetadata(groups) });
  return {
    ...Object.fromEntries(GROUP_FIELDS.map((field) => [field, given.get(field)])),
    tsops: tsops.items.length > 0 ? tsops : undefined,
  };
}
