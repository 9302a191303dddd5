import type { OpenDocument, Session } from "../document.ts";
import { reopen } from "../document.ts";
import { changed, TsopsError } from "../errors.ts";
import type { Fingerprint } from "../files/read.ts";
import type { Format, PathElement } from "../formats/format.ts";
import { compareGroups } from "../keys/difference.ts";
import { groupsNeeded } from "../keys/metadata.ts";
import { withEndsLike } from "../merge/line-ends.ts";
import { mergePlain } from "../merge/merge.ts";
import { openMerged } from "../merged.ts";
import { type SaveOptions, saveResolved, saveText } from "../save.ts";
import { refuseConflicts } from "../sops/conflicts.ts";
import { type EncryptedText, readEncrypted } from "../sops/decrypt.ts";
import type { Selection, Selector } from "../sops/selection.ts";
import type { Encrypted } from "../sops/work.ts";
import { type Base, readBase } from "./draft/base.ts";
import { type Draft, newDraft, textOf, withText } from "./draft/draft.ts";
import type { Version } from "./state/history.ts";
import type { KeyChange, KeyLine } from "./state/keys-view.ts";
import { type MergeState, newMerge } from "./state/merge.ts";
import type { Accepted } from "./state/state.ts";

/** A file as it was read, before any key is needed. */
export interface Loaded {
  readonly fingerprint: Fingerprint;
  readonly encrypted: EncryptedText;
}

/** A file that is not there yet, and how it is made. */
export interface NewDocument {
  readonly format: Format;
  readonly selector: Selector | undefined;
  readonly selection: Selection;
  readonly indent?: number;
  encrypt(plain: string): Promise<string>;
}

/** What the editor asks of whoever opened it: the command line says which file it is, and what vouches for it. */
export interface Host {
  /** As the person named it. */
  readonly name: string;
  /** How keys are reached. Its prompt asks inside the editor. */
  readonly session: Session;
  /** Reads the file. @throws TsopsError("no-such-file") if a new one is to be made. */
  load(): Promise<Loaded>;
  /** What a file that is not there starts with. */
  create(): Promise<NewDocument>;
  /** The selector of the creation rule for the file, if there is one. */
  ruleSelector(): Promise<Selector | undefined>;
  /** Opens the file: checks MAC and seal, and says what is odd. What fails is not held against the next try. */
  open(loaded: Loaded): Promise<OpenDocument>;
  /**
   * Compares the file with its creation rule, as every command does that writes a file.
   * @param accepted the person has seen the difference and wants to go on.
   * @throws TsopsError("recipients-changed" | "selectors-changed")
   */
  vouch(open: OpenDocument, accepted: boolean): Promise<SaveOptions>;
  /** Says what there is to warn of before a new text is written. */
  check(open: OpenDocument, made: Encrypted, plain: string): Promise<void>;
  /** Replaces the file if it is still what was read. @throws TsopsError("changed-on-disk" | "write") */
  replace(text: string, expected: Fingerprint): Promise<Fingerprint>;
  /** Writes a file that is not there. @throws TsopsError("write") if it is. */
  createFile(text: string): Promise<Fingerprint>;
  /** Who can open the file, and what the creation rule would give it. */
  keys(open: OpenDocument): Promise<KeyLine[]>;
  /**
   * Changes who can open the file, on the disk.
   * @param accepted see `vouch`.
   * @throws TsopsError("recipients-changed" | "selectors-changed")
   */
  changeKeys(open: OpenDocument, change: KeyChange, accepted: boolean): Promise<void>;
  /** What stood at a place in the versions that git has, the newest first. */
  history(document: number, path: readonly PathElement[]): Promise<Version[]>;
  /** What was said since the last time: warnings and remarks that other commands print. */
  notes(): string[];
  /** Forgets passphrases, identities and data keys that were unwrapped. */
  forget(): Promise<void>;
}

/** A document that was opened, or put together with another version. */
export interface Opened {
  readonly draft: Draft;
  /** What stands in the file. */
  readonly saved: Base;
  /** What nobody has decided yet. */
  readonly merge: MergeState | undefined;
}

/** The same after somebody else changed the file. */
export interface TakenOver extends Opened {
  /** What is to be known before it is saved. */
  readonly remarks: readonly string[];
}

/** Who can open the file now, and what it says, where that is not what it said. */
export interface KeysChanged {
  readonly lines: readonly KeyLine[];
  readonly draft: Draft | undefined;
}

const TAKE_OVER = "take over what changed in the file";

