import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import type { Container, Entry, FormatName } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import type { Scalar } from "../../../src/formats/scalar.ts";
import { compileSelector } from "../../../src/sops/selection.ts";
import { type Base, readBase } from "../../../src/ui/draft/base.ts";
import { type Draft, flushed, newDraft, redo, settled, textOf, undo } from "../../../src/ui/draft/draft.ts";
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
import { holderOf, type Node } from "../../../src/ui/outline/node.ts";
import { generateDotenv, generateIni, generateJson } from "../../support/generate/others.ts";
import { generateYaml } from "../../support/generate/yaml.ts";

fc.configureGlobal({ includeErrorInReport: true });

/** Parts of large texts: what comes of reading them must be what reading the whole text gives. Here all texts are large. */

/** Members of a YAML map, in all styles that mean something to what stands beside them. */
const MEMBERS: readonly ((name: string) => string)[] = [
  (name) => `${name}: value\n`,
  (name) => `${name}: 12 # behind\n`,
  (name) => `# above ${name}\n${name}: "quoted: yes"\n`,
  (name) => `\n# far above\n\n# above\n${name}:\n  a: 1\n  b: two\n  # in the map\n  c: 3\n  d: 4\n  e: 5\n`,
  (name) => `${name}:\n  a: 1\n  # foot of the map\n`,
  (name) => `${name}: |\n  lines\n\n  more\n`,
  (name) => `${name}: |+\n  kept\n\n\n`,
  (name) => `${name}: >-\n  folded\n  text\n# right below\n`,
  (name) => `${name}: {a: 1, b: [x, y], c: {}}\n`,
  (name) => `${name}: {a: 1,\n  b: 2}\n`,
  (name) => `${name}:\n- one\n- two # why\n# between\n- three\n`,
  (name) => `${name}:\n  - n: 1\n    m: 2\n  - n: 3\n    m: [a]\n`,
  (name) =>
    `${name}:\n    deep:\n        er: x\n        es: y\n        et: z\n        eu: z\n        ev: z\n`,
  (name) => `${name}: plain text\n  that goes on\n`,
  (name) => `"${name}": 'it''s'\n`,
  (name) => `${name}:\n`,
  (name) => `${name}: {}\n`,
  (name) => `? ${name}\n: explicit\n`,
  (name) => `${name}: &x${name} anchored\n`,
  (name) => `${name}: !!str 1\n`,
  (name) => `${name}: "two\n  lines"\n  # indented comment\n`,
  (name) => `${name}_unencrypted: plain\n`,
];

function yamlMembers(seed: number): string {
  let state = seed * 2654435761 + 12345;
  const pick = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state >>> 8;
  };
  const members = Array.from({ length: 6 + (pick() % 8) }, (_, i) =>
    MEMBERS[pick() % MEMBERS.length]!(`k${i}`),
  );
  const text = members.join("");
  switch (pick() % 4) {
    case 0:
      return `data:\n${text.replace(/^(?=.)/gm, "  ")}other: 1\n`;
    case 1:
      return text.trimEnd();
    case 2:
      return text.replaceAll("\n", "\r\n");
    default:
      return text;
  }
}

const jsonMembers = (seed: number): string => {
  const flat = Object.fromEntries(
    Array.from({ length: 5 + (seed % 9) }, (_, i) => [`k${i}`, i % 3 ? `v${i}` : i]),
  );
  const tree =
    seed % 2 ? flat : { first: 1, data: { ...flat, list: [1, { a: 2 }], empty: {} }, list: [], last: flat };
  return JSON.stringify(tree, null, seed % 3) + (seed % 5 ? "\n" : "");
};

const SOURCES: Partial<Record<FormatName, (seed: number) => string>> = {
  yaml: (seed) => (seed % 4 ? yamlMembers(seed) : generateYaml(seed)),
  json: (seed) => (seed % 3 ? jsonMembers(seed) : generateJson(seed)),
  dotenv: (seed) => {
    const text = generateDotenv(seed) + generateDotenv(seed + 1).replaceAll(/KEY|LAST/g, "NEXT_$&");
    return text.replaceAll(/\r?\n/g, seed % 9 ? "\n" : "\r\n");
  },
  ini: generateIni,
};

const VALUES: readonly Scalar[] = [
  "new",
  "",
  "two\nlines\n",
  " b ",
  "é日本😀",
  "# x",
  "&a",
  "- b",
  "12",
  true,
  7n,
  1.5,
  null,
];

interface Act {
  readonly kind: number;
  readonly where: number;
  readonly value: number;
}

const acts = fc.array(
  fc.record({ kind: fc.nat(10), where: fc.nat(1000), value: fc.nat(VALUES.length - 1) }),
  {
    minLength: 1,
    maxLength: 7,
  },
);

