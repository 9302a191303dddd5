import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Access, compare, plainItems, type Version } from "../../src/compare/compare.ts";
import { type Difference, isDifferent } from "../../src/compare/difference.ts";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { json } from "../../src/formats/json/index.ts";
import { formatPath } from "../../src/formats/path.ts";

async function version(text: string, format: FormatName = "yaml", access?: Access): Promise<Version> {
  const reading = (await loadFormat(format)).read(text);
  return { items: plainItems(reading), documents: reading.documents, access };
}

/** What differs, in a line each. */
function lines({ entries }: Difference): string[] {
  return entries.map(({ change, kind, path, from, next, before, after, differs }) => {
    const where = formatPath(path) + (kind === "comment" ? ` before ${String(next)}` : "");
    const values = [before, after].map((side) => (side ? `${String(side.value)}(${side.type})` : "-"));
    const way = from ? ` from ${formatPath(from)}` : "";
    return `${change} ${kind} ${where}${way}: ${values.join(" ")}${differs.length ? ` ${differs}` : ""}`;
  });
}

async function differences(before: string, after: string, format: FormatName = "yaml"): Promise<string[]> {
  return lines(compare(await version(before, format), await version(after, format)));
}

test("values that were added, removed, changed and given another type, in every format with names", async () => {
  const expected = [
    'removed value ["gone"]: x(str) -',
    'changed value ["a"]: 1(str) 2(str) value',
    'added value ["new"]: - y(str)',
  ];
  assert.equal(await differences("gone: x\na: '1'\nb: b\n", "a: '2'\nb: b\nnew: y\n"), expected);
  assert.equal(
    await differences('{"gone":"x","a":"1","b":"b"}', '{"a":"2","b":"b","new":"y"}', "json"),
    expected,
  );
  assert.equal(await differences("gone=x\na=1\nb=b\n", "a=2\nb=b\nnew=y\n", "dotenv"), expected);
  assert.equal(await differences('gone="x"\na="1"\nb="b"\n', 'a="2"\nb="b"\nnew="y"\n', "toml"), expected);
  assert.equal(await differences("[s]\na = 1\n", "[s]\na = 2\n", "ini"), [
    'changed value ["s"]["a"]: 1(str) 2(str) value',
  ]);
  assert.equal(await differences("a: 1\nb: x\n", "a: '1'\nb:\n  c: x\n"), [
    'changed value ["a"]: 1(int) 1(str) value,type',
    'removed value ["b"]: x(str) -',
    'added value ["b"]["c"]: - x(str)',
  ]);
});

test("a binary file is one value", async () => {
  assert.equal(await differences("one", "two", "binary"), [
    'changed value ["data"]: one(str) two(str) value',
  ]);
});

test("empty maps and lists", async () => {
  assert.equal(await differences("a: {}\nb: 1\n", "a: {}\nb: []\nc: {}\n"), [
    'removed value ["b"]: 1(int) -',
    'added list ["b"]: - undefined(list)',
    'added map ["c"]: - undefined(map)',
  ]);
  assert.equal(await differences("a: {}\n", "a:\n  b: 1\n"), ['added value ["a"]["b"]: - 1(int)']);
  assert.equal(await differences("a:\n  b: 1\n", "a: {}\n"), ['removed value ["a"]["b"]: 1(int) -']);
});

test("list items with a name, id or key stay themselves, wherever they stand and whatever else changes", async () => {
  const before = "users:\n- name: a\n  age: 1\n- name: b\n  age: 2\n- name: c\n  age: 3\n";
  const after = "users:\n- name: c\n  age: 4\n- name: a\n  age: 1\n- name: new\n  age: 1\n";
  assert.equal(await differences(before, after), [
    'removed value ["users"][1]["name"]: b(str) -',
    'removed value ["users"][1]["age"]: 2(int) -',
    'changed value ["users"][0]["age"] from ["users"][2]["age"]: 3(int) 4(int) value',
    'moved map ["users"][1] from ["users"][0]: undefined(map) undefined(map)',
    'added value ["users"][2]["name"]: - new(str)',
    'added value ["users"][2]["age"]: - 1(int)',
  ]);
});

