import { createCipheriv } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { exePath } from "../../scripts/exe.mjs";
import { tablesAtNeed } from "../../scripts/openpgp-tables.mjs";
import { scratchFolder } from "../support/scripts.ts";

/** openpgp's own AES, which the executable sets up when it is needed. */

const source = readFileSync("node_modules/openpgp/dist/node/openpgp.mjs", "utf8");

/** What is not exported: how often tables were filled, the tables, and AES by them. */
interface Inside {
  filled(): number;
  tableEncoding: Record<string, ArrayLike<number>>;
  tableDecoding: Record<string, ArrayLike<number>>;
  cbc(
    key: Uint8Array,
    iv: Uint8Array,
  ): { encrypt(b: Uint8Array): Uint8Array; decrypt(b: Uint8Array): Uint8Array };
}

async function load(text: string): Promise<Inside> {
  const folder = scratchFolder();
  const path = join(folder, "openpgp.mjs");
  const counting = text.replace(/^function genTtable\(.*$/m, "let filled = 0;\n$&\n filled++;");
  assert.is.not(counting, text);
  writeFileSync(
    path,
    `${counting}\nexport const inside = { filled: () => filled, tableEncoding, tableDecoding, cbc };`,
  );
  return ((await import(pathToFileURL(path).href)) as { inside: Inside }).inside;
}

test("its tables are filled when one is needed first, once, and are the same", async () => {
  const before = await load(source);
  assert.is(
    before.filled(),
    2,
    "if openpgp fills none when it is loaded, scripts/openpgp-tables.mjs is not needed",
  );
  const after = await load(tablesAtNeed(source));
  assert.is(after.filled(), 0);
  const [key, iv, plain] = [32, 16, 1000].map((size) => Buffer.alloc(size, size)) as [Buffer, Buffer, Buffer];
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const expected = Buffer.concat([cipher.update(plain), cipher.final()]);
  for (const round of [1, 2]) {
    assert.equal(Buffer.from(after.cbc(key, iv).encrypt(plain)), expected);
    assert.equal(Buffer.from(after.cbc(key, iv).decrypt(expected)), plain);
    assert.is(after.filled(), 2, `round ${round}`);
  }
  for (const table of ["tableEncoding", "tableDecoding"] as const)
    for (const [name, values] of Object.entries(before[table])) assert.equal(after[table][name], values);
});

test("the executable has this change", () => {
  assert.ok(readFileSync(exePath()).includes("=tableAtNeed(()=>genTtable("));
});

test("another version is taken as it is, tables or not", () => {
  assert.is(tablesAtNeed("export const a = 1;\n"), "export const a = 1;\n");
});

test.run();