function doing(draft: Draft, { kind, where, value }: Act): Done {
  const { nodes } = draft.base.outline;
  if (nodes.length === 0) return { draft, at: [] };
  const node: Node = nodes[where % nodes.length]!;
  const isFlat = draft.setting.format.name === "dotenv" || draft.setting.format.name === "ini";
  const given = isFlat ? String(VALUES[value]) : VALUES[value]!;
  switch (kind) {
    case 0:
      return node.kind === "value" || node.kind === "comment"
        ? setValue(draft, node, { value: node.kind === "comment" ? " said" : given })
        : { draft, at: [] };
    case 1:
      return rename(draft, node, `renamed_${where}`);
    case 2:
    case 3:
      return remove(draft, node);
    case 4:
      return duplicate(draft, node);
    case 5:
      return move(draft, node, where % 2 === 0 ? 1 : -1);
    case 6:
      return addComment(draft, node, `comment ${where}`);
    case 7:
      return { draft: undo(draft) ?? draft, at: [] };
    case 8:
      return { draft: redo(draft) ?? draft, at: [] };
    case 9:
      return { draft: settled(draft), at: [] };
    default: {
      const holder = where % 5 === 0 ? undefined : holderOf(node);
      const key = holder?.kind === "list" ? undefined : `added_${where}`;
      return add(draft, { holder, document: node.document, key, value: given });
    }
  }
}

function attempt(draft: Draft, act: Act): Draft {
  try {
    return doing(draft, act).draft;
  } catch (error) {
    if (error instanceof TsopsError) return draft;
    throw error;
  }
}