test("other list items: what is equal in order, what moved, and what was changed in its place", async () => {
  assert.equal(await differences("[a, b, c]\n".replace("[", "l: ["), "l: [x, a, b, c]\n"), [
    'added value ["l"][0]: - x(str)',
  ]);
  assert.equal(await differences("l: [a, b, c, d]\n", "l: [a, x, c, d]\n"), [
    'changed value ["l"][1]: b(str) x(str) value',
  ]);
  assert.equal(await differences("l: [a, b, c, d]\n", "l: [d, a, b, c]\n"), [
    'moved value ["l"][0] from ["l"][3]: d(str) d(str)',
  ]);
  // two items of one name: the name tells nothing
  const twice = "l:\n- name: a\n  v: 1\n- name: a\n  v: 2\n";
  assert.equal(await differences(twice, twice.replace("v: 2", "v: 3")), [
    'changed value ["l"][1]["v"]: 2(int) 3(int) value',
  ]);
});

test("keys of a map that stand in another order, and keys that occur twice", async () => {
  assert.equal(await differences("a: 1\nb: 2\nc: 3\n", "c: 3\na: 1\nb: 2\n"), [
    'moved value ["c"] from ["c"]: 3(int) 3(int)',
  ]);
  assert.equal(await differences("A=1\nA=2\n", "A=1\nA=3\n", "dotenv"), [
    'changed value ["A"]: 2(str) 3(str) value',
  ]);
});

test("comments belong to what they stand before", async () => {
  assert.equal(await differences("# one\na: 1\nb: 2\n", "# two\na: 1\n# new\nb: 2\n# end\n"), [
    "changed comment  before a:  one(comment)  two(comment) value",
    "added comment  before b: -  new(comment)",
    "added comment  before undefined: -  end(comment)",
  ]);
  assert.equal(await differences("# c\na: 1\nb: 2\n", "a: 1\n# c\nb: 2\n"), [
    "moved comment  before b:  c(comment)  c(comment)",
  ]);
  assert.equal(await differences("# c\na: 1\nb: 2\n", "new: 1\n# c\na: 1\nb: 2\n"), [
    'added value ["new"]: - 1(int)',
  ]);
  assert.equal(await differences("# one\n# two\na: 1\n", "# two\n# one\na: 1\n"), [
    "moved comment  before a:  one(comment)  one(comment)",
  ]);
  assert.equal(await differences("a:\n  # in\n  {}\n", "a: {}\n"), [
    'removed comment ["a"] before undefined:  in(comment) -',
  ]);
});

test("documents are compared by their number", async () => {
  const { entries } = compare(
    await version("a: 1\n---\na: 1\n"),
    await version("a: 1\n---\na: 2\n---\nb: 1\n"),
  );
  assert.equal(
    entries.map(({ change, document }) => [change, document]),
    [
      ["changed", 1],
      ["added", 2],
    ],
  );
});

test("what is encrypted now, or no more; null and empty texts never are", async () => {
  const read = await version("a: 1\nb: null\nc: ''\nd: x\n");
  const as = (...encrypted: number[]) => ({
    ...read,
    items: read.items.map((item, i) => ({ ...item, encrypted: encrypted.includes(i) })),
  });
  const { entries } = compare(as(0), as(3));
  assert.equal(
    entries.map(({ path, differs, before, after }) => [path[0], differs, before!.state, after!.state]),
    [
      ["a", ["state"], "encrypted", "plain"],
      ["d", ["state"], "plain", "encrypted"],
    ],
  );
  const filled = { ...read, items: [{ ...read.items[0]!, value: null }] };
  const changed = compare(filled, { ...read, items: [{ ...read.items[0]!, encrypted: true }] }).entries[0]!;
  assert.equal(changed.differs, ["value", "type"]);
});

const ACCESS: Access = {
  groups: [[{ kind: "age", id: "one" }], [{ kind: "pgp", id: "two" }]],
  threshold: 2,
  selector: { kind: "encrypted_regex", value: "^a" },
  macOnlyEncrypted: false,
  sealed: true,
};

