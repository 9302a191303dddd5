/**
 * The merge of three versions of an encrypted file: their plaintexts in memory, their recipients and selectors as
 * docs/security.md has it, and one encrypted text again.
 */

import { timingSafeEqual } from "node:crypto";
import { type OpenDocument, openRead, openWithKey, type Recipients, type Session } from "./document.ts";
import { inFile, TsopsError } from "./errors.ts";
import { holdsCiphertexts } from "./formats/detect.ts";
import type { Format, FormatName } from "./formats/format.ts";
import { type Tree, TreeMap } from "./formats/tree.ts";
import { compareGroups, differs, loses, sameKey } from "./keys/difference.ts";
import type { KeyGroup } from "./keys/kind.ts";
import { groupsNeeded } from "./keys/metadata.ts";
import { mergePlain, type PlainMerge } from "./merge/merge.ts";
import { patchOf } from "./merge/patch.ts";
import { recipientsTree } from "./merge/recipients.ts";
import { recognize } from "./recognize.ts";
import { type SaveOptions, saveMerged } from "./save.ts";
import type { Conflict, Conflicts, Labels } from "./sops/conflicts.ts";
import type { Warning } from "./sops/decrypt.ts";
import { holdsConflicts } from "./sops/held.ts";
import { selectorFields, treeWith } from "./sops/metadata.ts";
import { type Selector, selectorIn } from "./sops/selection.ts";

/** One version: encrypted and open, or a plaintext. */
export interface Version {
  readonly plain: string;
  readonly open: OpenDocument | undefined;
}

export interface Versions {
  /** Undefined where both sides made the file. */
  readonly base: Version | undefined;
  readonly ours: OpenDocument;
  readonly theirs: Version;
  close(): void;
}