/** Undefined where a value stands in no part, and cannot be written: that is seen when all of the text is read. */
function saidBy(draft: Draft): string | undefined {
  try {
    return textOf(draft);
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

function startOf(text: string, setting: Draft["setting"]): Draft | undefined {
  try {
    return newDraft(text, setting);
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

const containerSaid = (container: Container | undefined): unknown =>
  container && [
    container.kind,
    container.key,
    container.document,
    container.prefix,
    container.start,
    container.end,
    containerSaid(container.parent),
  ];

function entrySaid({
  kind,
  key,
  value,
  inline,
  start,
  end,
  alias,
  anchored,
  lost,
  in: holder,
}: Entry): unknown {
  const said =
    value === undefined ? undefined : `${typeof value} ${(value as { text?: string })?.text ?? value}`;
  return [kind, key, said, inline === true, start, end, !!alias, !!anchored, !!lost, containerSaid(holder)];
}

function said({ text, reading, outline, selected }: Base): unknown {
  return {
    text,
    documents: reading.documents,
    metadata: reading.metadata !== undefined,
    entries: reading.entries.map(entrySaid),
    selected,
    nodes: outline.nodes.map(({ id, kind, parent, at, depth, document, key, entry, children, size }) => [
      ...[id, kind, parent?.id, at, depth, document, key, entry, children.map((child) => child.id), size],
    ]),
    byEntry: outline.byEntry.map(({ id }) => id),
  };
}

/** How deep new lines stand is seen from what is beside them, and that may be another neighbour. */
const withoutBlanks = (text: string): string => text.replace(/\s/g, "");

for (const name of Object.keys(SOURCES) as FormatName[]) {
  test(`${name}: what is put together of parts is what reading the whole text gives, after each operation`, async () => {
    const format = await loadFormat(name);
    const selection = await compileSelector({ kind: "unencrypted_comment_regex", value: "above|said" });
    let spliced = 0;
    fc.assert(
      fc.property(fc.nat(100_000), acts, (seed, list) => {
        const text = SOURCES[name]!(seed);
        let draft = startOf(text, { format, selection, large: 0 });
        for (const act of list) {
          if (!draft) return;
          draft = attempt(draft, act);
          if (draft.base.spliced) {
            spliced++;
            assert.equal(
              said(draft.base),
              said(readBase(draft.base.text, format, selection)),
              JSON.stringify(text),
            );
          }
        }
        if (!draft) return;
        const after = saidBy(draft);
        if (after !== undefined) assert.is(textOf(flushed(draft)), after);
        let back = draft;
        const texts = [after];
        for (let one = undo(back); one; one = undo(back)) texts.push(saidBy((back = one)));
        assert.is(textOf(back), text);
        texts.pop();
        for (let one = redo(back); one; one = redo(back)) {
          back = one;
          if (texts.length > 0) assert.is(saidBy(back), texts.pop());
        }
      }),
      { numRuns: 300 },
    );
    if (format.pieces) assert.ok(spliced > 100, `only ${spliced} texts were put together of parts`);
    else assert.is(spliced, 0);
  });

  test(`${name}: in a large text an operation gives the text that it gives in a small one`, async () => {
    const format = await loadFormat(name);
    const selection = await compileSelector({ kind: "encrypted_suffix", value: "" });
    fc.assert(
      fc.property(fc.nat(100_000), acts, (seed, list) => {
        const text = SOURCES[name]!(seed);
        let large = startOf(text, { format, selection, large: 0 });
        let small = startOf(text, { format, selection });
        for (const act of list) {
          if (!large || !small) return;
          const refused = small;
          [large, small] = [attempt(large, act), attempt(small, act)];
          // in a part, more ways can be tried
          if (small === refused) return;
          // what stands in no part may be refused only when all of it is read
          if (large.pending.size > 0) return;
          assert.is(withoutBlanks(textOf(large)), withoutBlanks(textOf(small)), JSON.stringify([text, act]));
        }
      }),
      { numRuns: 300 },
    );
  });
}

test("what is referred to from far away is not changed without a look at that", async () => {
  const format = await loadFormat("yaml");
  const selection = await compileSelector({ kind: "encrypted_suffix", value: "" });
  const lines = Array.from({ length: 20 }, (_, i) => `k${i}: v${i}\n`);
  // an alias can be a key
  const text = `${lines.with(5, "k5: &name five\n").join("")}*name : 1\n`;
  const draft = newDraft(text, { format, selection, large: 0 });
  const node = draft.base.outline.roots[5]!;
  assert.throws(() => remove(draft, node), /without changing something else/);
  assert.throws(() => textOf(setValue(draft, node, { value: "other" }).draft), /cannot be written/);
  const renamed = rename(draft, node, "first").draft;
  assert.is(renamed.base.spliced, undefined);
  assert.is(textOf(renamed), text.replace("k5:", "first:"));
  const far = remove(draft, draft.base.outline.roots[12]!).draft;
  assert.is(far.base.spliced, true);
  assert.is(textOf(far), text.replace("k12: v12\n", ""));
});

test("a new name that is taken far away is refused, and one that is not is the only one", async () => {
  const format = await loadFormat("json");
  const selection = await compileSelector({ kind: "encrypted_suffix", value: "" });
  const keys = Array.from({ length: 20 }, (_, i) => [`k${i}`, `v${i}`] as const);
  const text = `${JSON.stringify(Object.fromEntries([...keys, ["k10_copy", ""]]), null, 2)}\n`;
  const draft = newDraft(text, { format, selection, large: 0 });
  const node = draft.base.outline.roots[10]!;
  assert.throws(() => rename(draft, node, "k1"), /there is a key "k1" already/);
  assert.throws(() => add(draft, { holder: undefined, document: 0, key: "k1", value: "" }), /already/);
  const copied = duplicate(draft, node).draft;
  assert.is(copied.base.spliced, true);
  assert.match(textOf(copied), /"k10": "v10",\n {2}"k10_copy2": "v10",\n {2}"k11"/);
});

for (const odd of [".nan", "-.inf", "-0.0", "0x1f", "2001-01-01", "2001-01-01T10:00:00.5Z", "~"]) {
  test(`a large text with the value ${odd} can be saved after a change`, async () => {
    const format = await loadFormat("yaml");
    const selection = await compileSelector({ kind: "encrypted_suffix", value: "" });
    const lines = Array.from({ length: 20 }, (_, i) => `k${i}: v${i}\n`).with(11, `k11: ${odd}\n`);
    const draft = newDraft(lines.join(""), { format, selection, large: 0 });
    const removed = remove(draft, draft.base.outline.roots[12]!).draft;
    assert.is(removed.base.spliced, true);
    assert.is(settled(removed).base.text, lines.with(12, "").join(""));
    const changed = setValue(draft, draft.base.outline.roots[12]!, { value: "new" }).draft;
    assert.is(changed.pending.size, 1);
    assert.is(settled(changed).base.text, lines.with(12, "k12: new\n").join(""));
  });
}

test("a first comment is written in a part, also where other places have comments", async () => {
  const format = await loadFormat("yaml");
  const selection = await compileSelector({ kind: "encrypted_suffix", value: "" });
  const lines = Array.from({ length: 20 }, (_, i) => `k${i}: v${i}\n`);
  const draft = newDraft(`# top\n${lines.join("")}`, { format, selection, large: 0 });
  const node = draft.base.outline.roots.find(({ key }) => key === "k12")!;
  const done = addComment(draft, node, "why").draft;
  assert.is(done.base.spliced, true);
  assert.is(textOf(settled(done)), `# top\n${lines.with(12, "# why\nk12: v12\n").join("")}`);
});

test.run();
