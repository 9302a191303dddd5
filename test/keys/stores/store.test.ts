import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TreeMap } from "../../../src/formats/tree.ts";
import { forgetKeys } from "../../../src/keys/groups.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { type Store, withSecret } from "../../../src/keys/stores/store.ts";
import { contextWith } from "../../support/keys/contexts.ts";

const KEY: MasterKey = { kind: "vaultkv", id: "vaultkv://v.example/a/b", fields: TreeMap.of([]) };

function counting(text: string) {
  const read: Buffer[] = [];
  const store: Store = {
    async read() {
      const bytes = Buffer.from(text);
      read.push(bytes);
      return { text: bytes };
    },
    whyNot: () => ["not there"],
    describe: () => [],
  };
  return { store, read };
}

test("a secret is fetched once a run and version, however many files name it, and cleared at the run's end", async () => {
  const master = randomBytes(32);
  const { store, read } = counting(master.toString("base64"));
  const context = contextWith();
  for (let i = 0; i < 3; i++) {
    const raw = await withSecret(store, { key: KEY }, context, async ([held]) => {
      return held && "raw" in held ? Buffer.from(held.raw) : undefined;
    });
    assert.equal(raw, master);
  }
  assert.is(read.length, 1);
  await withSecret(store, { key: KEY, version: "2" }, context, async () => undefined);
  assert.is(read.length, 2);
  await withSecret(store, { key: KEY }, contextWith(), async () => undefined);
  assert.is(read.length, 3);
  assert.not.ok(read[0]!.every((byte) => byte === 0));
  await forgetKeys(context);
  for (const bytes of read.slice(0, 2)) assert.ok(bytes.every((byte) => byte === 0));
  // nobody gets what was cleared: it would be a key of zeros
  const again = await withSecret(store, { key: KEY }, context, async ([held]) => {
    return held && "raw" in held ? Buffer.from(held.raw) : undefined;
  });
  assert.equal(again, master);
  assert.is(read.length, 4);
});

test.run();
