import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { aadOf, type Entry, pathOf, type Reading } from "../../../src/formats/format.ts";
import { Time } from "../../../src/formats/scalar.ts";
import { applyEdits, type Edit } from "../../../src/formats/text.ts";
import { yaml } from "../../../src/formats/yaml/index.ts";
import { readMetadata } from "../../../src/sops/metadata.ts";
import { plaintextOf } from "../../../src/sops/plaintext.ts";
import { METADATA } from "./laws.ts";

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/yaml/${name}`, import.meta.url), "utf8")) as T;
}

/** The reading, or undefined for a text that is refused as it should be: with a place, and none of the text. */
export function tryRead(text: string): Reading | undefined {
  try {
    return yaml.read(text);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    if (text !== "" && error.place === undefined && !/no document/.test(error.message)) {
      throw new Error(`no place: ${error.message}`);
    }
    return undefined;
  }
}

export function failure(run: () => unknown): TsopsError {
  try {
    run();
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** What the entries say that are no comments. A float without a fraction may have become an int. */
export function values({ entries }: { entries: readonly Entry[] }): string[] {
  return entries
    .filter(({ kind }) => kind !== "comment")
    .map((entry) =>
      JSON.stringify([entry.kind, pathOf(entry), entry.in?.document ?? "", loose(entry.value)]),
    );
}

function loose(value: Entry["value"]): string[] {
  if (typeof value === "bigint") return typed(Number(value));
  return typed(Object.is(value, -0) ? 0 : value);
}

function typed(value: Entry["value"]): string[] {
  if (value instanceof Time) return ["time", value.text];
  return [typeof value, Object.is(value, -0) ? "-0" : String(value)];
}

export function comments({ entries }: { entries: readonly Entry[] }): string[] {
  return entries.filter(({ kind, alias }) => kind === "comment" && !alias).map(({ value }) => String(value));
}

export const describe = (reading: Reading): string[] =>
  reading.entries.map((entry) => {
    const { kind, value, inline, lost, alias, anchored } = entry;
    const marks = [inline && "inline", lost && "lost", alias && "alias", anchored && "anchored"].filter(
      Boolean,
    );
    const said = kind === "value" ? `=${typed(value).join(" ")}` : kind;
    const what = kind === "comment" ? `#${value}` : said;
    return [kind === "comment" ? aadOf(entry) : `/${pathOf(entry).join("/")}`, what, ...marks].join(" ");
  });

export const cipher = (i: number): string =>
  `ENC[AES256_GCM,data:${"A/+=".repeat(i % 3)},iv:${i},tag:x==,type:str]`;

export function withMetadata(text: string): string {
  return applyEdits(text, yaml.addMetadata(yaml.read(text), METADATA, {}));
}

/** A text with ciphertexts for all that can be encrypted, aliases written out, and what each stands for. */
export function encrypt(text: string): { text: string; plain: Map<string, Entry> } {
  const reading = yaml.read(text);
  const ciphers = new Map<Entry, string>();
  const plain = new Map<string, Entry>();
  for (const entry of reading.entries) {
    if (entry.value === undefined || entry.value === null || entry.value === "") continue;
    const text = cipher(plain.size);
    ciphers.set(entry, text);
    plain.set(text, entry);
  }
  const edits: Edit[] = [];
  const aliases = new Map<NonNullable<Entry["alias"]>, Entry[]>();
  for (const entry of reading.entries) {
    const { alias, start, end } = entry;
    if (alias) aliases.set(alias, [...(aliases.get(alias) ?? []), entry]);
    else if (ciphers.has(entry)) {
      edits.push({ start, end, text: yaml.spellCipher(reading, entry, ciphers.get(entry)!) });
    }
  }
  for (const [{ start, end, originals }, entries] of aliases) {
    if (![...entries, ...originals].some((entry) => ciphers.has(entry))) continue;
    edits.push({ start, end, text: yaml.expandAlias!(reading, entries, ciphers) });
  }
  return { text: applyEdits(text, edits), plain };
}

/** The text with its ciphertexts spelled as what they stand for, without the metadata: as decrypting makes it. */
export function decrypt(text: string, plain: ReadonlyMap<string, Entry>): string {
  const reading = yaml.read(text);
  const items = reading.entries.map((entry) => {
    const { start, end, value } = entry;
    const original = plain.get(String(value));
    if (!original) return { entry, value, encrypted: false };
    // The ciphertext's span is what spellCipher writes: recorded spellings are found by it.
    assert.is(text.slice(start, end), yaml.spellCipher(reading, entry, String(value)));
    return { entry, value: original.value, encrypted: true };
  });
  const metadata = readMetadata(reading.metadata!.tree);
  const opened = { format: yaml, reading, metadata, items };
  const noLayout = { trusted: false };
  return plaintextOf(opened, yaml.removeMetadata(reading), Buffer.alloc(32), noLayout).text;
}
