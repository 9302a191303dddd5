import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { decryptText, readEncrypted } from "../../src/sops/decrypt.ts";
import { decryptLayout } from "../../src/sops/layout.ts";
import { computeSeal, sealedBytes } from "../../src/sops/seal.ts";
import { compileSelector } from "../../src/sops/selection.ts";

interface Vector {
  name: string;
  format: FormatName;
  dataKey: string;
  plain: string;
  encrypted: string;
  layout: [number, number, string][];
  sealed: string;
  seal: string;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL("../../fixtures/seal/vectors.json", import.meta.url), "utf8"),
);

for (const vector of vectors) {
  test(vector.name, async () => {
    const format = await loadFormat(vector.format);
    const dataKey = Buffer.from(vector.dataKey, "hex");
    const read = readEncrypted(vector.encrypted, format);
    const opened = decryptText(read, dataKey, await compileSelector(read.metadata.selector));
    assert.is(opened.text, vector.plain);
    assert.is(sealedBytes(opened).toString("base64"), vector.sealed);
    assert.is(computeSeal(opened, dataKey), vector.seal);
    const layout = decryptLayout(opened.metadata.own.get("layout") as string | undefined, dataKey);
    assert.equal(
      layout.map(({ entry, up, raw }) => [entry, up, raw]),
      vector.layout,
    );
  });
}

test.run();
