import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatName, PathElement } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import type { Tree } from "../../../src/formats/tree.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../../src/sops/selection.ts";
import { type Draft, newDraft, redo, textOf, undo } from "../../../src/ui/draft/draft.ts";
import {
  add,
  addComment,
  type Done,
  duplicate,
  move,
  remove,
  rename,
  setValue,
} from "../../../src/ui/draft/operations.ts";
import { type Node, nodeAt } from "../../../src/ui/outline/node.ts";

async function draftOf(text: string, name: FormatName): Promise<Draft> {
  return newDraft(text, {
    format: await loadFormat(name),
    selection: await compileSelector(DEFAULT_SELECTOR),
  });
}

function at(draft: Draft, ...path: PathElement[]): Node {
  const { node, exact } = nodeAt(draft.base.outline, 0, path);
  assert.ok(node && exact, `there is nothing at ${path.join(".")}`);
  return node;
}

const comment = (draft: Draft, text: string): Node =>
  draft.base.outline.nodes.find(
    ({ kind, entry }) => kind === "comment" && draft.base.reading.entries[entry!]!.value === text,
  )!;

const adding = (draft: Draft, path: PathElement[], key: string | undefined, value: Tree): Done =>
  add(draft, { holder: path.length === 0 ? undefined : at(draft, ...path), document: 0, key, value });

/** Does one thing, looks at the text, and takes it back and does it again. */
async function check(
  [name, before]: readonly [FormatName, string],
  change: (draft: Draft) => Done,
  after: string,
): Promise<void> {
  const draft = await draftOf(before, name);
  const done = change(draft);
  assert.is(textOf(done.draft), after);
  const back = undo(done.draft)!;
  assert.is(textOf(back), before);
  assert.is(textOf(redo(back)!), after);
  assert.is(undo(back), undefined);
}

const YAML = `# who we are
db:
  # the one that writes
  user: admin # keep
  password: "s3cret"
  ports: [1, 2]

list:
  - first
  # about the second
  - name: second
    size: 2
  - third
last: 1.50
`;

test("yaml: a value keeps its quotes and what stands around it", async () => {
  await check(
    ["yaml", YAML],
    (d) => setValue(d, at(d, "db", "password"), { value: "new" }),
    YAML.replace("s3cret", "new"),
  );
  await check(
    ["yaml", YAML],
    (d) => setValue(d, at(d, "db", "user"), { value: "bob" }),
    YAML.replace("admin", "bob"),
  );
});

test("yaml: a number keeps the spelling that was typed", async () => {
  const change = (d: Draft) => setValue(d, at(d, "last"), { value: 2.5, spelled: "2.50" });
  await check(["yaml", YAML], change, YAML.replace("1.50", "2.50"));
});

test("yaml: a text of several lines", async () => {
  const draft = await draftOf(YAML, "yaml");
  const pem = "-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n";
  const done = setValue(draft, at(draft, "db", "user"), { value: pem });
  const node = at(done.draft, "db", "user");
  assert.is(done.draft.base.reading.entries[node.entry!]!.value, pem);
});

test("yaml: another type", async () => {
  await check(
    ["yaml", YAML],
    (d) => setValue(d, at(d, "last"), { value: "1.50" }),
    YAML.replace("1.50", '"1.50"'),
  );
  await check(
    ["yaml", YAML],
    (d) => setValue(d, at(d, "last"), { value: null }),
    YAML.replace("1.50", "null"),
  );
  await check(
    ["yaml", YAML],
    (d) => setValue(d, at(d, "db", "user"), { value: true }),
    YAML.replace("admin", "true"),
  );
});

test("yaml: a key is renamed in its place, with what is in it", async () => {
  await check(["yaml", YAML], (d) => rename(d, at(d, "db"), "database"), YAML.replace("db:", "database:"));
  await check(["yaml", YAML], (d) => rename(d, at(d, "db", "user"), "who"), YAML.replace("user:", "who:"));
  await check(
    ["yaml", YAML],
    (d) => rename(d, at(d, "list", 1, "size"), "a: b"),
    YAML.replace("size:", '"a: b":'),
  );
  await check(
    ["yaml", YAML],
    (d) => rename(d, at(d, "db", "ports"), "true"),
    YAML.replace("ports:", '"true":'),
  );
});

