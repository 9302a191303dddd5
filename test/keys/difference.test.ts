import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TreeMap } from "../../src/formats/tree.ts";
import { parseEncryptionContext } from "../../src/keys/aws/kind.ts";
import {
  holdersGone,
  loses,
  opens,
  type Recipients,
  sameKey,
  weakerSets,
} from "../../src/keys/difference.ts";
import type { MasterKey } from "../../src/keys/kind.ts";
import { azureKv, kms } from "../support/keys/in-use.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/a";
const [first, second] = ["1", "2"].map((digit) =>
  azureKv.parse(`https://v.vault.azure.net/keys/sops/${digit.repeat(32)}`),
);
const [other] = [azureKv.parse(`https://v.vault.azure.net/keys/sops2/${"1".repeat(32)}`)];

test("a new version of an Azure key, and an AWS key with another role or context, have the readers that they had", () => {
  assert.equal(holdersGone(first!, [second!]), []);
  assert.equal(holdersGone(first!, [other!]), first);
  assert.equal(holdersGone(kms.parse(ARN), [kms.parse(`${ARN}+arn:aws:iam::111122223333:role/r`)]), []);
  assert.equal(
    holdersGone(kms.parse(ARN), [kms.parse(ARN, { context: parseEncryptionContext("app:web") })]),
    [],
  );
  assert.is(holdersGone(kms.parse(ARN), [kms.parse(`${ARN}b`)]).length, 1);
});

test("finding 1: an Azure key of a rule without version stands for its versions, and for no other key", () => {
  const [open] = azureKv.parse("https://v.vault.azure.net/keys/sops/");
  const inFile = (name: string, version: string) =>
    azureKv.fromMetadata(
      TreeMap.of([
        ["vault_url", "https://v.vault.azure.net"],
        ["name", name],
        ["version", version],
        ["created_at", "2026-01-01T00:00:00Z"],
        ["enc", "AAAA"],
      ]),
    );
  for (const version of ["1", "2".repeat(32), ""])
    assert.ok(sameKey(open!, inFile("sops", version)), version);
  for (const version of ["../other/1", "1/../../other/2", "1/", "/"])
    assert.not.ok(sameKey(open!, inFile("sops", version)), version);
  assert.not.ok(sameKey(open!, inFile("sops/../other", "1")));
});

/** Groups of keys by letters: `ab c` are two groups. */
function recipients(text: string, threshold: number): Recipients {
  const groups = text.split(" ").map((letters) => [...letters].map((letter) => keyNamed(letter)));
  return { groups, threshold };
}

function keyNamed(letter: string): MasterKey {
  return { kind: "age", id: letter, fields: new TreeMap() };
}

const LETTERS = "abcde";
const side = fc
  .array(fc.uniqueArray(fc.constantFrom(...LETTERS), { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  })
  .chain((groups) =>
    fc.tuple(
      fc.constant(groups.map((group) => group.join("")).join(" ")),
      fc.integer({ min: 0, max: groups.length + 1 }),
    ),
  );

test("loses: as trying every set of keys says", () => {
  const sets = Array.from({ length: 2 ** LETTERS.length }, (_, bits) =>
    [...LETTERS].filter((_letter, i) => (bits >> i) & 1),
  );
  const opensBy = (set: readonly string[], { groups, threshold }: Recipients): boolean => {
    const open = groups.filter((group) => group.some(({ id }) => set.includes(id))).length;
    return open >= Math.max(groups.length === 1 ? 1 : threshold || groups.length, 1);
  };
  fc.assert(
    fc.property(side, side, ([oldGroups, oldThreshold], [newGroups, newThreshold]) => {
      const [before, after] = [recipients(oldGroups, oldThreshold), recipients(newGroups, newThreshold)];
      const lost = sets.filter((set) => opensBy(set, before) && !opensBy(set, after));
      assert.is(loses(before, after), lost.length > 0);
      for (const set of sets) assert.is(opens(set.map(keyNamed), before), opensBy(set, before));
      const weaker = weakerSets(before, after, 1000).map((set) => set.map(({ id }) => id));
      for (const set of weaker)
        assert.ok(
          lost.some((one) => one.join() === [...set].sort().join()),
          set.join(),
        );
      // none but sets with keys that are gone are left out
      if (weaker.length === 0) {
        const left = after.groups.flat().map(({ id }) => id);
        assert.not(lost.some((set) => set.every((letter) => left.includes(letter))));
      }
    }),
    { numRuns: 2000 },
  );
});

test("loses: what people do", () => {
  const cases: readonly (readonly [string, number, string, number, boolean])[] = [
    ["ab", 0, "abc", 0, false],
    ["ab", 0, "a", 0, true],
    ["ab", 0, "a b", 2, true],
    ["ab", 0, "ab ab", 2, false],
    ["a b", 2, "ab", 0, false],
    ["a b c", 2, "a b c", 3, true],
    ["a b c", 3, "a b c", 2, false],
    ["a b c", 2, "a b c d", 2, false],
    ["a b c", 0, "a b c d", 0, true],
    ["a b", 2, "ac b", 2, false],
    ["ac b", 2, "a b", 2, true],
    ["ac b", 2, "a bc", 2, true],
    ["a a b", 2, "a b", 2, true],
    ["a", 0, "b", 0, true],
  ];
  for (const [before, t1, after, t2, lost] of cases) {
    const line = `${before} (${t1}) to ${after} (${t2})`;
    assert.is(loses(recipients(before, t1), recipients(after, t2)), lost, line);
  }
});

test("loses: holders count, not versions and roles; too many choices are a yes, and soon", () => {
  assert.not(loses({ groups: [first!], threshold: 0 }, { groups: [second!], threshold: 0 }));
  assert.ok(loses({ groups: [first!], threshold: 0 }, { groups: [other], threshold: 0 }));
  const role = kms.parse(`${ARN}+arn:aws:iam::111122223333:role/r`);
  assert.not(loses({ groups: [kms.parse(ARN)], threshold: 0 }, { groups: [role], threshold: 0 }));
  const many = Array.from({ length: 200 }, (_, i) => [
    { kind: "age", id: String(i), fields: new TreeMap() } as const,
  ]);
  assert.ok(loses({ groups: many, threshold: 100 }, { groups: many, threshold: 100 }));
  assert.not(loses({ groups: many, threshold: 200 }, { groups: many, threshold: 200 }));
  assert.is(weakerSets({ groups: many, threshold: 100 }, { groups: many, threshold: 101 }, 4).length, 4);
});

test.run();
