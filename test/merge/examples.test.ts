import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { mergePlain, type PlainMerge } from "../../src/merge/merge.ts";

async function merge(
  name: FormatName,
  base: string | undefined,
  ours: string,
  theirs: string,
): Promise<PlainMerge> {
  return mergePlain({ format: await loadFormat(name), base, ours, theirs });
}

const places = ({ conflicts }: PlainMerge) => conflicts.map(({ path, kind }) => [path, kind]);

test("neighbouring lines that one side each changed are no conflict", async () => {
  const merged = await merge("yaml", "a: 1\nb: 2\n", "a: 10\nb: 2\n", "a: 1\nb: 0x14\n");
  assert.equal(places(merged), []);
  assert.is(merged.text, "a: 10\nb: 0x14\n");
});

test("new keys at one place: both stay, with comments and spelling", async () => {
  const base = "{a: 1,\n}";
  const merged = await merge("json5", base, "{a: 1,\n// one\nb: +1}", "{a: 1,\n// two\nc: .5, // three\n}");
  assert.equal(places(merged), []);
  for (const part of ["// one\nb: +1", "// two\nc: .5, // three"]) assert.match(merged.text, part);
});

test("items with names are merged by them, wherever they stand", async () => {
  const item = (name: string, value: string) => `- name: ${name}\n  v: ${value}\n`;
  const [x, y] = [item("x", "1"), item("y", "2")];
  const merged = await merge(
    "yaml",
    x + y,
    x + item("y", "3") + item("z", "4"),
    item("w", "9") + y + item("x", "5"),
  ).catch(() => undefined);
  // SOPS has no file whose root is a list
  assert.is(merged, undefined);
  const below = (list: string) => `l:\n${list}`;
  const inMap = await merge(
    "yaml",
    below(x + y),
    below(x + item("y", "3") + item("z", "4")),
    below(item("w", "9") + y + item("x", "5")),
  );
  assert.equal(places(inMap), []);
  assert.is(inMap.text, below(item("w", "9") + item("y", "3") + item("z", "4") + item("x", "5")));
});

test("items without names: what stands between equal ones", async () => {
  const merged = await merge("yaml", "l: [a, b, c]\n", "l: [a, c]\n", "l: [a, b, c, d]\n");
  assert.equal(places(merged), []);
  assert.is(merged.text, "l: [a, c, d]\n");
  const both = await merge("yaml", "l: [a]\n", "l: [a, b]\n", "l: [a, c]\n");
  assert.equal(places(both), [[["l"], "value"]]);
  assert.is(both.text, "l: [a, b]\n");
  assert.is(both.theirs, "l: [a, c]\n");
  assert.is(both.base, "l: [a]\n");
});

test("each kind of conflict", async () => {
  const base = "a: 1\nb: 2\nc: 3\n";
  const kinds: [ours: string, theirs: string, wanted: unknown][] = [
    ["a: 2\nb: 2\nc: 3\n", "a: 3\nb: 2\nc: 3\n", [[["a"], "value"]]],
    ["b: 2\nc: 3\n", "a: 3\nb: 2\nc: 3\n", [[["a"], "deleted by ours"]]],
    ["a: 3\nb: 2\nc: 3\n", "b: 2\nc: 3\n", [[["a"], "deleted by theirs"]]],
    [`${base}d: 1\n`, `${base}d: 2\n`, [[["d"], "added by both"]]],
    ["b: 2\na: 1\nc: 3\n", "a: 1\nc: 3\nb: 2\n", [[[], "order"]]],
  ];
  for (const [ours, theirs, wanted] of kinds) {
    const merged = await merge("yaml", base, ours, theirs);
    assert.equal(places(merged), wanted);
    assert.is(merged.text, ours);
    assert.is(merged.theirs, theirs);
    assert.is(merged.base, base);
  }
  const comments = await merge("yaml", "a: 1 # x\nb: 2\n", "a: 1 # y\nb: 2\n", "a: 1 # z\nb: 3\n");
  assert.equal(places(comments), [[["a"], "comment"]]);
  assert.is(comments.text, "a: 1 # y\nb: 3\n");
  assert.is(comments.theirs, "a: 1 # z\nb: 3\n");
});

