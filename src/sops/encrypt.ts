import { TsopsError } from "../errors.ts";
import { type Alias, aadOf, type Entry, type Format, type Reading, type Wrapper } from "../formats/format.ts";
import { shownPath } from "../formats/path.ts";
import type { Scalar } from "../formats/scalar.ts";
import { applyEdits, type Edit, lineEnding, placeOf } from "../formats/text.ts";
import type { TreeMap } from "../formats/tree.ts";
import { readText } from "../formats/unreadable.ts";
import { type CipherInputs, encryptBytes, encryptValue, valueBytes } from "./cipher.ts";
import { refuseConflicts } from "./conflicts.ts";
import { type Decrypted, decryptText, readEncrypted } from "./decrypt.ts";
import { finishText } from "./finish.ts";
import { inBrackets, isOfUse, type Kept, keepCiphers, reuseKey, type Wanted } from "./kept.ts";
import { treeWith } from "./metadata.ts";
import { plainWarnings, refuseBared } from "./remarks.ts";
import { plainThatSaysMore, saysAll } from "./same.ts";
import type { CipherEdit, Encrypted, EncryptOptions, Plain } from "./work.ts";

/**
 * Encrypts a plaintext document: every selected value and comment is replaced in its place, the rest stays as it is.
 * The result has been decrypted again and compared with `plain` before it is given out.
 * @throws TsopsError("parse") for a text that cannot be read, "already-encrypted" if it has metadata,
 * "tree-encryption" if something in it cannot be encrypted so that it comes back.
 */
export function encryptText(plain: string, format: Format, options: EncryptOptions): Encrypted {
  const reading = options.reading ?? readPlain(plain, format);
  const draft = format.wrapper ? { text: plain, reading } : withBlock(reading, format, options);
  const { text } = write(draft, format, options, plain);
  checkResult(text, format, options, plain);
  const warnings = plainWarnings(reading, format, options.selection, options.previous?.decrypted);
  return { text, reading, warnings };
}

/** A plaintext with the metadata block in it. */
interface Draft {
  readonly text: string;
  /** What it says; may be without the block. */
  readonly reading: Reading;
}

function withBlock(reading: Reading, format: Format, options: EncryptOptions): Draft {
  const { previous, indent } = options;
  const carried = previous && carryBlock(reading, format, previous.decrypted);
  if (carried) return carried;
  const edits = format.addMetadata(reading, skeleton(options), { indent });
  const text = applyEdits(reading.text, edits);
  return { text, reading: staysAsRead(reading, edits) ? reading : format.read(text) };
}

/**
 * Whether what is added leaves all as it was read: it comes behind the last entry, which is a value on one line. A comment
 * could come to belong to something else, also one above a value that is empty, and a value of several lines end
 * elsewhere. Reading takes its time.
 */
function staysAsRead({ text, entries }: Reading, edits: readonly Edit[]): boolean {
  const last = entries.reduce<Entry | undefined>((a, b) => (a && a.end > b.end ? a : b), undefined);
  if (last?.kind !== "value" || last.alias || last !== entries.at(-1)) return false;
  const oneLine = !/[\r\n\u0085\u2028\u2029]/.test(text.slice(last.start, last.end));
  return (
    oneLine && /^[ \t\r\n]*$/.test(text.slice(last.end)) && edits.every(({ start }) => start >= last.end)
  );
}

/** Reads a text that is to be encrypted. @throws TsopsError("parse" | "already-encrypted") */
export function readPlain(plain: string, format: Format): Reading {
  const reading = readText(plain, format);
  if (reading.metadata) throw alreadyEncrypted();
  return reading;
}

/**
 * The same for a plaintext that still has its metadata block in it, as `Decrypted.draft` gives it: the block keeps
 * its place and its formatting, if nothing of the text is lost to it.
 * @param plain what it is a draft of, where it was not changed
 */
