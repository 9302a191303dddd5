import { changed, TsopsError } from "../errors.ts";
import { formatsOfEncrypted } from "../formats/detect.ts";
import { aadOf, type Entry, type Format, pathOf, type Reading } from "../formats/format.ts";
import { type Scalar, sameScalar } from "../formats/scalar.ts";
import { applyEdits, type Edit, lineEnding, placeOf } from "../formats/text.ts";
import { isUtf16, readEncryptedText } from "../formats/unreadable.ts";
import { bareHint } from "./bare.ts";
import { looksEncrypted, openBytes, parseCipher, valueBytes, valueFromBytes } from "./cipher.ts";
import { decryptLayout, fromLines, type LayoutSpan, placeOfSpan } from "./layout.ts";
import { computeMac, verifyMac } from "./mac.ts";
import { type Metadata, noMetadata, readMetadata } from "./metadata.ts";
import { sealOf, verifySeal } from "./seal.ts";
import type { Selection } from "./selection.ts";

/** Something that is not as it should be, and does not stop the work. */
export interface Warning {
  readonly message: string;
  /** Offset in the text that was read. */
  readonly offset: number;
}

/** An encrypted file that was opened. */
export interface Decrypted {
  readonly format: Format;
  readonly reading: Reading;
  readonly metadata: Metadata;
  /** For each entry of the reading: its value, decrypted where it was encrypted. */
  readonly values: readonly (Scalar | undefined)[];
  /** For each entry of the reading: whether it was a ciphertext. */
  readonly encrypted: readonly boolean[];
  /** What stands in the plaintext in the place of ciphertexts. */
  readonly edits: readonly Edit[];
  /** The plaintext, byte for byte what was encrypted. */
  readonly text: string;
  /** The same with the metadata block still in it: what updates start from. */
  readonly draft: string;
  /** Whether the file has a seal, and it was verified. */
  readonly sealed: boolean;
  readonly warnings: readonly Warning[];
}

/**
 * An encrypted text and its metadata, before any key is needed.
 * @throws TsopsError("parse"), with SOPS's exit code 1 for encrypted files, "no-metadata", …
 */
export function readEncrypted(text: string, format: Format): { reading: Reading; metadata: Metadata } {
  // of a CR LF that was cut off at the end of the file
  if (format.breaksAtEnd && text.endsWith("\r")) text = text.slice(0, -1);
  let reading: Reading;
  try {
    reading = readEncryptedText(text, format);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw unreadable(error, text);
  }
  if (!reading.metadata) throw noMetadata(text);
  return { reading, metadata: readMetadata(reading.metadata.tree) };
}

/** What a format says of a text that was to be decrypted: it speaks to those who encrypt, too. */
function unreadable(error: TsopsError, text: string): TsopsError {
  if (error.code === "merge-conflict" || isUtf16(text)) return changed(error, { exit: 1 });
  if (formatsOfEncrypted(text).length === 0) return notEncrypted(text, error);
  if (error.code !== "parse") return error;
  const forEncrypting = error.hint === undefined || /encrypt/.test(error.hint);
  const hint = forEncrypting ? "compare it with its last good version in git" : error.hint;
  return changed(error, { hint, exit: 1 });
}

/** A text without any sign of metadata. What cannot be read at all keeps its code. */
function notEncrypted(text: string, cause: TsopsError): TsopsError {
  const code = cause.code === "parse" ? "parse" : "no-metadata";
  const { message, hint } = noMetadata(text);
  return new TsopsError(code, message, { hint, cause, exit: 1 });
}

/**
 * Opens an encrypted text. MAC and seal are verified before anything is given out, unless `ignoreMac`.
 * @throws TsopsError("tree-decryption") naming the path of a value that does not open, "mac-mismatch", "seal-broken".
 */