test("recipients by group, threshold, selector, seal and the data key", async () => {
  const before = await version("a: 1\n", "yaml", ACCESS);
  const same = compare(before, await version("a: 1\n", "yaml", { ...ACCESS }), true);
  assert.is(isDifferent(same), false);
  assert.ok(isDifferent(compare(before, before, false)));
  const after = await version("a: 1\n", "yaml", {
    groups: [
      [
        { kind: "age", id: "one" },
        { kind: "age", id: "two" },
      ],
      [],
    ],
    threshold: 1,
    selector: { kind: "encrypted_suffix", value: "^a" },
    macOnlyEncrypted: true,
    sealed: false,
  });
  assert.equal(compare(before, after).access, {
    added: [{ kind: "age", id: "two", group: 0 }],
    removed: [{ kind: "pgp", id: "two", group: 1 }],
    threshold: { before: 2, after: 1 },
    selector: { before: ACCESS.selector, after: { kind: "encrypted_suffix", value: "^a" } },
    macOnlyEncrypted: { before: false, after: true },
    sealed: { before: true, after: false },
  });
  const plain = await version("a: 1\n");
  assert.is(compare(plain, before).access.encryption, "encrypted");
  assert.is(compare(before, plain, true).access.encryption, "decrypted");
  assert.is(compare(before, plain, true).sameDataKey, undefined);
  assert.is(compare(undefined, before).access.encryption, undefined);
});

const values = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.integer({ min: 0, max: 3 }),
  fc.boolean(),
  fc.constant(null),
);
const document = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, values, tie("map"), fc.array(tie("value"), { maxLength: 4 })),
  map: fc.dictionary(fc.constantFrom("name", "id", "a", "b", "c"), tie("value"), { maxKeys: 4 }),
})).map;

function fromJson(value: unknown): Version {
  const reading = json.read(JSON.stringify({ root: value }));
  return { items: plainItems(reading), documents: reading.documents };
}

test("random documents: nothing differs from itself; the two directions tell the same", () => {
  fc.assert(
    fc.property(document, document, (one, two) => {
      const [a, b] = [fromJson(one), fromJson(two)];
      assert.is(isDifferent(compare(a, fromJson(one))), false);
      const there = compare(a, b).entries;
      assert.is(there.length > 0, JSON.stringify(one) !== JSON.stringify(two));
      const back = compare(b, a).entries;
      const count = (list: typeof there, ...changes: string[]) =>
        list.filter(({ change, kind }) => changes.includes(change) && kind === "value").length;
      // which of several ways is told may differ, how many leaves come and go may not
      const balance = count(there, "added") - count(there, "removed");
      assert.is(balance, count(back, "removed") - count(back, "added"));
    }),
  );
});

test("every leaf that is new or another is named by its path", () => {
  fc.assert(
    fc.property(document, document, (one, two) => {
      const [a, b] = [fromJson(one), fromJson(two)];
      const { entries } = compare(a, b);
      const named = new Set(entries.map(({ path }) => JSON.stringify(path)));
      for (const [path, value] of leaves(two)) {
        const matched = [...leaves(one)].some(([, other]) => other === value);
        if (!matched) assert.ok(named.has(JSON.stringify(path)), `${JSON.stringify(path)} is not named`);
      }
    }),
  );
});

function* leaves(value: unknown, path: (string | number)[] = ["root"]): Generator<[typeof path, unknown]> {
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* leaves(item, [...path, i]);
  else if (typeof value === "object" && value !== null)
    for (const [key, item] of Object.entries(value)) yield* leaves(item, [...path, key]);
  else yield [path, value];
}

test("an entry is in its own collection, not in an empty one of the same name before it", async () => {
  assert.equal(await differences("{a: [], a: {b: 1}}", "{a: [], a: {b: 2}}", "json5"), [
    'changed value ["a"]["b"]: 1(int) 2(int) value',
  ]);
  assert.equal(await differences("{a: {}, a: {b: 1}}", "{a: {b: 1}, a: {}}", "json5"), [
    'added value ["a"]["b"]: - 1(int)',
    'removed value ["a"]["b"]: 1(int) -',
  ]);
});

test.run();