export interface VersionTexts {
  /** Empty or undefined where both sides made the file. */
  readonly base: string | undefined;
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Opens three versions of a file. A data key is asked for once for all versions that have it.
 * @throws TsopsError with the name of the version if ours is not encrypted, one cannot be opened, or it holds conflicts
 * itself.
 */
export async function openVersions(
  texts: VersionTexts,
  named: FormatName,
  session: Session,
): Promise<Versions> {
  const opened: OpenDocument[] = [];
  const close = (): void => {
    for (const document of opened) document.close();
  };
  const keep = (document: OpenDocument): OpenDocument => {
    opened.push(document);
    return document;
  };
  try {
    const ours = keep(
      await inVersion("ours", openRead(await inVersion("ours", recognize(texts.ours, named)), session)),
    );
    const version = async (text: string, name: string): Promise<Version> => {
      const read = await inVersion(name, encryptedOrPlain(text, named, ours.format));
      if (read === undefined) return { plain: text, open: undefined };
      if (read.format !== ours.format) {
        throw new TsopsError(
          "merge-conflict",
          `ours is ${ours.format.name}, and this version is ${read.format.name}`,
          {
            place: { file: name },
          },
        );
      }
      const open =
        (await openWithKey(read, ours.dataKey)) ?? (await inVersion(name, openRead(read, session)));
      return { plain: keep(open).decrypted.text, open };
    };
    const theirs = await version(texts.theirs, "theirs");
    const base = texts.base ? await version(texts.base, "base") : undefined;
    for (const [name, document] of [
      ["ours", ours],
      ["theirs", theirs.open],
    ] as const) {
      if (document && holdsConflicts(document.metadata)) throw unresolved(name);
    }
    return { base, ours, theirs, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function inVersion<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw inFile(error, name);
  }
}

/**
 * Undefined for a plaintext that can be read as what ours is. Ciphertexts whose metadata was cut off are no plaintext: as
 * values they would replace what they stand for.
 */
async function encryptedOrPlain(text: string, named: FormatName, format: Format) {
  try {
    return await recognize(text, named);
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-metadata" || holdsCiphertexts(text)) throw error;
    format.read(text);
    return undefined;
  }
}

function unresolved(name: string): TsopsError {
  return new TsopsError("merge-conflict", "this version holds conflicts of another merge", {
    place: { file: name },
    hint: "resolve them there first: tsops git resolve FILE",
    exit: 1,
  });
}

/** What the result would be like, for whoever compares it with the creation rule. */
export interface Proposal {
  readonly what: "recipients" | "selector";
  readonly format: Format;
  readonly groups: readonly KeyGroup[];
  readonly threshold: number;
  readonly metadata: { readonly selector: Selector; readonly macOnlyEncrypted: boolean };
  /** Theirs has the data key of ours, and its seal holds: somebody with the key wrote it. */
  readonly vouched: boolean;
  /** Everybody who could read the result can read ours already. */
  readonly narrows: boolean;
}

export interface MergeRequest extends SaveOptions {
  readonly labels: Labels;
  /** Whether recipients or selectors that are not the same on all sides are as they should be. */
  readonly accept: (proposal: Proposal) => boolean | Promise<boolean>;
}

export interface MergedFile {
  readonly text: string;
  /** The same before it was encrypted, with what is odd about it and was not in ours. */
  readonly plain: string;
  readonly warnings: readonly Warning[];
  /** Those that the file holds now. */
  readonly conflicts: readonly Conflict[];
  readonly recipients: Recipients;
  /** Whose data key it has, and why it is not that of ours. */
  readonly dataKey: MergedKey;
}

/** Merges three open versions. @throws TsopsError if the result cannot be encrypted as it has to be. */
export async function mergeVersions(
  versions: Versions,
  session: Session,
  request: MergeRequest,
): Promise<MergedFile> {
  const { base, ours, theirs } = versions;
  const { format } = ours;
  const plain = mergePlain({
    format,
    base: base?.plain,
    ours: ours.decrypted.text,
    theirs: theirs.plain,
  });
  const conflicts = [...plain.conflicts];
  const recipients = await settled(recipientsOf(versions), ours, conflicts, (candidate) =>
    accepted({ ...candidate, metadata: ours.metadata }, "recipients", versions, request),
  );
  const selecting = await settled(selectingOf(versions), ours.metadata, conflicts, (metadata) =>
    accepted({ ...recipients, metadata }, "selector", versions, request),
  );
  const dataKey = keyOf(versions, recipients);
  const { text, warnings } = await saveMerged(ours, plain.text, session, {
    ...request,
    recipients,
    newKey: dataKey !== "ours",
    others: theirs.open ? [theirs.open] : [],
    metadata: mergedMetadata(versions, selecting),
    conflicts: conflicts.length > 0 ? heldBy(plain, conflicts, request.labels) : undefined,
  });
  return { text, plain: plain.text, warnings, conflicts, recipients, dataKey };
}

function heldBy(plain: PlainMerge, conflicts: readonly Conflict[], labels: Labels): Conflicts {
  return {
    labels,
    conflicts,
    theirs: patchOf(plain.text, plain.theirs),
    base: plain.base === undefined ? undefined : patchOf(plain.text, plain.base),
  };
}

/** Three values of one kind; undefined as the result where both sides changed theirs. */
interface Three<T> {
  readonly kind: "recipients" | "selector";
  readonly merged: T | undefined;
  readonly differ: boolean;
  readonly shown: (value: T) => Tree;
  readonly sides: { readonly base: T | undefined; readonly ours: T; readonly theirs: T };
}

/** The merged value if it is accepted; else ours, with a conflict. */
async function settled<T>(
  { kind, merged, differ, shown, sides }: Three<T>,
  ours: T,
  conflicts: Conflict[],
  accept: (value: T) => Promise<boolean>,
): Promise<T> {
  if (!differ) return ours;
  if (merged !== undefined && (await accept(merged))) return merged;
  const base = sides.base === undefined ? undefined : shown(sides.base);
  conflicts.push({ document: 0, path: [], kind, base, ours: shown(ours), theirs: shown(sides.theirs) });
  return ours;
}

async function accepted(
  candidate: Recipients & Pick<Proposal, "metadata">,
  what: Proposal["what"],
  { ours, theirs: { open: theirs } }: Versions,
  { accept }: MergeRequest,
): Promise<boolean> {
  const { groups, threshold, metadata } = candidate;
  return await accept({
    what,
    format: ours.format,
    groups,
    threshold,
    metadata,
    vouched: theirs?.decrypted.sealed === true && timingSafeEqual(theirs.dataKey, ours.dataKey),
    narrows:
      compareGroups(ours.groups, groups).every(({ added }) => added.length === 0) &&
      groupsNeeded(ours.groups, ours.threshold) <= groupsNeeded(groups, threshold),
  });
}

function recipientsOf({ base, ours, theirs }: Versions): Three<Recipients> {
  const sides = { base: base?.open && plainRecipients(base.open), ours: plainRecipients(ours) };
  const other = theirs.open ? plainRecipients(theirs.open) : sides.ours;
  return {
    kind: "recipients",
    merged: mergedRecipients(sides.base, sides.ours, other),
    differ: !sameRecipients(sides.ours, other),
    shown: ({ groups, threshold }) =>
      recipientsTree({
        groups: groups.map((group) => group.map(({ kind, id }) => `${kind} ${id}`)),
        needed: groups.length > 1 ? groupsNeeded(groups, threshold) : undefined,
      }),
    sides: { ...sides, theirs: other },
  };
}

const plainRecipients = ({ groups, threshold }: Recipients): Recipients => ({ groups, threshold });

function sameRecipients(x: Recipients, y: Recipients): boolean {
  return (
    x.groups.length === y.groups.length &&
    !differs(compareGroups(x.groups, y.groups)) &&
    groupsNeeded(x.groups, x.threshold) === groupsNeeded(y.groups, y.threshold)
  );
}

/** The keys of each group as sets; undefined if the groups are not the same ones on all sides. */
function mergedRecipients(
  base: Recipients | undefined,
  ours: Recipients,
  theirs: Recipients,
): Recipients | undefined {
  if (sameRecipients(ours, theirs)) return ours;
  if (!base) return undefined;
  if (sameRecipients(base, theirs)) return ours;
  if (sameRecipients(base, ours)) return theirs;
  const number = ours.groups.length;
  if (base.groups.length !== number || theirs.groups.length !== number) return undefined;
  const threshold = one(base.threshold, ours.threshold, theirs.threshold, (x, y) => x === y);
  if (threshold === undefined) return undefined;
  return {
    threshold,
    groups: ours.groups.map((group, i) => mergedGroup(base.groups[i]!, group, theirs.groups[i]!)),
  };
}

function mergedGroup(base: KeyGroup, ours: KeyGroup, theirs: KeyGroup): KeyGroup {
  const has = (group: KeyGroup) => (key: KeyGroup[number]) => group.some((other) => sameKey(other, key));
  const kept = ours.filter((key) => has(theirs)(key) || !has(base)(key));
  return [...kept, ...theirs.filter((key) => !has(base)(key) && !has(ours)(key))];
}

type Selecting = Proposal["metadata"];

function selectingOf({ base, ours, theirs }: Versions): Three<Selecting> {
  const of = (open: OpenDocument): Selecting => open.metadata;
  const [left, right] = [of(ours), theirs.open ? of(theirs.open) : of(ours)];
  const before = base?.open && of(base.open);
  const same = (x: Selecting, y: Selecting): boolean =>
    x.macOnlyEncrypted === y.macOnlyEncrypted && sameSelector(x.selector, y.selector, ours.format);
  return {
    kind: "selector",
    merged: before ? one(before, left, right, same) : undefined,
    differ: !same(left, right),
    shown: ({ selector, macOnlyEncrypted }) =>
      TreeMap.of([
        [selector.kind, selector.value],
        ["mac_only_encrypted", macOnlyEncrypted || undefined],
      ]),
    sides: { base: before, ours: left, theirs: right },
  };
}

function sameSelector(x: Selector, y: Selector, format: Format): boolean {
  const [a, b] = [selectorIn(format, x), selectorIn(format, y)];
  return a?.kind === b?.kind && a?.value === b?.value;
}

/** What one side changed; undefined if both did, in different ways. */
function one<T>(base: T, ours: T, theirs: T, same: (x: T, y: T) => boolean): T | undefined {
  if (same(ours, theirs) || same(base, theirs)) return ours;
  return same(base, ours) ? theirs : undefined;
}

/**
 * Ours, with the selector of the result. Fields that nobody here knows stay as ours has them: one of theirs could name a
 * recipient to another program.
 */
function mergedMetadata({ ours }: Versions, { selector, macOnlyEncrypted }: Selecting): TreeMap {
  return treeWith(ours.metadata.tree, {
    ...(ours.format.wrapper ? {} : selectorFields(selector)),
    mac_only_encrypted: macOnlyEncrypted || undefined,
  });
}

/** `new, …`: theirs has a data key of its own; somebody is no recipient any more. */
export type MergedKey = "ours" | "new, for that of theirs" | "new, for who lost access";

/**
 * Which data key the result has: that of ours, or a new one. A data key that came with theirs is not taken over: whoever
 * knows the recipients can make a file for them with a key of his own, and would read with that what ours added.
 */
function keyOf({ base, ours, theirs: { open: theirs } }: Versions, recipients: Recipients): MergedKey {
  const same = (x: OpenDocument, y: OpenDocument) => timingSafeEqual(x.dataKey, y.dataKey);
  const known = !theirs || same(ours, theirs) || (base?.open !== undefined && same(base.open, theirs));
  if (!known) return "new, for that of theirs";
  const knew = [ours, theirs].some((open) => open && same(open, ours) && loses(open, recipients));
  return knew ? "new, for who lost access" : "ours";
}
