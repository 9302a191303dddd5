import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import type { FormatName } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
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
import { holderOf, type Node, pathOfNode } from "../../../src/ui/outline/node.ts";
import { box } from "../../support/sealed.ts";

/**
 * Every operation on every row of texts that are hard to change: it is refused, or the rest of the text stays as it is
 * to the byte, and the result can be saved and is read as it was shown.
 */

const TEXTS: readonly (readonly [FormatName, string, string])[] = [
  ["yaml", "anchors", "base: &b\n  user: adm # who\n  pw: s1\nref: *b\nlist: [&x one, *x, two]\n"],
  ["yaml", "merge keys", "b: &b {u: adm, p: s1}\nprod:\n  <<: *b\n  p: s2\n"],
  ["yaml", "documents", "# head\n---\na: 1\nb: x # c\n---\n# two\nl:\n- p\n- q: 1\n  r: 2\n...\n---\nc: 3\n"],
  [
    "yaml",
    "block scalars",
    "a: |\n  one\n  two\n\nb: >-\n  folded\n  text\nc: |+\n  keep\n\n# after\nd: |2\n    in\n  more\n",
  ],
  ["yaml", "flow", "a: {b: 1, c: [x, 'y', \"z\"], d: {}}\ne: [ {f: 1},\n  {g: 2}, # c\n  h ]\n"],
  ["yaml", "keys", '"q k": 1\n\'sq\': 2\nempty:\n"": e\n日本: 語\n"a:b": c\n"#h": i\nd: 2024-01-01\n'],
  [
    "yaml",
    "comments",
    "# top\n\n# two\na: 1 # in\n  # odd\nb: # after key\n  # before\n  c: 2\n  # end\n# d\nd:\n# l\n- x # cx\n# e\n",
  ],
  ["yaml", "CR LF", "a: 1\r\nb:\r\n  c: x # c\r\n  d: |\r\n    one\r\n    two\r\nl:\r\n  - 1\r\n  - 2\r\n"],
  ["yaml", "byte order mark", "\ufeffa: 1\nb: two\n"],
  ["yaml", "no line end", "a: 1\nb:\n  c: x"],
  ["yaml", "tabs", "a:\t1\nb:\tx\t# c\nc: [\t1,\t2]\n"],
  ["yaml", "lists", "x:\n- a: 1\n  b: 2\n-   c: 3\n    d: 4\n- - x\n  - y\n- z\n"],
  [
    "json",
    "layout",
    '{\n\t"a": "x",\n\t"b": {"c": [1, "two", null, {}]},\n\t"e": [],\n\t"g": 1.50, "h": true\n}\n',
  ],
  ["json", "CR LF", '{\r\n  "a": "x",\r\n  "b": [1, 2]\r\n}\r\n'],
  ["json", "one line", '{"a":1,"b":[1,2],"c":{"d":"e"}}'],
  [
    "json5",
    "styles",
    "// h\n{\n  a: 1, // one\n  'b': \"x\",\n  /* c */ \"c\": [1, 0x1F, 'q',],\n  d: {e: 1,},\n}\n",
  ],
  ["json5", "CR LF", "{\r\n  // c\r\n  a: 1,\r\n  b: [1, 2],\r\n}\r\n"],
  [
    "toml",
    "styles",
    '# t\ns = "x" # c\nn = 1_000\nm = """\none\n"""\n[a]\nc = [1, 2] # c\nin = {x = 1}\n"q k" = 1\n\n[[g]]\nh = 1\n\n[[g]]\nh = 2\n',
  ],
  ["toml", "CR LF", 'a = "x"\r\n\r\n[t]\r\nb = 2 # c\r\nc = [\r\n  1,\r\n  2,\r\n]\r\n'],
  ["ini", "sections", '; head\ntop = 1\n\n[s]\na = x ; c\nb=2\n# h\nc = "q"\n[t]\nd = e\n'],
  ["ini", "CR LF", "[s]\r\na = 1\r\nb = 2\r\n"],
  ["dotenv", "lines", '# c\nA=1\nB=two words\n\nC="q"\nD=\nE=a=b\n#x=y\n'],
  ["binary", "text", "text\nmore\n"],
  ["binary", "bytes", "a\0b\udcff"],
];

