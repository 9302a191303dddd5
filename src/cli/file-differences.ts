import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { type Access, closedItems, compare, plainItems, type Version } from "../compare/compare.ts";
import type { Difference } from "../compare/difference.ts";
import type { OpenDocument, Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { readDocument } from "../files/read.ts";
import { statOf } from "../files/stat.ts";
import type { FormatName } from "../formats/format.ts";
import { decodeText, MAX_TEXT_BYTES } from "../formats/text.ts";
import { type Objects, TooLarge } from "../git/objects.ts";
import type { Change } from "../git/staged.ts";
import { groupsFromMetadata, groupsNeeded } from "../keys/metadata.ts";
import { holdsConflicts } from "../sops/conflicts.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import type { Item } from "../sops/items.ts";
import { sealOf } from "../sops/seal.ts";
import { selectorIn } from "../sops/selection.ts";
import { type Content, contentOf, openVersion, readPlain } from "./versions.ts";

/** How a file that is encrypted on one side at least differs from another version of it. */
export interface FileDifference {
  /** As it is shown: from the top of the work tree, or as it was typed. */
  readonly path: string;
  /** What it was called before, if that was something else. */
  readonly from?: string;
  readonly before: SideState;
  readonly after: SideState;
  /** Undefined where one side cannot be read, or not as entries. */
  readonly difference?: Difference;
  /** Whether values were compared; if not, ciphertexts were. */
  readonly opened: boolean;
  /** What a person should know of it, a line each. */
  readonly remarks: readonly string[];
  /** A version could not be read at all, so more may have changed. */
  readonly incomplete?: true;
}

export interface SideState {
  readonly kind: "missing" | "plain" | "encrypted" | "damaged" | "unread" | "conflict";
  readonly format?: FormatName;
}

/** No difference where no side is encrypted, or where both say the same. */
export type Outcome = FileDifference | "not encrypted" | "same";

/** One side, once it is read. */
interface Side {
  readonly content: Content | Missing | Unread;
  /** As the content, where there are ciphertexts and a key opens them. */
  readonly opened?: Opening;
}

interface Missing {
  readonly kind: "missing";
  /** What stands there instead of a file. */
  readonly instead?: string;
}

interface Unread {
  readonly kind: "unread";
  readonly error: TsopsError;
  /** So large that it can be no file of ours. */
  readonly large: boolean;
}

interface Opening {
  readonly open?: OpenDocument;
  /** Why it cannot be opened, or what is wrong with it. */
  readonly error?: TsopsError;
}

const MISSING: Side = { content: { kind: "missing" } };

/** How many versions are kept open: neighbours in a history share them. */
const KEPT = 32;

/** Compares versions of files; what it opened stays open until it is closed. */
export class FileComparison {
  private readonly session: Session;
  private readonly kept = new Map<string, Promise<Side>>();

  constructor(session: Session) {
    this.session = session;
  }

  /** @param top undefined in a bare repository */
  async ofChange(change: Change, objects: Objects, top: string | undefined): Promise<Outcome> {
    const { path, from = path, status } = change;
    if (status === "U") return unmerged(path);
    const [before, after] = await Promise.all([
      this.blob(change.before, from, objects),
      isInWorkTree(change) ? this.workFile(change, top) : this.blob(change.after, path, objects),
    ]);
    return await differenceOf({ path, from, before, after });
  }

  /** Two files that git has nothing to do with. */
  async ofFiles([path, before]: Named, [other, after]: Named): Promise<Outcome> {
    const sides = [await this.side(before, path), await this.side(after, other)] as const;
    return await differenceOf({ path: other, from: path, before: sides[0], after: sides[1] });
  }

  async close(): Promise<void> {
    for (const side of this.kept.values()) await close(side);
    this.kept.clear();
  }

  private async blob(version: Change["after"], path: string, objects: Objects): Promise<Side> {
    if (!version) return MISSING;
    // links and submodules are none of our files
    if (!version.mode.startsWith("100")) return inPlaceOfFile(version.mode);
    const name = `${version.id} ${path}`;
    const known = this.kept.get(name);
    if (known) return await known;
    const reading = this.readBlob(version.id, path, objects);
    this.kept.set(name, reading);
    const side = await reading;
    // others may be large, and nothing of them is open
    if (side.content.kind === "plain") this.kept.delete(name);
    return side;
  }

  private async readBlob(id: string, path: string, objects: Objects): Promise<Side> {
    return await unlessUnread(async () => {
      const object = await objects.read(id);
      if (object) return await this.side(object.bytes, path);
      const message = `its object ${id} is missing in the repository, or damaged`;
      throw new TsopsError("git", `${message}: git cat-file -e says more, and fetches it in a partial clone`);
    });
  }

  private async workFile({ path, after }: Change, top: string | undefined): Promise<Side> {
    const file = join(top ?? "", path);
    if (after && !after.mode.startsWith("100")) return inPlaceOfFile(after.mode);
    if (isLink(file)) return inPlaceOfFile(LINK);
    const info = statOf(file);
    // git takes a pipe for a file; reading it would wait for ever
    if (info && !info.isFile()) return standing("something that is not a file");
    const side = unlessUnread(async () => {
      const { size = 0 } = info ?? {};
      if (size > MAX_TEXT_BYTES) throw new TooLarge("it is too large to be read");
      return await this.side((await readDocument(file)).bytes, path);
    });
    this.kept.set(`work tree ${path}`, side);
    return await side;
  }

  private async side(bytes: Buffer, path: string): Promise<Side> {
    const content = await contentOf(bytes, path);
    return content.kind === "encrypted"
      ? { content, opened: await opening(content.text, this.session) }
      : { content };
  }

  /** Lets go of the versions that were used first. */
  async trim(): Promise<void> {
    for (const [name, side] of this.kept) {
      if (this.kept.size <= KEPT) return;
      this.kept.delete(name);
      await close(side);
    }
  }
}

const LINK = "120000";

function inPlaceOfFile(mode: string): Side {
  return standing(mode === LINK ? "a link" : "a submodule");
}

function standing(instead: string): Side {
  return { content: { kind: "missing", instead } };
}

/** What goes wrong with one version does not hold up the others. */
async function unlessUnread(read: () => Promise<Side>): Promise<Side> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
    return { content: { kind: "unread", error, large: error instanceof TooLarge } };
  }
}