test("yaml: items and keys move with their comments", async () => {
  await check(
    ["yaml", YAML],
    (d) => move(d, at(d, "list", 1), -1),
    YAML.replace(
      "  - first\n  # about the second\n  - name: second\n    size: 2\n",
      "  # about the second\n  - name: second\n    size: 2\n  - first\n",
    ),
  );
  await check(
    ["yaml", YAML],
    (d) => move(d, at(d, "db", "ports"), -1),
    YAML.replace('  password: "s3cret"\n  ports: [1, 2]\n', '  ports: [1, 2]\n  password: "s3cret"\n'),
  );
  await check(["yaml", YAML], (d) => move(d, at(d, "db", "ports", 0), 1), YAML.replace("[1, 2]", "[2, 1]"));
});

test("yaml: adding, copying and deleting", async () => {
  await check(
    ["yaml", YAML],
    (d) => adding(d, ["db"], "host", "localhost"),
    YAML.replace("  ports: [1, 2]\n", "  ports: [1, 2]\n  host: localhost\n"),
  );
  await check(
    ["yaml", YAML],
    (d) => remove(d, at(d, "db", "password")),
    YAML.replace('  password: "s3cret"\n', ""),
  );
  await check(
    ["yaml", YAML],
    (d) => duplicate(d, at(d, "db", "password")),
    YAML.replace('"s3cret"\n', '"s3cret"\n  password_copy: "s3cret"\n'),
  );
  await check(
    ["yaml", YAML],
    (d) => duplicate(d, at(d, "list", 0)),
    YAML.replace("- first\n", "- first\n  - first\n"),
  );
});

test("yaml: comments are edited, added and deleted", async () => {
  await check(
    ["yaml", YAML],
    (d) => setValue(d, comment(d, " the one that writes"), { value: " reads" }),
    YAML.replace("the one that writes", "reads"),
  );
  await check(
    ["yaml", YAML],
    (d) => remove(d, comment(d, " about the second")),
    YAML.replace("  # about the second\n", ""),
  );
  await check(["yaml", YAML], (d) => remove(d, comment(d, " keep")), YAML.replace(" # keep", ""));
  await check(
    ["yaml", YAML],
    (d) => addComment(d, at(d, "db", "password"), "secret!"),
    YAML.replace("  password:", "  # secret!\n  password:"),
  );
  await check(
    ["yaml", YAML],
    (d) => addComment(d, at(d, "list", 2), "x"),
    YAML.replace("  - third", "  # x\n  - third"),
  );
});

const JSON_TEXT = `{
  "a": {"b": 1, "c": [true, null]},
  "d": "x",
  "e": {}
}
`;

test("json: every operation", async () => {
  const cases: [(d: Draft) => Done, string, string][] = [
    [(d) => setValue(d, at(d, "d"), { value: "y\n" }), '"x"', '"y\\n"'],
    [(d) => setValue(d, at(d, "a", "b"), { value: 1, spelled: "1.0" }), '"b": 1', '"b": 1.0'],
    [(d) => rename(d, at(d, "a"), "z"), '"a"', '"z"'],
    [(d) => rename(d, at(d, "e"), 'q"'), '"e"', '"q\\""'],
    [(d) => remove(d, at(d, "d")), '  "d": "x",\n', ""],
    [
      (d) => move(d, at(d, "a"), 1),
      '  "a": {"b": 1, "c": [true, null]},\n  "d": "x",\n',
      '  "d": "x",\n  "a": {"b": 1, "c": [true, null]},\n',
    ],
    [(d) => move(d, at(d, "a", "c", 1), -1), "[true, null]", "[null, true]"],
    [(d) => adding(d, ["a", "c"], undefined, "n"), "null]", 'null, "n"]'],
    [(d) => adding(d, ["e"], "k", "v"), "{}", '{\n    "k": "v"\n  }'],
    [(d) => adding(d, [], "f", 1n), '"e": {}', '"e": {},\n  "f": 1'],
    [(d) => duplicate(d, at(d, "d")), '  "d": "x",\n', '  "d": "x",\n  "d_copy": "x",\n'],
  ];
  for (const [change, from, to] of cases)
    await check(["json", JSON_TEXT], change, JSON_TEXT.replace(from, to));
  await check(
    ["json", JSON_TEXT],
    (d) => move(d, at(d, "e"), -1),
    JSON_TEXT.replace('"d": "x",\n  "e": {}', '"e": {},\n  "d": "x"'),
  );
});