const VALUES = ["new", "", "two\nlines\n", " sp ", "é日😀", "12", "- x", "a: b # c", "'\"\\", true, 7n, null];
const NAMES = ["plain", "with space", "a:b #x", "12", "", "q\"'", "[x]", "~", "é日"];
const COMMENTS = ["note", "a: b", "'", "*/", "é"];

interface Act {
  readonly name: string;
  readonly does: () => Done;
  /** So many lines of the text may be others afterwards. */
  readonly lines: number;
}

const ANY = Number.POSITIVE_INFINITY;

function actsOn(draft: Draft, node: Node): Act[] {
  const place = `${node.kind} ${JSON.stringify(pathOfNode(node))}`;
  const acts: Act[] = [];
  const act = (name: string, lines: number, does: () => Done) =>
    acts.push({ name: `${name} at ${place}`, lines, does });
  const holder = holderOf(node);
  const key = holder?.kind === "list" ? undefined : "added";
  // what an alias repeats becomes a copy
  const one = /[&*]\w/.test(draft.base.text) ? ANY : 1;
  // an array of tables has its name in each of them
  const named = node.kind === "list" ? node.children.length : 1;
  if (node.kind === "value")
    for (const value of VALUES) act(`set ${String(value)}`, ANY, () => setValue(draft, node, { value }));
  if (node.kind === "comment")
    for (const value of COMMENTS) act(`comment ${value}`, ANY, () => setValue(draft, node, { value }));
  if (typeof node.key === "string")
    for (const name of NAMES) act(`rename ${name}`, Math.max(1, named), () => rename(draft, node, name));
  for (const text of COMMENTS) act(`comment above ${text}`, one, () => addComment(draft, node, text));
  act("duplicate", one, () => duplicate(draft, node));
  act("move down", ANY, () => move(draft, node, 1));
  act("move up", ANY, () => move(draft, node, -1));
  act("remove", ANY, () => remove(draft, node));
  for (const value of ["new", "two\nlines\n"])
    act(`add ${value}`, one, () =>
      add(draft, {
        holder: holder?.kind === "document" ? undefined : holder,
        document: node.document,
        key,
        value,
      }),
    );
  return acts;
}

/** How many lines of a text are not in another. */
function linesGone(before: string, after: string): number {
  const left = new Map<string, number>();
  for (const line of after.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
  return before.split("\n").filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  }).length;
}

function attempt({ does }: Act): Draft | undefined {
  try {
    return does().draft;
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

for (const [name, what, text] of TEXTS) {
  test(`${name}, ${what}: every operation on every row`, async () => {
    const format = await loadFormat(name);
    const selection = await compileSelector(DEFAULT_SELECTOR);
    const { encrypt, decrypt } = await box(format);
    const previous = { decrypted: decrypt(encrypt(text)), sameKey: true };
    const draft = newDraft(text, { format, selection });
    const acts = draft.base.outline.nodes.flatMap((node) => actsOn(draft, node));
    let made = 0;
    for (const act of acts) {
      const now = attempt(act);
      if (!now || now === draft) continue;
      made++;
      const after = textOf(now);
      const said = `${act.name}: ${JSON.stringify(after)}`;
      const back = undo(now)!;
      assert.is(textOf(back), text, said);
      assert.is(textOf(redo(back)!), after, said);
      assert.is(after.startsWith("\ufeff"), text.startsWith("\ufeff"), said);
      assert.ok(linesGone(text, after) <= act.lines, said);
      // INI has the line breaks of a value as they are
      if (what === "CR LF" && name !== "ini") assert.not.match(after, /[^\r]\n/, said);
      assert.is(decrypt(encrypt(after, { previous })).text, after, said);
    }
    assert.ok(made > 0);
  });
}

test.run();