export function encryptDraft(draft: string, format: Format, options: EncryptOptions, plain?: string): string {
  const { text, stands } = writeDraft(draft, format, options, plain);
  checkResult(text, format, options, stands);
  return text;
}

function writeDraft(draft: string, format: Format, options: EncryptOptions, plain?: string): Written {
  const reading = format.read(draft);
  const more = plain === undefined ? plainThatSaysMore(reading, format) : undefined;
  if (more === undefined) return write({ text: draft, reading }, format, options, plain);
  return write(withBlock(readPlain(more, format), format, options), format, options, more);
}

/** A whole encrypted file, and the plaintext that it has to decrypt to. */
interface Written {
  readonly text: string;
  readonly stands: string;
}

/** A function of its own: what it makes of a large file is given up before the result is read again. */
function write(draft: Draft, format: Format, options: EncryptOptions, plain?: string): Written {
  if (options.conflicts === undefined) refuseConflicts(options.previous?.decrypted.conflicts);
  if (format.wrapper) return writeWrapped(draft, format, format.wrapper, options);
  const { text, reading } = draft;
  const selected = options.selection(reading.entries);
  refuseBared(reading, options.selection, options.previous?.decrypted, selected);
  const { ciphers, plains, kept } = encryptEntries(reading, selected, options);
  const edits = cipherEdits(reading, format, ciphers, kept);
  return {
    text: finishText({ draft: text, edits, plains, format, options }),
    stands: plain ?? applyEdits(text, format.removeMetadata(reading)),
  };
}

/** A whole file: its ciphertext stands in a document of another format (docs/internals/sops.md §6). */
function writeWrapped(plain: Draft, format: Format, wrapper: Wrapper, options: EncryptOptions): Written {
  const { indent } = options;
  const { reading } = plain;
  const { ciphers, plains } = encryptEntries(reading, options.selection(reading.entries), options);
  const cipher = ciphers.get(reading.entries[0]!) ?? "";
  const before = options.previous?.decrypted.reading;
  let draft: string;
  if (before) {
    const old = before.entries[0]!;
    draft = applyEdits(before.text, [
      { start: old.start, end: old.end, text: format.spellCipher(before, old, cipher) },
    ]);
  } else {
    const bare = wrapper.wrap(cipher, { indent });
    draft = applyEdits(bare, format.addMetadata(wrapper.read(bare), skeleton(options), { indent }));
  }
  const text = finishText({ draft, edits: [], plains, format: wrapper.format, sealedAs: format, options });
  return { text, stands: plain.text };
}

/** The metadata as it is put in first: MAC and the rest are filled in when the text around it is known. */
function skeleton({ metadata, lastModified }: EncryptOptions): TreeMap {
  return treeWith(metadata, { lastmodified: lastModified, mac: "" });
}

/**
 * New ciphertexts for all that is selected, or the old ones where nothing changed. What did not change keeps its type,
 * too: the text says `1` where SOPS prints the float 1.0.
 */
function encryptEntries(reading: Reading, selected: readonly boolean[], options: EncryptOptions) {
  const { previous } = options;
  const wanted: Wanted[] = [];
  const compared: Wanted[] = [];
  for (const [i, entry] of reading.entries.entries()) {
    const value = selected[i] ? valueToEncrypt(entry) : undefined;
    if (value === undefined) continue;
    const comment = entry.kind === "comment";
    const aad = aadOf(entry);
    const compares = previous && isOfUse(previous, value);
    const key = compares ? reuseKey(value, comment, aad, reading.text.slice(entry.start, entry.end)) : "";
    const one = { entry, value, comment, aad, key };
    wanted.push(one);
    if (compares) compared.push(one);
  }
  const ciphers = new Map<Entry, string>();
  const plains: Plain[] = [];
  const kept = new Map<Entry, Kept>();
  const found = previous ? keepCiphers(previous, compared) : [];
  const known = new Map(compared.map(({ entry }, i) => [entry, found[i]]));
  for (const { entry, comment, aad, ...now } of wanted) {
    const old = known.get(entry);
    const value = old?.value ?? now.value;
    const stays = previous?.sameKey ? old : undefined;
    const cipher = stays?.cipher ?? newCipher(value, comment, aad, options);
    ciphers.set(entry, cipher);
    plains.push({ cipher, value, aad, comment });
    if (stays) kept.set(entry, stays);
  }
  return { ciphers, plains, kept };
}