const DOTENV = "# top\nA=1\nB='two words'\n\nC=3\n";

test("dotenv: every operation", async () => {
  const cases: [(d: Draft) => Done, string][] = [
    [(d) => setValue(d, at(d, "A"), { value: "9" }), DOTENV.replace("A=1", "A=9")],
    [(d) => rename(d, at(d, "B"), "BB"), DOTENV.replace("B=", "BB=")],
    [(d) => remove(d, at(d, "A")), DOTENV.replace("A=1\n", "")],
    [(d) => move(d, at(d, "A"), 1), "B='two words'\n# top\nA=1\n\nC=3\n"],
    [(d) => adding(d, [], "D", "4"), `${DOTENV}D=4\n`],
    [(d) => remove(d, comment(d, " top")), DOTENV.replace("# top\n", "")],
    [(d) => addComment(d, at(d, "C"), "hm"), DOTENV.replace("C=", "# hm\nC=")],
  ];
  for (const [change, after] of cases) await check(["dotenv", DOTENV], change, after);
});

const INI = "; top\n[one]\na = 1\nb = 2 words\n\n[two]\n# note\nc = 3\n";

test("ini: every operation", async () => {
  const cases: [(d: Draft) => Done, string][] = [
    [(d) => setValue(d, at(d, "one", "a"), { value: "9" }), INI.replace("a = 1", "a = 9")],
    [(d) => rename(d, at(d, "one"), "uno"), INI.replace("[one]", "[uno]")],
    [(d) => rename(d, at(d, "two", "c"), "cc"), INI.replace("c = 3", "cc = 3")],
    [(d) => remove(d, at(d, "one", "b")), INI.replace("b = 2 words\n", "")],
    [(d) => move(d, at(d, "one", "a"), 1), INI.replace("a = 1\nb = 2 words\n", "b = 2 words\na = 1\n")],
    [(d) => adding(d, ["two"], "d", "4"), INI.replace("c = 3\n", "c = 3\nd = 4\n")],
  ];
  for (const [change, after] of cases) await check(["ini", INI], change, after);
});

const TOML =
  '# top\ntitle = "x"\n\n[a]\nb = 1 # one\nc = [1, 2]\n\n[a.d]\ne = "f"\n\n[[g]]\nh = 1\n\n[[g]]\nh = 2\n';

test("toml: every operation", async () => {
  const cases: [(d: Draft) => Done, string][] = [
    [(d) => setValue(d, at(d, "title"), { value: "y" }), TOML.replace('"x"', '"y"')],
    [(d) => rename(d, at(d, "a"), "z"), TOML.replace("[a]", "[z]").replace("[a.d]", "[z.d]")],
    [(d) => rename(d, at(d, "a", "b"), "bb"), TOML.replace("b = 1", "bb = 1")],
    [(d) => remove(d, at(d, "a", "b")), TOML.replace("b = 1 # one\n", "")],
    [(d) => move(d, at(d, "a", "c", 0), 1), TOML.replace("[1, 2]", "[2, 1]")],
    [(d) => adding(d, ["a"], "n", "v"), TOML.replace("c = [1, 2]\n", 'c = [1, 2]\nn = "v"\n')],
    [(d) => addComment(d, at(d, "a", "c"), "hm"), TOML.replace("c = [", "# hm\nc = [")],
  ];
  for (const [change, after] of cases) await check(["toml", TOML], change, after);
});

const JSON5 = "{\n  // top\n  a: 1,\n  b: 'x', // end\n  c: [1, 2],\n}\n";

test("json5: every operation", async () => {
  const cases: [(d: Draft) => Done, string][] = [
    [(d) => setValue(d, at(d, "b"), { value: "y" }), JSON5.replace("'x'", "'y'")],
    [(d) => rename(d, at(d, "a"), "aa"), JSON5.replace("a:", "aa:")],
    [(d) => rename(d, at(d, "a"), "a b"), JSON5.replace("a:", '"a b":')],
    [(d) => remove(d, at(d, "a")), JSON5.replace("  a: 1,\n", "")],
    [(d) => move(d, at(d, "b"), 1), "{\n  // top\n  a: 1,\n  c: [1, 2],\n  b: 'x', // end\n}\n"],
    [(d) => remove(d, comment(d, " top")), JSON5.replace("  // top\n", "")],
    [(d) => remove(d, comment(d, " end")), JSON5.replace(" // end", "")],
    [(d) => addComment(d, at(d, "c"), "hm"), JSON5.replace("  c:", "  // hm\n  c:")],
  ];
  for (const [change, after] of cases) await check(["json5", JSON5], change, after);
});

