import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { Time } from "../../src/formats/scalar.ts";
import { TreeComment, TreeList, TreeMap } from "../../src/formats/tree.ts";
import {
  type Conflicts,
  conflictsIn,
  encryptConflicts,
  refuseConflicts,
  refuseHeldConflicts,
} from "../../src/sops/conflicts.ts";
import { heldConflicts } from "../../src/sops/held.ts";
import type { Metadata } from "../../src/sops/metadata.ts";
import { trees } from "../support/formats/trees.ts";

const dataKey = Buffer.alloc(32, 7);
const inputs = { dataKey, random: (size: number) => Buffer.alloc(size, 9) };

/** As a file has it: only what the field needs of its metadata. */
const metadataWith = (field: string) => ({ own: TreeMap.of([["conflicts", field]]) }) as unknown as Metadata;

const CONFLICTS: Conflicts = {
  labels: { ours: "HEAD", theirs: "side" },
  conflicts: [
    {
      document: 0,
      path: ["a", 1, "b"],
      kind: "value",
      base: 1n,
      ours: -0,
      theirs: Time.parse("2020-01-02T03:04:05Z")!,
    },
    {
      document: 2,
      path: [],
      kind: "order",
      ours: new TreeMap([
        new TreeComment(" SECRET"),
        { key: "__proto__", value: new TreeList([null, true, "x"]) },
      ]),
    },
  ],
  theirs: [{ line: 3, old: ["a\n"], now: ["b\r\n", "c"] }],
  base: undefined,
};

test("what is kept of a conflict comes back, with types and comments", () => {
  const field = encryptConflicts(CONFLICTS, inputs);
  assert.not.match(field, "SECRET");
  const held = heldConflicts(metadataWith(field), dataKey)!;
  const said = conflictsIn(held)!;
  assert.equal(said.theirs, CONFLICTS.theirs);
  assert.is(said.base, undefined);
  assert.equal(JSON.stringify(said, texts), JSON.stringify(CONFLICTS, texts));
  assert.ok(Object.is(said.conflicts[0]!.ours, -0));
});

const texts = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `int ${value}` : value);

test("any tree comes back", () => {
  fc.assert(
    fc.property(trees(), (tree) => {
      const conflicts: Conflicts = {
        ...CONFLICTS,
        conflicts: [{ document: 0, path: ["k"], kind: "value", theirs: tree }],
      };
      const held = heldConflicts(metadataWith(encryptConflicts(conflicts, inputs)), dataKey)!;
      const [conflict] = conflictsIn(held)!.conflicts;
      assert.equal(JSON.stringify(conflict!.theirs, texts), JSON.stringify(tree, texts));
    }),
    { numRuns: 100 },
  );
});

test("a field that is damaged, of another key or of a later version is refused, and not read", () => {
  const field = encryptConflicts(CONFLICTS, inputs);
  const held = (text: string, key = dataKey) => heldConflicts(metadataWith(text), key)!;
  for (const one of [
    held(field, Buffer.alloc(32, 8)),
    held("rubbish"),
    { said: '{"version": 2}' },
    { said: "[" },
  ]) {
    assert.is(conflictsIn(one), undefined);
    assert.throws(
      () => refuseConflicts(one),
      (error: unknown) => (error as TsopsError).code === "merge-conflict",
    );
  }
  refuseConflicts(undefined);
});

test("the refusal names places, and never values", () => {
  const held = heldConflicts(metadataWith(encryptConflicts(CONFLICTS, inputs)), dataKey)!;
  try {
    refuseConflicts(held);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, TsopsError);
    const { message, hint } = error as TsopsError;
    assert.match(message, '2 conflicts of a merge (["a"][1]["b"], order)');
    assert.match(hint!, "tsops git resolve FILE");
    assert.not.match(message, "SECRET");
  }
  assert.throws(() => refuseHeldConflicts(metadataWith("x")), /holds conflicts/);
  refuseHeldConflicts({ own: new TreeMap() });
});

test.run();
