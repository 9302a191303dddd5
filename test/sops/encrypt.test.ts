import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { applyEdits } from "../../src/formats/text.ts";
import { TreeMap } from "../../src/formats/tree.ts";
import { encryptDraft, encryptText, readPlain } from "../../src/sops/encrypt.ts";
import { SOPS_VERSION, selectorFields, treeWith } from "../../src/sops/metadata.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "../../src/sops/selection.ts";
import type { EncryptOptions } from "../../src/sops/work.ts";
import { TEXTS } from "../support/generate/texts.ts";

const SELECTORS: readonly Selector[] = [
  DEFAULT_SELECTOR,
  { kind: "encrypted_comment_regex", value: "[a-m]" },
  { kind: "unencrypted_comment_regex", value: "[a-m]" },
];

/** The same bytes for each run. */
function counted(): (size: number) => Buffer {
  let count = 0;
  return (size) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(++count);
    return bytes;
  };
}

async function optionsOf(selector: Selector): Promise<Omit<EncryptOptions, "random">> {
  return {
    dataKey: Buffer.alloc(32, 7),
    lastModified: "2026-11-22T10:00:00Z",
    selection: await compileSelector(selector),
    metadata: treeWith(new TreeMap(), { ...selectorFields(selector), version: SOPS_VERSION }),
    seal: true,
  };
}

/** The whole file, or why there is none. */
function textOrReason(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof TsopsError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const ENDS = ["", "# behind\n", "z: last\n", "z = 1"];

for (const [name, texts] of Object.entries(TEXTS)) {
  test(`${name}: a new file is the one that its draft gives, also where the draft is not read for it`, async () => {
    const format = await loadFormat(name as FormatName);
    for (const selector of SELECTORS) {
      const options = await optionsOf(selector);
      const block = treeWith(options.metadata, { lastmodified: options.lastModified, mac: "" });
      const byDraft = (plain: string) => {
        const draft = applyEdits(plain, format.addMetadata(readPlain(plain, format), block, {}));
        return encryptDraft(draft, format, { ...options, random: counted() }, plain);
      };
      const property = fc.property(texts, fc.constantFrom(...ENDS), (text, end) => {
        const plain = text + end;
        const made = textOrReason(() => encryptText(plain, format, { ...options, random: counted() }).text);
        assert.is(
          made,
          textOrReason(() => byDraft(plain)),
        );
      });
      fc.assert(property, { numRuns: 60 });
    }
  });
}

test("yaml: a comment above an empty item at the end of the text belongs to what the metadata make of it", async () => {
  const plain = "k:\n- v\n#\n-";
  const { yaml } = await import("../../src/formats/yaml/index.ts");
  const options = await optionsOf(DEFAULT_SELECTOR);
  const { text } = encryptText(plain, yaml, { ...options, random: counted() });
  const comments = yaml.read(text).entries.filter(({ kind }) => kind === "comment");
  // right before the metadata it is no item of the list, where SOPS would make a value of it
  assert.equal(
    comments.map(({ in: holder, value }) => [holder?.prefix, value]),
    [["", ""]],
  );
});

test.run();