test("a binary file is one text, which can be changed", async () => {
  await check(["binary", "old\n"], (d) => setValue(d, at(d, "data"), { value: "new" }), "new");
});

test("what cannot be is refused with a reason, and changes nothing", async () => {
  const yaml = await draftOf(YAML, "yaml");
  assert.throws(() => rename(yaml, at(yaml, "db"), "list"), /there is a key "list" already/);
  assert.throws(() => rename(yaml, at(yaml, "db"), "sops"), /keeps its own metadata/);
  assert.throws(() => adding(yaml, [], "sops", "x"), /keeps its own metadata/);
  assert.throws(() => addComment(yaml, at(yaml, "db"), "a\nb"), /a comment is one line/);
  const json = await draftOf(JSON_TEXT, "json");
  assert.throws(() => addComment(json, at(json, "a"), "x"), /a comment cannot be written here as json/);
  const dotenv = await draftOf(DOTENV, "dotenv");
  assert.throws(() => rename(dotenv, at(dotenv, "A"), "A=B"));
  assert.throws(() => adding(dotenv, [], "sops_x", "x"), /keeps its own metadata/);
});

test("of equal keys the one that was chosen is changed", async () => {
  const text = '{"a": 1, "a": 2}';
  const draft = await draftOf(text, "json");
  const second = draft.base.outline.roots[1]!;
  assert.is(textOf(setValue(draft, second, { value: 3n }).draft), '{"a": 1, "a": 3}');
});

test("a value that an alias repeats is changed alone", async () => {
  const text = "a: &x one\nb: *x\n";
  const draft = await draftOf(text, "yaml");
  const changed = setValue(draft, at(draft, "a"), { value: "two" }).draft;
  assert.is(changed.base.reading.entries.find(({ key }) => key === "b")!.value, "one");
  assert.is(changed.base.reading.entries.find(({ key }) => key === "a")!.value, "two");
});

test("several documents: the change is made in its own", async () => {
  const text = "a: 1\n---\na: 1\n";
  const draft = await draftOf(text, "yaml");
  const node = draft.base.outline.roots[1]!.children[0]!;
  assert.is(textOf(setValue(draft, node, { value: 2n, spelled: "2" }).draft), "a: 1\n---\na: 2\n");
  assert.is(textOf(rename(draft, node, "b").draft), "a: 1\n---\nb: 1\n");
  assert.is(textOf(remove(draft, node).draft), "a: 1\n---\n{}\n");
});

test("in a large text many values change before it is read again", async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `key${i}: value${i}\n`);
  let draft = await draftOf(lines.join(""), "yaml");
  const { base } = draft;
  for (const i of [7, 4321]) draft = setValue(draft, at(draft, `key${i}`), { value: "new: one" }).draft;
  assert.is(draft.base, base);
  assert.is(
    textOf(draft),
    lines.join("").replace("value7\n", "'new: one'\n").replace("value4321\n", "'new: one'\n"),
  );
  const renamed = rename(draft, at(draft, "key9"), "nine").draft;
  assert.match(textOf(renamed), "key7: 'new: one'");
  const back = undo(undo(undo(renamed)!)!)!;
  assert.is(textOf(back), lines.join(""));
  assert.is(textOf(redo(redo(redo(back)!)!)!), textOf(renamed));
});

test("in a large text an entry is deleted as in a small one", async () => {
  const lines = Array.from(
    { length: 1500 },
    (_, i) => `g${i}:\n  # of a\n  a: x${i}\n  b: y # behind\n  c: z\n`,
  );
  const text = lines.join("");
  for (const [path, gone] of [
    [["g700", "c"], "  c: z\n"],
    [["g700", "b"], "  b: y # behind\n"],
  ] as const) {
    const alone = await draftOf(lines[700]!, "yaml");
    const small = remove(alone, at(alone, ...path));
    const draft = await draftOf(text, "yaml");
    const after = remove(draft, at(draft, ...path)).draft;
    const expected = lines.with(700, textOf(small.draft)).join("");
    assert.is(textOf(after), expected, gone);
    assert.is(textOf(undo(after)!), text);
  }
});

test.run();