/** One file that is edited: the open document with its data key, and what was last written of it. */
export class EditSession {
  readonly #host: Host;
  #loaded: Loaded | undefined;
  #new: NewDocument | undefined;
  #open: OpenDocument | undefined;
  /** The file as git checked it out, where a merge may have written other line ends than those. */
  #checkedOut: string | undefined;
  /** Unsaved changes while the document is locked: encrypted, in memory only. */
  #held: string | undefined;
  #rule: Selector | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  get name(): string {
    return this.#host.name;
  }

  /** Who can read the file and what of it is encrypted, once it is open. */
  get document(): OpenDocument | undefined {
    return this.#open;
  }

  /** Reads the file: its keys can be shown before it is opened. Undefined if there is none, so that it is made. */
  async load(): Promise<EncryptedText | undefined> {
    try {
      this.#loaded = await this.#host.load();
      return this.#loaded.encrypted;
    } catch (error) {
      if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw error;
      this.#new = await this.#host.create();
      return undefined;
    }
  }

  /** The file as it is encrypted, for showing it without a key. */
  get encrypted(): EncryptedText | undefined {
    return this.#loaded?.encrypted;
  }

  /** What the creation rule says to encrypt. */
  get rule(): Selector | undefined {
    return this.#rule;
  }

  get newDocument(): NewDocument | undefined {
    return this.#new;
  }

  get format(): string {
    return (this.#open ?? this.#new ?? this.#loaded?.encrypted)?.format.name ?? "";
  }

  /** Decrypts the file. After `lock`, what was changed before is there again. */
  async unlock(): Promise<Opened> {
    this.#rule = await this.#host.ruleSelector();
    if (this.#new && !this.#loaded) {
      const empty = newDraft(emptyText(this.#new.format), this.#new);
      return { draft: empty, saved: empty.base, merge: undefined };
    }
    const loaded = this.#loaded!;
    const { open, merge } = await withMerge(await this.#host.open(loaded), loaded.encrypted);
    this.#open = open;
    if (open.decrypted.conflicts) this.#checkedOut = loaded.encrypted.reading.text;
    // what will be asked before the file is written is said before anybody works on it
    await this.#host.vouch(open, false).catch(() => undefined);
    const draft = newDraft(open.decrypted.text, settingOf(open));
    const saved = draft.base;
    const held = this.#held;
    if (held === undefined) return { draft, saved, merge };
    const { text } = reopen(open, held).decrypted;
    const base = readBase(text, open.format, open.selection);
    this.#held = undefined;
    return {
      draft: withText(draft, "what was changed before it was locked", base),
      saved,
      merge: undefined,
    };
  }

  /**
   * Puts the changes of a draft together with those that somebody wrote to the file meanwhile, entry by entry. Nothing is
   * written: the person sees the result first.
   */
  async takeOver(draft: Draft): Promise<TakenOver> {
    const before = this.#open!;
    const loaded = await this.#host.load();
    const open = await this.#host.open(loaded);
    closingOnError(open, () => refuseConflicts(open.decrypted.conflicts));
    const texts = { base: before.decrypted.text, ours: textOf(draft), theirs: open.decrypted.text };
    const merged = mergePlain({ format: open.format, ...texts });
    this.#checkedOut = undefined;
    const remarks = remarksOn(before, open);
    before.close();
    this.#open = open;
    this.#loaded = loaded;
    const saved = readBase(open.decrypted.text, open.format, open.selection);
    const base = readBase(merged.text, open.format, open.selection);
    const { conflicts: list, theirs, base: origin, text } = merged;
    return {
      draft: withText({ ...draft, setting: settingOf(open) }, TAKE_OVER, base),
      saved,
      merge: list.length === 0 ? undefined : newMerge(list, { ours: text, theirs, base: origin }),
      remarks,
    };
  }

  /**
   * Drops the data key and everything that is decrypted. Unsaved changes are kept in memory, encrypted with the file's
   * own key. @throws TsopsError if they cannot be encrypted as they are: then nothing is dropped.
   */
  async lock(draft: Draft, changed: boolean): Promise<void> {
    const open = this.#open;
    if (!open) throw new TsopsError("no-such-file", "a new file can be locked only when it is saved");
    // with conflicts that are not decided nothing is locked
    const write = open.decrypted.conflicts ? saveResolved : saveText;
    if (changed) this.#held = write(open, textOf(draft), this.#host.session).text;
    this.close();
    await this.#host.forget();
  }

  /** Writes the draft. Nothing is written if the file has changed since it was read. */
  async save(draft: Draft, accepted: Accepted): Promise<void> {
    const plain = textOf(draft);
    if (!this.#open && !this.#new) {
      throw new TsopsError(
        "no-data-key",
        "the file was written, and cannot be opened here to be changed again",
      );
    }
    if (!this.#open) {
      await this.#createFile(plain);
      return;
    }
    const open = this.#open;
    const options = await this.#host.vouch(open, accepted.drift === true);
    const write = open.decrypted.conflicts ? saveResolved : saveText;
    const made = write(open, plain, this.#host.session, { ...options, raiseVersion: true });
    await this.#host.check(open, made, plain);
    const loaded = this.#loaded!;
    const { text } = made;
    const ended = withEndsLike(text, this.#checkedOut);
    const fingerprint = accepted.gone
      ? await this.#host.createFile(ended)
      : await this.#host.replace(ended, loaded.fingerprint);
    const after = reopen(open, text);
    this.#open = after;
    // nothing that is decrypted may stay with it
    const { format, reading, metadata } = after.decrypted;
    this.#loaded = { fingerprint, encrypted: { format, reading, metadata } };
  }

  async #createFile(plain: string): Promise<void> {
    const { format, encrypt } = this.#new!;
    const text = await encrypt(plain);
    const fingerprint = await this.#host.createFile(text);
    this.#loaded = { fingerprint, encrypted: readEncrypted(text, format) };
    this.#new = undefined;
    try {
      this.#open = await this.#host.open(this.#loaded);
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      throw changed(error, {
        message: `the file was written, but it cannot be opened again here: ${error.message}`,
      });
    }
  }

  async keys(): Promise<KeyLine[]> {
    if (!this.#open) throw new TsopsError("no-such-file", "a new file has no keys before it is saved");
    return await this.#host.keys(this.#open);
  }

  /**
   * Changes who can open the file. A draft without changes stays as it is, unless somebody else has changed the file
   * meanwhile: then it is what the file says now.
   */
  async changeKeys(draft: Draft, change: KeyChange, accepted: boolean): Promise<KeysChanged> {
    const before = this.#open!;
    await this.#host.changeKeys(before, change, accepted);
    const loaded = await this.#host.load();
    const open = await this.#host.open(loaded);
    closingOnError(open, () => refuseConflicts(open.decrypted.conflicts));
    const { text } = open.decrypted;
    const isSame = text === before.decrypted.text && hasSelectorOf(before, open);
    this.#checkedOut = undefined;
    const base = isSame ? undefined : readBase(text, open.format, open.selection);
    before.close();
    this.#open = open;
    this.#loaded = loaded;
    return {
      lines: await this.#host.keys(open),
      draft: base && withText({ ...draft, setting: settingOf(open) }, TAKE_OVER, base),
    };
  }

  async history(document: number, path: readonly PathElement[]): Promise<Version[]> {
    return await this.#host.history(document, path);
  }

  /** What the command line said meanwhile. */
  notes(): string[] {
    return this.#host.notes();
  }

  /** Clears the data key. */
  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }
}

/**
 * A file with the conflicts that a merge left in it. @throws TsopsError("merge-conflict") where they cannot be read: what
 * nobody has decided must not count as decided when the file is saved.
 */
async function withMerge(
  file: OpenDocument,
  { reading }: EncryptedText,
): Promise<{ open: OpenDocument; merge: MergeState | undefined }> {
  if (!file.decrypted.conflicts) return { open: file, merge: undefined };
  try {
    const { open, said, variants } = await openMerged(file, reading.text);
    return { open, merge: newMerge(said.conflicts, variants) };
  } finally {
    file.close();
  }
}

/** What somebody changed meanwhile about who can open the file and what is encrypted: it holds for changes here, too. */
function remarksOn(before: OpenDocument, after: OpenDocument): string[] {
  const added = compareGroups(before.groups, after.groups).flatMap((group) => group.added);
  const keys = added.map(({ kind, id }) => `${kind} ${id}`);
  const fewer = groupsNeeded(after.groups, after.threshold) < groupsNeeded(before.groups, before.threshold);
  const { kind, value } = after.metadata.selector;
  return [
    ...(keys.length > 0 ? [`more can open it now, and could read your changes: ${keys.join(", ")}`] : []),
    ...(fewer ? ["fewer key groups are needed to open it now"] : []),
    ...(hasSelectorOf(before, after)
      ? []
      : [`what is encrypted is decided otherwise now: ${kind}: ${value}`]),
  ];
}

function hasSelectorOf({ metadata: { selector: x } }: OpenDocument, { metadata }: OpenDocument): boolean {
  return x.kind === metadata.selector.kind && x.value === metadata.selector.value;
}

function closingOnError<T>(open: OpenDocument, work: () => T): T {
  try {
    return work();
  } catch (error) {
    open.close();
    throw error;
  }
}

function settingOf(open: OpenDocument) {
  return { format: open.format, selection: open.selection };
}

/** What a new file starts with: what its format needs, and nothing else. */
export function emptyText(format: Format): string {
  return format.name === "json" || format.name === "json5" ? "{}\n" : "";
}
