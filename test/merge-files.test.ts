import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openText, type Session } from "../src/document.ts";
import { TsopsError } from "../src/errors.ts";
import { aadOf, type Format } from "../src/formats/format.ts";
import { FORMAT_NAMES, loadFormat } from "../src/formats/index.ts";
import { kindNamed } from "../src/keys/table.ts";
import { mergePlain } from "../src/merge/merge.ts";
import { type MergedFile, mergeVersions, openVersions } from "../src/merge-files.ts";
import { encryptNew, saveText } from "../src/save.ts";
import { valueBytes } from "../src/sops/cipher.ts";
import type { Decrypted } from "../src/sops/decrypt.ts";
import { IDENTITY_FILE, RECIPIENT } from "./support/cli.ts";
import { contextWith } from "./support/keys/contexts.ts";
import { edited } from "./support/merge/edits.ts";
import { readable } from "./support/merge/texts.ts";

const session: Session = { context: contextWith({ SOPS_AGE_KEY_FILE: IDENTITY_FILE }) };

fc.configureGlobal({ includeErrorInReport: true });

/** Three plaintexts, and the same encrypted with one data key. */
interface Versions {
  readonly plain: Readonly<Record<"base" | "ours" | "theirs", string>>;
  readonly encrypted: Readonly<Record<"base" | "ours" | "theirs", string>>;
}

function versions(format: Format): fc.Arbitrary<Versions["plain"]> {
  if (format.wrapper) {
    // what there is to say of whole texts is which of them are equal
    const one = fc.constantFrom("SECRET1", "SECRET2\n", "\u0000\ufeffSECRET3\r\n");
    return fc.record({ base: one, ours: one, theirs: one });
  }
  return fc.tuple(readable(format), fc.gen()).map(([base, g]) => {
    const pick = (limit: number) => g(fc.nat, { max: limit - 1 });
    const side = () => edited(format, base, pick, () => true).text;
    return { base, ours: side(), theirs: side() };
  });
}

/** Undefined for texts that cannot be encrypted. */
async function encrypted(format: Format, plain: Versions["plain"]): Promise<Versions | undefined> {
  try {
    const groups = [kindNamed("age").parse(RECIPIENT, {})];
    const base = (await encryptNew(plain.base, format, { groups, threshold: 0 }, session)).text;
    const open = await openText(base, format, session);
    const side = (name: "ours" | "theirs") => saveText(open, plain[name], session).text;
    return { plain, encrypted: { base, ours: side("ours"), theirs: side("theirs") } };
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

async function merged(format: Format, { base, ours, theirs }: Versions["encrypted"]): Promise<MergedFile> {
  const opened = await openVersions({ base, ours, theirs }, format.name, session);
  try {
    return await mergeVersions(opened, session, { labels: {}, accept: () => false });
  } finally {
    opened.close();
  }
}

/** Its ciphertexts, by where they stand and what they say: those of equal items of a list are all under one name. */
function ciphersOf({ items }: Decrypted): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { entry, value, encrypted } of items) {
    if (!encrypted || entry.alias || value === undefined || value === null) continue;
    const type = typeof value === "bigint" ? "number" : typeof value;
    const name = `${entry.kind} ${aadOf(entry)} ${type} ${valueBytes(value).toString("hex")}`;
    const ciphers = found.get(name) ?? new Set();
    assert.not.ok(ciphers.has(String(entry.value)), "each ciphertext once");
    found.set(name, ciphers.add(String(entry.value)));
  }
  return found;
}

/** Whatever one of the sides says at a place has the ciphertext of that side there; only what none says has a new one. */
function checkCiphers(result: Decrypted, sides: readonly Decrypted[]): void {
  const known = sides.map(ciphersOf);
  for (const [name, ciphers] of ciphersOf(result)) {
    const theirs = new Set(known.flatMap((one) => [...(one.get(name) ?? [])]));
    const kept = [...ciphers].filter((cipher) => theirs.has(cipher)).length;
    assert.is(kept, Math.min(ciphers.size, theirs.size), `${name}: ${kept} of ${ciphers.size} are kept`);
  }
}

for (const name of FORMAT_NAMES) {
  test(`${name}: merged encrypted files say what merged plaintexts say, with ciphertexts of the sides`, async () => {
    const format = await loadFormat(name);
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(versions(format), async (plain) => {
        const three = await encrypted(format, plain);
        if (!three) return;
        tried++;
        const { base, ours, theirs } = three.encrypted;
        const wanted = mergePlain({ format, ...plain });
        const result = await merged(format, three.encrypted);
        assert.is(result.dataKey, "ours");
        assert.is(result.conflicts.length, wanted.conflicts.length);
        const [again, left, right] = await Promise.all(
          [result.text, ours, theirs].map((text) => openText(text, format, session)),
        );
        assert.is(again!.decrypted.text, wanted.text);
        assert.ok(again!.decrypted.sealed);
        checkCiphers(again!.decrypted, [left!.decrypted, right!.decrypted]);

        const other = await merged(format, { base, ours: theirs, theirs: ours });
        assert.is(other.conflicts.length, result.conflicts.length);
        if (result.conflicts.length > 0) return;
        const turned = await openText(other.text, format, session);
        assert.is(turned.decrypted.text, wanted.text, "whichever side is ours");
        checkCiphers(turned.decrypted, [left!.decrypted, right!.decrypted]);
        for (const document of [again!, left!, right!, turned]) document.close();
      }),
      { numRuns: 25 },
    );
    assert.ok(tried > 5, `only ${tried} texts could be encrypted`);
  });
}

test.run();