function newCipher(
  value: Exclude<Scalar, null>,
  comment: boolean,
  aad: string,
  inputs: CipherInputs,
): string {
  if (comment) return encryptBytes(valueBytes(value), "comment", aad, inputs);
  return encryptValue(value, aad, inputs);
}

/** Nulls and empty texts are never encrypted. An empty comment in a list would become an item for SOPS, so it is. */
function valueToEncrypt(entry: Entry): Exclude<Scalar, null> | undefined {
  const { value } = entry;
  if (value === undefined || value === null) return undefined;
  if (value !== "") return value;
  return entry.kind === "comment" && entry.in?.kind === "list" ? " " : undefined;
}

/** The replacements in text order. An alias is written out if anything that it repeats is encrypted, here or there. */
function cipherEdits(
  reading: Reading,
  format: Format,
  ciphers: ReadonlyMap<Entry, string>,
  kept: ReadonlyMap<Entry, Kept>,
): CipherEdit[] {
  const edits: CipherEdit[] = [];
  const aliases = new Map<Alias, Entry[]>();
  const together = withComments(reading, format, ciphers, kept);
  const done = new Set(together.flatMap(({ entries }) => entries));
  for (const entry of reading.entries) {
    if (done.has(entry)) continue;
    if (entry.alias) {
      const copies = aliases.get(entry.alias);
      if (copies) copies.push(entry);
      else aliases.set(entry.alias, [entry]);
      continue;
    }
    const cipher = ciphers.get(entry);
    if (cipher === undefined) continue;
    const { start, end } = entry;
    const text = keptText(reading, entry, kept.get(entry)) ?? format.spellCipher(reading, entry, cipher);
    edits.push({ start, end, text, entries: [entry] });
  }
  for (const [alias, entries] of aliases) {
    if (![...entries, ...alias.originals].some((entry) => ciphers.has(entry))) continue;
    if (!format.expandAlias) throw new RangeError(`${format.name} has aliases and cannot expand them`);
    const text = format.expandAlias(reading, entries, ciphers);
    edits.push({ start: alias.start, end: alias.end, text, entries });
  }
  return [...edits, ...together].sort((a, b) => a.start - b.start);
}

/** Values with a comment between their mark and their text: the ciphertext comes before the comment. */
function withComments(
  reading: Reading,
  format: Format,
  ciphers: ReadonlyMap<Entry, string>,
  kept: ReadonlyMap<Entry, Kept>,
): CipherEdit[] {
  const found = [...ciphers.keys()].flatMap((entry) => {
    const around = entry.alias ? undefined : format.aroundComment?.(reading, entry);
    return around && keptText(reading, entry, kept.get(entry)) === undefined ? [{ entry, around }] : [];
  });
  if (found.length === 0) return [];
  const { text, entries } = reading;
  const comments = new Map(
    entries.filter(({ kind, alias }) => kind === "comment" && !alias).map((entry) => [entry.start, entry]),
  );
  return found.flatMap(({ entry, around: { start, mark, comment: at } }) => {
    const comment = comments.get(at);
    if (!comment) return [];
    const note = ciphers.get(comment);
    const behind =
      note === undefined ? text.slice(at, comment.end) : format.spellCipher(reading, comment, note);
    const line = `${ciphers.get(entry)}${text.slice(mark, at) || " "}${behind}`;
    return [{ start, end: entry.end, text: line, entries: [entry, comment] }];
  });
}