export function decryptText(
  opened: { reading: Reading; metadata: Metadata },
  format: Format,
  dataKey: Buffer,
  selection: Selection,
  options: { ignoreMac?: boolean } = {},
): Decrypted {
  const { reading, metadata } = opened;
  const warnings: Warning[] = duplicateWarnings(reading);
  const { values, encrypted } = decryptEntries(reading, selection, dataKey, warnings);
  const removal = format.removeMetadata(reading);
  const seal = sealOf(metadata);
  if (!options.ignoreMac) {
    const mac = computeMac(macItems(reading.entries, values, encrypted), metadata.macOnlyEncrypted);
    verifyMac(metadata.mac, mac, metadata.lastModified, dataKey);
    if (seal !== undefined) {
      verifySeal(seal, { format, reading, metadata, values, encrypted, removal }, dataKey);
    }
  }
  const trusted = seal !== undefined && !options.ignoreMac;
  const spelled = plaintextOf(
    { format, reading, values, encrypted },
    removal,
    recordedLayout(metadata, dataKey),
    {
      ignoreMac: options.ignoreMac,
      // entries are counted, and with mac_only_encrypted plain ones come and go
      trusted: trusted && !metadata.macOnlyEncrypted,
    },
  );
  return {
    format,
    reading,
    metadata,
    values,
    encrypted,
    edits: spelled.edits,
    text: spelled.text,
    get draft() {
      return applyEdits(reading.text, spelled.edits) + spelled.end;
    },
    sealed: trusted,
    warnings,
  };
}

interface Spelled {
  readonly edits: readonly Edit[];
  readonly text: string;
  /** A line break that the last value needs behind it, and that the file had lost. */
  readonly end: string;
}

interface Opened {
  readonly format: Format;
  readonly reading: Reading;
  readonly values: readonly (Scalar | undefined)[];
  readonly encrypted: readonly boolean[];
}

/**
 * The plaintext whose values are those that were verified. A recorded spelling counts only if the text made with it says
 * the same; for one of a single line, a seal that holds has proved that already. Tools cut the line break at the end of a
 * file, and add empty lines: then the block is taken out of the spelled text, which shows what belongs to a block scalar,
 * or the line break is put back; and a recorded spelling may have relied on what stood behind it.
 */
function plaintextOf(
  opened: Opened,
  removal: readonly Edit[],
  recorded: readonly LayoutSpan[],
  { ignoreMac = false, trusted }: { ignoreMac?: boolean; trusted: boolean },
): Spelled {
  const { format, reading, values, encrypted } = opened;
  for (const layout of layoutsToTry(recorded)) {
    const edits = spellPlaintext(format, reading, values, encrypted, layout);
    const sure = layout.length === 0 || (trusted && !layout.some(hasLines));
    const draft = applyEdits(reading.text, edits);
    const kept = (text: string) => ignoreMac || endsAreKept(format, reading, values, edits, text);
    for (const end of ["", lineEnding(reading.text)]) {
      if (!sure && !saysTheSame(format, draft + end, values, reading.entries)) continue;
      const text = applyEdits(reading.text, [...edits, ...removal]);
      if (end === "" && kept(text)) return { edits, text, end };
      const other = withoutBlock(format, draft + end);
      if (other !== undefined && kept(other)) return { edits, text: other, end };
    }
  }
  throw endChanged(reading);
}

function withoutBlock(format: Format, draft: string): string | undefined {
  try {
    return applyEdits(draft, format.removeMetadata(format.read(draft)));
  } catch {
    return undefined;
  }
}

/** Readers differ in which of two equal keys they see. */
export function duplicateWarnings(reading: Reading): Warning[] {
  return (reading.duplicates ?? []).map((offset) => ({ message: "this key occurs twice", offset }));
}

/** The values that the MAC covers: a comment never counts, also where SOPS wrote it as a list item. */
export function* macItems(
  entries: readonly Entry[],
  values: readonly (Scalar | undefined)[],
  encrypted: readonly boolean[],
) {
  for (const [i, entry] of entries.entries()) {
    const value = values[i];
    if (entry.kind === "value" && value !== undefined) yield { value, encrypted: encrypted[i]! };
  }
}

