import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Tree, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { forgetKeys, unwrapDataKey, wrapDataKey } from "../../src/keys/groups.ts";
import { nameOfGroups, nameOfKept, nameOfOne } from "../../src/keys/kept.ts";
import type { KeyContext, KeyGroup, KeyService, MasterKey } from "../../src/keys/kind.ts";
import { parseDecryptionOrder } from "../../src/keys/table.ts";
import { keysIn } from "../../src/keys/uri.ts";
import { RECIPIENT } from "../support/cli.ts";
import { contextWith, goldenKey } from "../support/keys/contexts.ts";
import { Shelf } from "../support/keys/shelf.ts";

const ORDER = parseDecryptionOrder("");
const IDENTITIES = [1, 2, 3].map((n) => goldenKey(`age${n}.txt`));
const AGE1 = keysIn(`age:${RECIPIENT}`)!;
const others = [2, 3].map((n) => keysIn(`age:${goldenKey(`age${n}.pub`).trim()}`)!);

/** A run of its own, with or without identities. */
function runWith(shelf: Shelf | undefined, identities: readonly string[] = IDENTITIES): KeyContext {
  const keeper = shelf && (async () => shelf);
  return contextWith(identities.length > 0 ? { SOPS_AGE_KEY: identities.join("\n") } : {}, { keeper });
}

async function wrapped(dataKey: Buffer, groups: readonly KeyGroup[], threshold = 0): Promise<KeyGroup[]> {
  return await wrapDataKey(dataKey, groups, threshold, { context: runWith(undefined) });
}

async function code(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "opened",
    (error) => error.code,
  );
}

test("a data key that one run unwrapped opens for the next one, which has no key", async () => {
  const shelf = new Shelf();
  const dataKey = Buffer.alloc(32, 5);
  const groups = await wrapped(dataKey, [AGE1]);
  const first = runWith(shelf);
  assert.equal(await unwrapDataKey(groups, 0, { context: first, order: ORDER }), dataKey);
  const opened: [MasterKey, string][] = [];
  const onOpened = (key: MasterKey, service: string) => void opened.push([key, service]);
  const context = runWith(shelf, []);
  const got = await unwrapDataKey(groups, 0, { context, order: ORDER, onOpened });
  assert.equal(got, dataKey);
  assert.equal(opened, [[groups[0]![0], "tsops agent"]]);
  // the caller owns it: the run's other files are not hurt
  got.fill(0);
  assert.equal(await unwrapDataKey(groups, 0, { context, order: ORDER }), dataKey);
  assert.is(shelf.asked.length, 2, "each run asks once");
  await forgetKeys(context);
  await forgetKeys(first);
});

test("another wrapped form of the same data key is unwrapped anew, and so is every changed field", async () => {
  const shelf = new Shelf();
  const dataKey = Buffer.alloc(32, 5);
  const [groups, again] = [await wrapped(dataKey, [AGE1]), await wrapped(dataKey, [AGE1])];
  await unwrapDataKey(groups, 0, { context: runWith(shelf), order: ORDER });
  const open = (given: readonly KeyGroup[]) =>
    code(unwrapDataKey(given, 0, { context: runWith(shelf, []), order: ORDER }));
  assert.is(await open(groups), "opened");
  assert.is(await open(again), "no-data-key");
  const [key] = groups[0]!;
  const context = TreeMap.of([["a", "b"]]);
  const changed = new TreeMap([...key!.fields.items, { key: "context", value: context }]);
  assert.is(await open([[{ ...key!, fields: changed }]]), "no-data-key");
});

test("groups are kept all together: nobody gets the data key for fewer, or with another threshold", async () => {
  const shelf = new Shelf();
  const dataKey = Buffer.alloc(32, 5);
  const groups = await wrapped(dataKey, [AGE1, ...others], 2);
  await unwrapDataKey(groups, 2, { context: runWith(shelf), order: ORDER });
  const open = (given: readonly KeyGroup[], threshold: number) =>
    code(unwrapDataKey(given, threshold, { context: runWith(shelf, []), order: ORDER }));
  assert.is(await open(groups, 2), "opened");
  assert.is(await open(groups, 3), "no-data-key");
  assert.is(await open(groups.slice(0, 2), 2), "no-data-key");
  assert.is(await open(groups.slice(0, 1), 0), "no-data-key");
  assert.is(await open([groups[1]!, groups[0]!, groups[2]!], 2), "no-data-key");
  for (const bytes of shelf.kept.values()) assert.is(bytes.length, 32, "no share is kept");
});