/** The ciphertext with what stood around it, if the plaintext is spelled as it was: those bytes stay. */
function keptText({ text }: Reading, entry: Entry, old: Kept | undefined): string | undefined {
  if (old?.spelled === undefined || old.inBrackets !== inBrackets(entry)) return undefined;
  return text.slice(entry.start, entry.end) === old.spelled ? old.raw : undefined;
}

/**
 * The new plaintext with the metadata block of the file as it was, at the place where it was: before the same text,
 * else after the same text. Undefined if neither gives the block back unchanged, or the plaintext has other line ends.
 */
function carryBlock(reading: Reading, format: Format, { draft }: Decrypted): Draft | undefined {
  const plain = reading.text;
  if (lineEnding(plain) !== lineEnding(draft)) return undefined;
  const edits = format.removeMetadata(format.read(draft));
  const [edit] = edits;
  if (!edit || edits.length > 1 || edit.text !== "") return undefined;
  // a block that lost the line break at its end is read as one of a plaintext without it
  if (format.breaksAtEnd && plain.endsWith("\n") && !draft.endsWith("\n")) return undefined;
  const block = draft.slice(edit.start, edit.end);
  const after = draft.slice(edit.end);
  const places: number[] = [];
  if (plain.endsWith(after)) places.push(plain.length - after.length);
  if (plain.startsWith(draft.slice(0, edit.start))) places.push(edit.start);
  for (const at of places) {
    const text = plain.slice(0, at) + block + plain.slice(at);
    const carried = readCarried(text, reading, format);
    if (carried) return { text, reading: carried };
  }
  return undefined;
}

/** Undefined if the block does not come out of the text again, or with it the text says less or something else. */
function readCarried(text: string, plain: Reading, format: Format): Reading | undefined {
  try {
    const reading = format.read(text);
    const comesOut =
      reading.metadata !== undefined && applyEdits(text, format.removeMetadata(reading)) === plain.text;
    return comesOut && saysAll(reading, plain) ? reading : undefined;
  } catch {
    return undefined;
  }
}

/** The last guard: what was encrypted is decrypted again, MAC and seal checked, and compared to the byte. */
function checkResult(text: string, format: Format, options: EncryptOptions, plain: string): void {
  let again: Decrypted | undefined;
  let cause: unknown;
  try {
    again = decryptText(readEncrypted(text, format), options.dataKey, options.selection);
  } catch (error) {
    cause = error;
  }
  if (again?.text !== plain) {
    throw new TsopsError("tree-encryption", "the encrypted file would not decrypt to the same bytes", {
      hint: "nothing was written; please report this with a file that has the same layout and no secrets",
      place: again && placeOf(plain, firstDifference(plain, again.text)),
      cause,
    });
  }
  if (!options.previous) return;
  const { decrypted, others = [], encryptedIn = [] } = options.previous;
  for (const before of new Set([decrypted, ...others, ...encryptedIn])) checkStillEncrypted(before, again);
}

function firstDifference(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

export function alreadyEncrypted(): TsopsError {
  return new TsopsError("already-encrypted", "the file already has a top-level entry named sops", {
    hint: "it is either encrypted already (use edit, set or rotate), or the entry needs another name",
  });
}

/** Nothing that was encrypted in the file as it was may stand in the new one in plaintext, whatever selectors say. */
function checkStillEncrypted(before: Decrypted, now: Decrypted): void {
  const wasEncrypted = new Set<string>();
  for (const { entry, encrypted } of before.items) {
    if (encrypted && entry.kind === "value") wasEncrypted.add(aadOf(entry));
  }
  const bare = now.items.find(
    ({ entry, encrypted }) =>
      entry.kind === "value" &&
      entry.value !== null &&
      entry.value !== "" &&
      !encrypted &&
      wasEncrypted.has(aadOf(entry)),
  )?.entry;
  if (!bare) return;
  throw new TsopsError(
    "selectors-changed",
    `the value at ${shownPath(bare)} was encrypted and would now be written plain`,
    {
      hint: "the file's selectors (unencrypted_suffix, encrypted_regex, …) or its comments changed; correct them first",
    },
  );
}