test("the type of a value counts, and its spelling does not", async () => {
  const same = await merge("yaml", "a: 1\nb: 1\n", 'a: "x"\nb: 1\n', "a: x\nb: 1\n");
  assert.equal(places(same), []);
  const other = await merge("yaml", "a: 0\nb: 1\n", 'a: "1"\nb: 1\n', "a: 1\nb: 1\n");
  assert.equal(places(other), [[["a"], "value"]]);
});

test("both sides moved keys: each two stand as the side that moved them has them", async () => {
  const lines = (keys: string) => [...keys].map((key) => `${key}: 1\n`).join("");
  for (const [base, ours, theirs, wanted] of [
    ["abcd", "bacd", "abdc", "badc"],
    ["abc", "cab", "bac", "cba"],
    ["abc", "bca", "cba", "cba"],
    ["abc", "bcad", "cba", "cbad"],
    ["abcd", "dabc", "bacd", "dbac"],
  ] as const) {
    const sides: [string, string][] = [
      [ours, theirs],
      [theirs, ours],
    ];
    for (const [one, other] of sides) {
      const merged = await merge("yaml", lines(base), lines(one), lines(other));
      assert.equal(places(merged), [], `${base} ${one} ${other}`);
      assert.is(merged.text, lines(wanted));
    }
  }
});

test("TOML: what became a value goes above the tables on both sides", async () => {
  const base = "[['a']]\n['é'.a]\n[true]";
  const merged = await merge(
    "toml",
    base,
    "true = \"v0\"\n\n[['a']]\n['é'.a]",
    '"é" = "v0"\na = "v0"\n\n[true]',
  );
  assert.equal(places(merged), []);
  for (const line of ['true = "v0"\n', '"é" = "v0"\n', 'a = "v0"\n']) assert.match(merged.text, line);
  assert.not.match(merged.text, "[");
});

test("documents of a YAML file are merged one by one", async () => {
  const merged = await merge("yaml", "a: 1\n---\nb: 1\n", "a: 2\n---\nb: 1\n", "a: 1\n---\nb: 1\nc: 2\n");
  assert.equal(places(merged), []);
  assert.is(merged.text, "a: 2\n---\nb: 1\nc: 2\n");
  const more = await merge("yaml", "a: 1\n", "a: 2\n", "a: 1\n---\nb: 1\n");
  assert.is(more.conflicts.length > 0 || more.text === "a: 2\n---\nb: 1\n", true);
});

test("files that both sides made", async () => {
  const merged = await merge("dotenv", undefined, "A=1\nB=2\n", "A=1\nC=3\n");
  assert.equal(places(merged), []);
  for (const line of ["A=1\n", "B=2\n", "C=3\n"]) assert.match(merged.text, line);
  const clash = await merge("dotenv", undefined, "A=1\n", "A=2\n");
  assert.equal(places(clash), [[["A"], "added by both"]]);
  assert.is(clash.base, undefined);
});