function decryptEntries(reading: Reading, selection: Selection, dataKey: Buffer, warnings: Warning[]) {
  const selected = selection(reading.entries);
  const values: (Scalar | undefined)[] = [];
  const encrypted: boolean[] = [];
  for (const [i, entry] of reading.entries.entries()) {
    let value = entry.value;
    let opened = false;
    if (selected[i] && entry.kind === "comment") {
      const text = decryptComment(entry, dataKey, warnings);
      opened = text !== undefined;
      value = text ?? value;
    } else if (selected[i] && entry.kind === "value" && value !== null && value !== "") {
      value = decryptValue(reading, entry, dataKey);
      opened = true;
    }
    values.push(value);
    encrypted.push(opened);
  }
  return { values, encrypted };
}

function decryptValue(reading: Reading, entry: Entry, dataKey: Buffer): Scalar {
  if (typeof entry.value !== "string" || !entry.value.startsWith("ENC[")) {
    throw notOpened(reading, entry, "is not encrypted, and should be", bareHint([entry]));
  }
  let cipher: ReturnType<typeof parseCipher>;
  try {
    cipher = parseCipher(entry.value);
  } catch (error) {
    throw notOpened(reading, entry, `cannot be decrypted: ${(error as Error).message}`);
  }
  if (cipher.type === "comment") throw notOpened(reading, entry, "is marked as a comment, and is a value");
  const bytes = openBytes(cipher, aadOf(entry), dataKey);
  if (!bytes) {
    throw notOpened(reading, entry, "does not decrypt: it was changed, or moved here from another place");
  }
  const value = valueFromBytes(bytes, cipher.type);
  if (value === undefined) {
    throw notOpened(reading, entry, `was not written as the type that it is marked with (${cipher.type})`);
  }
  return value;
}

/** SOPS's own files have a few comments under an ancestor's path (COMMENTS.md section 7), so those are tried too. */
function decryptComment(entry: Entry, dataKey: Buffer, warnings: Warning[]): string | undefined {
  const text = String(entry.value);
  if (text === "") return undefined;
  const warn = (message: string): undefined => {
    warnings.push({ message, offset: entry.start });
  };
  if (!looksEncrypted(text)) return warn("this comment is not encrypted");
  let cipher: ReturnType<typeof parseCipher>;
  try {
    cipher = parseCipher(text);
  } catch {
    return warn("this comment cannot be decrypted; it is left as it is");
  }
  if (cipher.type !== "comment") return warn("this comment is a ciphertext of a value; it is left as it is");
  const tried = new Set([aadOf(entry)]);
  for (let container = entry.in; container; container = container.parent) tried.add(container.prefix || ":");
  for (const aad of tried) {
    const bytes = openBytes(cipher, aad, dataKey);
    const value = bytes && valueFromBytes(bytes, "comment");
    if (typeof value === "string") return value;
  }
  return warn("this comment does not decrypt; it is left as it is");
}

function notOpened(
  reading: Reading,
  entry: Entry,
  what: string,
  hint = "compare the file with its last good version in git",
): TsopsError {
  const path = pathOf(entry).map((element) => JSON.stringify(element));
  return new TsopsError("tree-decryption", `the value at [${path.join("][")}] ${what}`, {
    place: placeOf(reading.text, entry.start),
    hint,
  });
}

/** The field itself, or nothing. */
function recordedLayout(metadata: Metadata, dataKey: Buffer): LayoutSpan[] {
  const field = metadata.own.get("layout");
  return decryptLayout(typeof field === "string" ? field : undefined, dataKey);
}

/** Those of one line fit wherever their values stand; one of several lines relies on the lines around it. */
function layoutsToTry(layout: readonly LayoutSpan[]): (readonly LayoutSpan[])[] {
  const single = layout.filter((span) => !hasLines(span));
  return [layout, single, []].filter((spans, i, all) => spans.length !== all[i - 1]?.length);
}

function hasLines({ raw }: LayoutSpan): boolean {
  return typeof raw !== "string" || raw.includes("\n");
}

