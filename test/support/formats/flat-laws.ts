import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type Format, pathOf } from "../../../src/formats/format.ts";
import { applyEdits, decodeText } from "../../../src/formats/text.ts";
import { TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { said } from "./laws.ts";

/** Metadata for formats in which everything is text, with all that is awkward in a value. */
export const FLAT_METADATA = TreeMap.of([
  [
    "age",
    new TreeList([
      TreeMap.of([
        ["enc", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"],
        ["recipient", "age1qqq"],
      ]),
    ]),
  ],
  ["encrypted_regex", "^(a|b#c;d)$"],
  [
    "kms",
    new TreeList([
      TreeMap.of([
        ["arn", "arn:aws:kms:x"],
        ["aws_profile", ""],
      ]),
    ]),
  ],
  ["lastmodified", "2026-01-02T03:04:05Z"],
  ["mac", "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"],
  [
    "tsops",
    TreeMap.of([
      ["layout", " lead, ` and trail "],
      ["seal", "v1:<&>=="],
    ]),
  ],
  ["version", "3.13.3"],
]);

const OTHER = TreeMap.of([
  ["mac", "m"],
  ["pgp", new TreeList([TreeMap.of([["fp", "F"]])])],
]);

/** A block that is added reads as it was given, changes nothing else, can be replaced, and goes without a trace. */
export function flatMetadataLaw(format: Format, text: string): void {
  const reading = format.read(text);
  if (reading.metadata) return;
  const added = applyEdits(text, format.addMetadata(reading, FLAT_METADATA, {}));
  const again = format.read(added);
  assert.deepEqual(again.metadata?.tree, FLAT_METADATA);
  assert.deepEqual(again.entries.map(said), reading.entries.map(said));
  assert.equal(applyEdits(added, format.removeMetadata(again)), text);
  for (const entry of again.metadata.entries) {
    const span = added.slice(entry.start, entry.end);
    assert.equal(format.spell(again, entry, entry.value!), span, String(pathOf(entry)));
  }
  const replaced = applyEdits(added, format.replaceMetadata(again, OTHER, {}));
  const third = format.read(replaced);
  assert.deepEqual(third.metadata?.tree, OTHER);
  assert.deepEqual(third.entries.map(said), reading.entries.map(said));
  assert.equal(applyEdits(replaced, format.removeMetadata(third)), text);
}

const GOLDEN = new URL("../../../fixtures/golden/", import.meta.url);

export interface GoldenCase {
  readonly name: string;
  readonly plain: string;
  readonly encrypted: string;
  /** What SOPS prints when it decrypts. */
  readonly printed: string;
  readonly indent: number | undefined;
}

/** The cases with a plaintext, SOPS's encryption of it, and what SOPS makes of that, for one extension. */
export function goldenCases(extension: string): GoldenCase[] {
  const file = (path: string): string => decodeText(readFileSync(new URL(path, GOLDEN)));
  /** Nothing that was printed has no file. */
  const output = (path: string): string => (existsSync(new URL(path, GOLDEN)) ? file(path) : "");
  return readdirSync(GOLDEN).flatMap((name) => {
    const wanted = [`in/plain.${extension}`, `in/golden.enc.${extension}`];
    if (!wanted.every((path) => existsSync(new URL(`${name}/${path}`, GOLDEN)))) return [];
    const { steps } = JSON.parse(file(`${name}/case.json`)) as { steps: { argv: string[]; rc: unknown }[] };
    const step = steps.findIndex(
      ({ argv, rc }) => rc === 0 && argv.includes("decrypt") && argv.at(-1) === `golden.enc.${extension}`,
    );
    if (step < 0) return [];
    const { argv } = steps[step]!;
    const indent = argv.includes("--indent") ? Number(argv[argv.indexOf("--indent") + 1]) : undefined;
    const [plain, encrypted] = wanted.map((path) => file(`${name}/${path}`)) as [string, string];
    return [{ name, plain, encrypted, printed: output(`${name}/exp/${step + 1}.stdout`), indent }];
  });
}