/** Base and two sides that each put the same comment above another entry, in the formats that have comments. */
const SAME_COMMENT: Partial<Record<FormatName, Record<"base" | "x" | "y" | "both", string>>> = {
  yaml: {
    base: "a: 1\nb: 2\nc: 3\n",
    x: "# todo\na: 1\nb: 2\nc: 3\n",
    y: "a: 1\nb: 2\n# todo\nc: 3\n",
    both: "# todo\na: 1\nb: 2\n# todo\nc: 3\n",
  },
  json5: {
    base: "{\na: 1,\nb: 2,\nc: 3\n}\n",
    x: "{\n// todo\na: 1,\nb: 2,\nc: 3\n}\n",
    y: "{\na: 1,\nb: 2,\n// todo\nc: 3\n}\n",
    both: "{\n// todo\na: 1,\nb: 2,\n// todo\nc: 3\n}\n",
  },
  dotenv: {
    base: "A=1\nB=2\nC=3\n",
    x: "# todo\nA=1\nB=2\nC=3\n",
    y: "A=1\nB=2\n# todo\nC=3\n",
    both: "# todo\nA=1\nB=2\n# todo\nC=3\n",
  },
  ini: {
    base: "[s]\na = 1\nb = 2\nc = 3\n",
    x: "[s]\n; todo\na = 1\nb = 2\nc = 3\n",
    y: "[s]\na = 1\nb = 2\n; todo\nc = 3\n",
    both: "[s]\n; todo\na = 1\nb = 2\n; todo\nc = 3\n",
  },
  toml: {
    base: "a = 1\nb = 2\nc = 3\n",
    x: "# todo\na = 1\nb = 2\nc = 3\n",
    y: "a = 1\nb = 2\n# todo\nc = 3\n",
    both: "# todo\na = 1\nb = 2\n# todo\nc = 3\n",
  },
};

for (const [name, { base, x, y, both }] of Object.entries(SAME_COMMENT)) {
  test(`${name}: equal comments that each side puts at another entry both stay`, async () => {
    for (const [ours, theirs] of [
      [x, y],
      [y, x],
    ] as const) {
      const merged = await merge(name as FormatName, base, ours, theirs);
      assert.equal(places(merged), []);
      assert.is(merged.text, both);
    }
  });

  test(`${name}: equal comments that each side removes at another entry both go`, async () => {
    for (const [ours, theirs] of [
      [x, y],
      [y, x],
    ] as const) {
      const merged = await merge(name as FormatName, both, ours, theirs);
      assert.equal(places(merged), []);
      assert.is(merged.text, base);
    }
  });

  test(`${name}: a comment that both sides put at one entry stands there once`, async () => {
    // each side with a change of its own, so that the texts are not equal
    const [ours, theirs] = [x.replace("3", "30"), x.replace("2", "20")];
    const merged = await merge(name as FormatName, base, ours, theirs);
    assert.equal(places(merged), []);
    assert.is(merged.text, x.replace("3", "30").replace("2", "20"));
  });
}

test("equal comments at neighbouring entries, whose values change too", async () => {
  const base = "a: 1\nb: 2\n";
  const [x, y] = ["# todo\na: 10\nb: 2\n", "a: 1\n# todo\nb: 20\n"];
  for (const [ours, theirs] of [
    [x, y],
    [y, x],
  ] as const) {
    const merged = await merge("yaml", base, ours, theirs);
    assert.equal(places(merged), []);
    assert.is(merged.text, "# todo\na: 10\n# todo\nb: 20\n");
  }
});

test("equal comments at different items of a list", async () => {
  const lists: [base: string, x: string, y: string, both: string][] = [
    [
      "- p\n- q\n- r\n",
      "# todo\n- p\n- q\n- r\n",
      "- p\n- q\n# todo\n- r\n",
      "# todo\n- p\n- q\n# todo\n- r\n",
    ],
    ["- p\n- q\n", "# todo\n- p1\n- q\n", "- p\n# todo\n- q1\n", "# todo\n- p1\n# todo\n- q1\n"],
    [
      "- name: p\n  v: 1\n- name: q\n  v: 2\n",
      "# todo\n- name: p\n  v: 10\n- name: q\n  v: 2\n",
      "- name: p\n  v: 1\n# todo\n- name: q\n  v: 20\n",
      "# todo\n- name: p\n  v: 10\n# todo\n- name: q\n  v: 20\n",
    ],
  ];
  for (const texts of lists) {
    const [base, x, y, both] = texts.map((text) => `l:\n${text}`) as typeof texts;
    for (const [ours, theirs] of [
      [x, y],
      [y, x],
    ] as const) {
      const merged = await merge("yaml", base, ours, theirs);
      assert.equal(places(merged), []);
      assert.is(merged.text, both);
    }
  }
});

test.run();