test("what may use a service only does not get what this program unwrapped, and the other way round", async () => {
  const shelf = new Shelf();
  const dataKey = Buffer.alloc(32, 5);
  const groups = await wrapped(dataKey, [AGE1]);
  const service: KeyService = {
    name: "unix:///service",
    unwrap: async () => ({ key: Buffer.from(dataKey) }),
    wrap: async (key) => key,
  };
  const base = { order: ORDER, services: [service] };
  await unwrapDataKey(groups, 0, { ...base, local: false, context: runWith(shelf) });
  const alone = { order: ORDER, context: runWith(shelf, []) };
  assert.is(await code(unwrapDataKey(groups, 0, alone)), "no-data-key");
  const silent = {
    ...service,
    unwrap: (): Promise<never> => Promise.reject(new Error("it is not asked again")),
  };
  assert.equal(
    await unwrapDataKey(groups, 0, { order: ORDER, services: [silent], context: runWith(shelf, []) }),
    dataKey,
  );
});

test("nothing is kept where nothing opened, and what has the wrong length is not used", async () => {
  const shelf = new Shelf();
  const dataKey = Buffer.alloc(32, 5);
  const groups = await wrapped(dataKey, [AGE1]);
  assert.is(
    await code(unwrapDataKey(groups, 0, { context: runWith(shelf, []), order: ORDER })),
    "no-data-key",
  );
  assert.is(shelf.kept.size, 0);
  shelf.kept.set(nameOfOne(groups[0]![0]!, ""), Buffer.alloc(16));
  assert.is(
    await code(unwrapDataKey(groups, 0, { context: runWith(shelf, []), order: ORDER })),
    "no-data-key",
  );
  assert.equal(await unwrapDataKey(groups, 0, { context: runWith(shelf), order: ORDER }), dataKey);
});

const scalar = fc.oneof(fc.string(), fc.bigInt(), fc.double(), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(fc.tuple(fc.string(), tie("tree")), { maxLength: 3 }).map((pairs) => TreeMap.of(pairs)),
    fc.array(tie("tree"), { maxLength: 3 }).map((items) => new TreeList(items)),
  ),
}));
const masterKey = fc.record({
  kind: fc.string(),
  id: fc.string(),
  fields: fc.array(fc.tuple(fc.string(), tree), { maxLength: 3 }).map((pairs) => TreeMap.of(pairs)),
});

/** Two things are the same if Node says so. */
const same = (a: unknown, b: unknown): boolean => {
  try {
    assert.equal(a, b);
    return true;
  } catch {
    return false;
  }
};

test("two keys have one name only if they are the same in all", () => {
  fc.assert(
    fc.property(masterKey, masterKey, fc.string(), fc.string(), (a, b, way, other) => {
      assert.is(nameOfOne(a, way) === nameOfOne(b, other), same(a, b) && way === other);
      assert.is(nameOfOne(a, way), nameOfOne({ ...a }, way));
      assert.is.not(nameOfGroups([[a], [b]], 2, [way]), nameOfGroups([[a, b]], 2, [way]));
      assert.is.not(nameOfGroups([[a]], 0, [way]), nameOfOne(a, way));
    }),
  );
});

test("names tell types apart, and where one part ends", () => {
  const name = (value: Tree) => nameOfOne({ kind: "k", id: "i", fields: TreeMap.of([["f", value]]) }, "");
  const values: Tree[] = [
    "1",
    1n,
    1,
    true,
    null,
    "",
    new TreeList(["1"]),
    TreeMap.of([["1", "1"]]),
    new TreeMap(),
    new TreeList(),
  ];
  assert.is(new Set(values.map(name)).size, values.length);
  assert.is.not(nameOfKept("a", "bc"), nameOfKept("ab", "c"));
  assert.is.not(nameOfKept("a", "b", ""), nameOfKept("a", "b"));
  assert.match(nameOfKept("a"), /^[\w-]{43}$/);
});

test.run();
