import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OPENPGP } from "../../scripts/bundle.mjs";
import { tablesAtNeed } from "../../scripts/openpgp-tables.mjs";
import { scratchFolder } from "../support/scripts.ts";

/** The change to openpgp that scripts/openpgp-tables.mjs makes. */

type OpenPgp = typeof import("openpgp");
type Cipher = (
  key: Uint8Array,
  iv: Uint8Array,
) => { encrypt(b: Uint8Array): Uint8Array; decrypt(b: Uint8Array): Uint8Array };

/** What openpgp does not export: its own AES, and for a changed one how many of its tables are filled. */
interface Inside {
  readonly filled: () => number;
  readonly cbc: Cipher;
}

const scratch = scratchFolder();
let loaded = 0;
const source = readFileSync(OPENPGP.file, "utf8");

/** With its own deflate, which it takes where the runtime has none. */
function load(text: string): OpenPgp & { inside: Inside } {
  const path = join(scratch, `${++loaded}.cjs`);
  const counting = text.replaceAll("made ??= make()", "made ??= (filled++, make())");
  writeFileSync(
    path,
    `let CompressionStream, DecompressionStream, filled = 0;\n${counting}\nexports.inside = { filled: () => filled, cbc };\n`,
  );
  return createRequire(import.meta.url)(path);
}

const before = load(source);
const long = "a line of a text that gets shorter, ".repeat(2000);

/** A message whose text is compressed in this way. */
async function compressed(openpgp: OpenPgp, text: string, way: "zip" | "zlib"): Promise<Uint8Array> {
  const preferredCompressionAlgorithm = openpgp.enums.compression[way];
  return (await openpgp.encrypt({
    message: await openpgp.createMessage({ text }),
    passwords: "p",
    format: "binary",
    config: { preferredCompressionAlgorithm, s2kIterationCountByte: 0 },
  })) as Uint8Array;
}

async function opened(openpgp: OpenPgp, binaryMessage: Uint8Array): Promise<unknown> {
  const message = await openpgp.readMessage({ binaryMessage });
  return (await openpgp.decrypt({ message, passwords: "p" })).data;
}

test("no table is filled when it is loaded", () => {
  const text = tablesAtNeed(source);
  assert.is(text.match(/= tableAtNeed\(/g)?.length, 10, "of AES 2, of deflate 8");
  assert.is(load(text).inside.filled(), 0);
  assert.match(text.slice(0, 300), "was changed for tsops");
});

test("its own AES gives what it gave, both ways", () => {
  const after = load(tablesAtNeed(source));
  for (const size of [16, 24, 32]) {
    const [key, iv, plain] = [size, 16, 1000].map((each) => Buffer.alloc(each, each)) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const expected = before.inside.cbc(key, iv).encrypt(plain);
    assert.equal(after.inside.cbc(key, iv).encrypt(plain), expected);
    assert.equal(Buffer.from(after.inside.cbc(key, iv).decrypt(expected)), plain);
  }
  assert.is(after.inside.filled(), 2, "each once");
});

for (const way of ["zip", "zlib"] as const)
  for (const [size, text] of [
    ["short", "short: its tables are the fixed ones"],
    ["long", long],
    ["random", Array.from({ length: 5000 }, (_, i) => ((i * i * 31) % 977).toString(36)).join("")],
  ] as const)
    test(`what is compressed by ${way} opens with the one that was not changed, and the other way: ${size}`, async () => {
      const after = load(tablesAtNeed(source));
      assert.is(await opened(before, await compressed(after, text, way)), text);
      assert.ok(after.inside.filled() > 0);
      const reader = load(tablesAtNeed(source));
      const message = await compressed(before, text, way);
      assert.is(await opened(reader, message), text);
      assert.ok(reader.inside.filled() > 0);
      assert.is(await opened(reader, message), text, "once more");
    });

test("another version is taken as it is, tables or not", () => {
  assert.is(tablesAtNeed("exports.a = 1;\n"), "exports.a = 1;\n");
});

test.run();