/** Edits that turn ciphertexts into plaintext, with the spellings that are recorded. */
function spellPlaintext(
  format: Format,
  reading: Reading,
  values: readonly (Scalar | undefined)[],
  encrypted: readonly boolean[],
  layout: readonly LayoutSpan[],
): Edit[] {
  const edits = recordedEdits(reading, values, layout);
  const recorded = [...edits];
  let next = 0;
  const order = [...reading.entries.keys()].filter((i) => encrypted[i] && !reading.entries[i]!.alias);
  order.sort((a, b) => reading.entries[a]!.start - reading.entries[b]!.start);
  for (const i of order) {
    const entry = reading.entries[i]!;
    while (next < recorded.length && recorded[next]!.end <= entry.start) next++;
    const covered = next < recorded.length && recorded[next]!.start <= entry.start;
    if (covered) continue;
    edits.push({ start: entry.start, end: entry.end, text: format.spell(reading, entry, values[i]!) });
  }
  return edits;
}

function recordedEdits(
  reading: Reading,
  values: readonly (Scalar | undefined)[],
  layout: readonly LayoutSpan[],
): Edit[] {
  const edits: Edit[] = [];
  for (const span of layout) {
    const place = placeOfSpan(reading, span);
    const text = typeof span.raw === "string" ? span.raw : fromLines(span.raw, values[span.entry]);
    if (place && text !== undefined) edits.push({ ...place, text });
  }
  edits.sort((a, b) => a.start - b.start);
  const clash = edits.some((edit, i) => i > 0 && edit.start < edits[i - 1]!.end);
  return clash ? [] : edits;
}

/**
 * Whether the last value of each document reads in the plaintext as what was verified: line breaks behind a block
 * scalar belong to it, and tools add and remove them at the end of a file.
 */
function endsAreKept(
  format: Format,
  reading: Reading,
  values: readonly (Scalar | undefined)[],
  edits: readonly Edit[],
  text: string,
): boolean {
  if (!format.breaksAtEnd) return true;
  const last = lastValues(reading.entries);
  const starts = new Map(edits.map((edit) => [edit.start, edit.text]));
  const spelling = (i: number) => {
    const { start, end } = reading.entries[i]!;
    return starts.get(start) ?? reading.text.slice(start, end);
  };
  if (!last.some((i) => i !== undefined && spelling(i).includes("\n"))) return true;
  const { entries } = format.read(text);
  const found = lastValues(entries);
  return last.every((i, document) => {
    const j = found[document];
    if (i === undefined || j === undefined) return i === j;
    return sameContent(entries[j]!.value!, values[i]!);
  });
}

/** For each document the index of the entry that is its last value in the text. */
function lastValues(entries: readonly Entry[]): (number | undefined)[] {
  const last: (number | undefined)[] = [];
  for (const [i, entry] of entries.entries()) {
    if (entry.kind !== "value") continue;
    const document = entry.in?.document ?? 0;
    const before = last[document];
    if (before === undefined || entries[before]!.start <= entry.start) last[document] = i;
  }
  return last;
}

function endChanged(reading: Reading): TsopsError {
  return new TsopsError("tree-decryption", "line breaks were added or removed after the last value", {
    place: placeOf(reading.text, reading.text.length),
    hint: "they would become part of it; compare the file with its last good version in git",
  });
}

/** Whether a plaintext draft has these values, in this order, at these paths. */
export function saysTheSame(
  format: Format,
  draft: string,
  values: readonly (Scalar | undefined)[],
  entries: readonly Entry[],
): boolean {
  let reading: Reading;
  try {
    reading = format.read(draft);
  } catch {
    return false;
  }
  const wanted = entries.flatMap((entry, i) =>
    entry.kind === "comment" ? [] : [{ entry, value: values[i] }],
  );
  const found = reading.entries.filter((entry) => entry.kind !== "comment");
  return (
    found.length === wanted.length &&
    found.every((entry, i) => {
      const { entry: other, value } = wanted[i]!;
      if (entry.kind !== other.kind || aadOf(entry) !== aadOf(other) || entry.key !== other.key) return false;
      return entry.kind !== "value" || sameContent(entry.value!, value!);
    })
  );
}

/** Equal values; numbers also across types, since SOPS prints the float 1.0 as `1` (SPEC section 6). */
function sameContent(a: Scalar, b: Scalar): boolean {
  const numbers = [a, b].every((value) => typeof value === "bigint" || typeof value === "number");
  return numbers ? valueBytes(a!).equals(valueBytes(b!)) : sameScalar(a, b);
}
