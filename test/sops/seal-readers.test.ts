import fc from "fast-check";
import JSON5 from "json5";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isCollection, isScalar, parseAllDocuments, visit } from "yaml";
import { TsopsError } from "../../src/errors.ts";
import type { Format } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { tomlDocuments } from "../support/formats/toml-texts.ts";
import { documents as yamlDocuments } from "../support/formats/yaml-texts.ts";
import { generateJson } from "../support/generate/others.ts";
import { generateYaml } from "../support/generate/yaml.ts";
import { box } from "../support/sealed.ts";

/** White space that a seal lets change means nothing to readers other than ours: here those that npm has. */

const seeds = fc.nat(1_000_000);
const READERS: Readonly<Record<string, { texts: fc.Arbitrary<string>; read(text: string): string }>> = {
  yaml: {
    // a comment that is indented oddly leads the other reader to take `? k` below for more of the value above; and to a
    // block scalar that ends with the text it adds a line break, which SOPS and PyYAML do not
    texts: fc
      .oneof(seeds.map(generateYaml), yamlDocuments)
      .filter((text) => !text.includes("#") && (text.endsWith("\n") || !/[|>]/.test(text))),
    read: yamlEvents,
  },
  json: { texts: seeds.map(generateJson), read: (text) => JSON.stringify(JSON.parse(text)) },
  json5: {
    texts: fc.oneof(
      seeds.map(generateJson),
      seeds.map((seed) => `{a: 'x\\\ny', /* c\n d */ b: [${seed}, +.5, // e\n 0x1], 'k k': "\\x41  b",}\n`),
    ),
    read: (text) => JSON5.stringify(JSON5.parse(text)),
  },
  toml: {
    // with __proto__ the other reader changes the objects of this process
    texts: tomlDocuments.filter((text) => !text.includes("__proto__")),
    read: (text) => JSON5.stringify(getStaticTOMLValue(parseTOML(text, { tomlVersion: "1.1" }))),
  },
};

/** Everything that a reader of YAML can see, tags and anchors with the nodes that they belong to. */
function yamlEvents(text: string): string {
  const events: string[] = [];
  for (const document of parseAllDocuments(text)) {
    if (!("contents" in document)) continue;
    if (document.errors.length > 0) throw document.errors[0];
    visit(document, (key, node) => {
      if (!isScalar(node) && !isCollection(node)) return;
      const { tag, anchor } = node;
      const value = isScalar(node) ? `${typeof node.value} ${String(node.value)}` : "";
      events.push([String(key), node.constructor.name, tag, anchor, value].join(" "));
    });
    events.push("end of document");
  }
  return events.join("\n");
}

const SPACES = ["", " ", "\n", "\n  ", "\n\n", "\t", "  ", "\n    ", "\r\n", "\n ", "\r"];
const changes = fc.array(fc.tuple(fc.nat(1_000_000), fc.nat(4), fc.constantFrom(...SPACES)), {
  minLength: 15,
  maxLength: 30,
});

for (const [name, { texts, read }] of Object.entries(READERS)) {
  test(`${name}: where other white space leaves the seal whole, another reader reads the same`, async () => {
    const format = await loadFormat(name as Format["name"]);
    const boxes = await Promise.all(
      ["^nothing$", "."].map((value) => box(format, { kind: "encrypted_regex", value })),
    );
    let held = 0;
    const property = fc.property(texts, changes, (plain, edits) => {
      for (const { encrypt, decrypt } of boxes) {
        let sealed: string;
        let before: string;
        try {
          sealed = encrypt(plain);
        } catch (error) {
          assert.instance(error, TsopsError); // not every text can be encrypted
          return;
        }
        try {
          before = read(plain);
        } catch {
          return; // nor read by everybody
        }
        for (const [place, most, put] of edits) {
          const at = place % (sealed.length + 1);
          const found = /^[ \t\r\n]*/.exec(sealed.slice(at))![0].length;
          const changed = sealed.slice(0, at) + put + sealed.slice(at + Math.min(found, most));
          let text: string;
          try {
            const opened = decrypt(changed);
            // of the name of our own field, a blank makes another one
            text = opened.sealed ? opened.text : plain;
          } catch (error) {
            assert.instance(error, TsopsError);
            continue;
          }
          if (text === plain) continue;
          held++;
          let after: string;
          try {
            after = read(text);
          } catch {
            continue; // a text that a stricter reader refuses does no harm
          }
          assert.is(after, before, JSON.stringify({ plain, text }));
        }
      }
    });
    fc.assert(property, { numRuns: 100 });
    assert.ok(held > 20, `${held} held`);
  });
}

test.run();