type Named = readonly [path: string, bytes: Buffer];

async function close(side: Promise<Side>): Promise<void> {
  (await side.catch(() => undefined))?.opened?.open?.close();
}

async function opening(text: EncryptedText, session: Session): Promise<Opening> {
  try {
    const { open, broken } = await openVersion(text, session);
    return { open, error: broken };
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
    return { error };
  }
}

/** git gives no id for what only the work tree has. */
function isInWorkTree({ after }: Change): boolean {
  return after !== undefined && /^0+$/.test(after.id);
}

function isLink(path: string): boolean {
  try {
    readlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

function unmerged(path: string): FileDifference {
  const conflict: SideState = { kind: "conflict" };
  const remarks = ["a merge left it in conflict: see tsops git status"];
  return { path, before: conflict, after: conflict, opened: false, remarks };
}

interface Pair {
  readonly path: string;
  readonly from: string;
  readonly before: Side;
  readonly after: Side;
}

async function differenceOf({ path, from, before, after }: Pair): Promise<Outcome> {
  const sides = [before, after];
  if (!sides.some(mayBeOurs)) return "not encrypted";
  if (from === path && sameText(before, after)) return "same";
  const opened = sides.every(({ content, opened }) => content.kind !== "encrypted" || opened?.open);
  const difference = await contentsCompared(before, after, { opened, path });
  return {
    path,
    ...(from === path ? {} : { from }),
    before: stateOf(before),
    after: stateOf(after),
    difference,
    opened,
    remarks: remarksOfBoth(remarksOf(before), remarksOf(after)),
    ...(sides.some(({ content }) => content.kind === "unread") ? { incomplete: true } : {}),
  };
}

function mayBeOurs({ content }: Side): boolean {
  return content.kind === "unread" ? !content.large : ["encrypted", "damaged"].includes(content.kind);
}

/** A file that was only touched, or that git gives other line ends in the work tree. */
function sameText({ content: a }: Side, { content: b }: Side): boolean {
  if (!("bytes" in a && "bytes" in b)) return false;
  const [old, now] = [a, b].map(({ bytes }) => bytes.toString("latin1").replaceAll("\r\n", "\n"));
  return old === now;
}

function stateOf({ content }: Side): SideState {
  const { kind } = content;
  return kind === "encrypted" ? { kind, format: content.text.format.name } : { kind };
}

function remarksOfBoth(before: readonly string[], after: readonly string[]): string[] {
  const both = before.filter((remark) => after.includes(remark));
  const one = (when: string, remarks: readonly string[]) =>
    remarks.filter((remark) => !both.includes(remark)).map((remark) => `${when}: ${remark}`);
  return [...both, ...one("before", before), ...one("after", after)];
}

function remarksOf({ content, opened }: Side): string[] {
  if (content.kind === "damaged" || content.kind === "unread")
    return [`it cannot be read: ${content.error.message}`];
  if (content.kind === "missing" && content.instead)
    return [`it is ${content.instead}, which is not looked into`];
  if (content.kind !== "encrypted") return [];
  const { open, error } = opened ?? {};
  return [
    ...(error && open ? [`changed without its key: ${error.message}`] : []),
    ...(error && !open ? [whyClosed(error)] : []),
    ...(holdsConflicts(content.text.metadata) ? ["it has conflicts of a merge: see tsops git resolve"] : []),
  ];
}

function whyClosed({ code, message }: TsopsError): string {
  return code === "no-data-key"
    ? "no key here opens it (tsops doctor FILE says why), so values are not compared"
    : `it cannot be decrypted, so values are not compared: ${message}`;
}

async function contentsCompared(
  before: Side,
  after: Side,
  { opened, path }: { opened: boolean; path: string },
): Promise<Difference | undefined> {
  const versions: (Version | undefined)[] = [];
  for (const [side, other] of [
    [before, after],
    [after, before],
  ] as const) {
    if (side.content.kind === "damaged" || side.content.kind === "unread") return undefined;
    const version = await versionOf(side, other, { opened, path });
    if (version === "unlike") return undefined;
    versions.push(version);
  }
  return compare(versions[0], versions[1], sameKeys(before, after));
}

/** `unlike`: it has no entries that those of the other side can be compared with. */
async function versionOf(
  { content, opened: { open } = {} }: Side,
  other: Side,
  { opened, path }: { opened: boolean; path: string },
): Promise<Version | "unlike" | undefined> {
  if (!("bytes" in content) || content.kind === "damaged") return undefined;
  if (content.kind === "encrypted") {
    const { text } = content;
    const items: readonly Item[] = opened && open ? open.decrypted.items : closedItems(text);
    return { items, documents: text.reading.documents, access: accessOf(text) };
  }
  // ciphertexts and plaintexts have nothing in common
  if (!opened) return "unlike";
  const reading =
    other.content.kind === "encrypted"
      ? readAs(content.bytes, other.content.text)
      : await readPlain(content.bytes, path);
  return reading ? { items: plainItems(reading), documents: reading.documents } : "unlike";
}

function readAs(bytes: Buffer, { format }: EncryptedText) {
  try {
    return format.read(decodeText(bytes));
  } catch {
    return undefined;
  }
}

function accessOf({ format, metadata }: EncryptedText): Access {
  const { groups, threshold } = groupsOf(metadata.tree);
  return {
    groups,
    threshold: groupsNeeded(groups, threshold),
    selector: selectorIn(format, metadata.selector),
    macOnlyEncrypted: metadata.macOnlyEncrypted,
    sealed: sealOf(metadata) !== undefined,
  };
}

function groupsOf(tree: EncryptedText["metadata"]["tree"]): ReturnType<typeof groupsFromMetadata> {
  try {
    return groupsFromMetadata(tree);
  } catch {
    // opening it has said why
    return { groups: [], threshold: 0 };
  }
}

/** Without the keys, one ciphertext that both sides have shows that the key is the same; nothing shows that it is not. */
function sameKeys(before: Side, after: Side): boolean | undefined {
  const [old, now] = [before.opened?.open, after.opened?.open];
  if (old && now) return old.dataKey.equals(now.dataKey);
  if (before.content.kind !== "encrypted" || after.content.kind !== "encrypted") return undefined;
  const [first, second] = [before.content.text, after.content.text].map(
    (text) => new Set(closedItems(text).flatMap(({ value, encrypted }) => (encrypted ? [value] : []))),
  );
  return [...first!].some((cipher) => second!.has(cipher)) ? true : undefined;
}
