import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { type FormatName, pathOf } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { formatPath } from "../../../src/formats/path.ts";
import type { Scalar } from "../../../src/formats/scalar.ts";
import { refuseBared } from "../../../src/sops/remarks.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../../src/sops/selection.ts";
import { type Draft, newDraft, redo, textOf, undo, valueIn } from "../../../src/ui/draft/draft.ts";
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
import { box } from "../../support/sealed.ts";

const TOML =
  'title = "x"\n\n[a]\nb = 1 # one\nc = [1, 2]\n\n[a.d]\ne = "f"\n\n[[g]]\nh = 1\n\n[[g]]\nh = 2\n';
const JSON5 = "{\n  // top\n  a: 1,\n  b: 'x', // end\n  c: [1, {d: 2}],\n}\n";

const SOURCES: Record<FormatName, (seed: number) => string> = {
  yaml: generateYaml,
  json: generateJson,
  dotenv: generateDotenv,
  ini: generateIni,
  toml: () => TOML,
  json5: () => JSON5,
  binary: (seed) => `text ${seed}\n`,
};

const VALUES: readonly Scalar[] = ["new", "", "two\nlines\n", " b ", "é日本😀", "12", true, 7n, 1.5, null];

interface Act {
  readonly kind: number;
  readonly where: number;
  readonly value: number;
}

const acts = fc.array(fc.record({ kind: fc.nat(7), where: fc.nat(1000), value: fc.nat(VALUES.length - 1) }), {
  minLength: 1,
  maxLength: 6,
});

function doing(draft: Draft, { kind, where, value }: Act): Done {
  const { nodes } = draft.base.outline;
  if (nodes.length === 0) return { draft, at: [] };
  const node: Node = nodes[where % nodes.length]!;
  const given = draft.setting.format.name === "yaml" || where % 3 > 0 ? VALUES[value]! : String(value);
  const holder = holderOf(node);
  switch (kind) {
    case 0:
    case 1:
      if (node.kind !== "value") return { draft, at: [] };
      return setValue(draft, node, { value: given });
    case 2:
      return rename(draft, node, `renamed_${where}`);
    case 3:
      return remove(draft, node);
    case 4:
      return duplicate(draft, node);
    case 5:
      return move(draft, node, where % 2 === 0 ? 1 : -1);
    case 6:
      return addComment(draft, node, `comment ${where}`);
    default: {
      const key = holder?.kind === "list" ? undefined : `added_${where}`;
      return add(draft, { holder, document: node.document, key, value: given });
    }
  }
}

/** What each operation leaves alone: the values that stand at the same path before and after, but for its own. */
function attempt(draft: Draft, act: Act): Draft {
  try {
    return doing(draft, act).draft;
  } catch (error) {
    // not every format can hold everything everywhere: what is refused changes nothing
    if (error instanceof TsopsError) return draft;
    throw error;
  }
}

/** Whether what was made of a random text can be encrypted at all: SOPS reads some of them in another way. */
function encryptable(text: string, draft: Draft): boolean {
  try {
    refuseBared(draft.setting.format.read(text), draft.setting.selection);
    return true;
  } catch {
    return false;
  }
}

for (const name of Object.keys(SOURCES) as FormatName[]) {
  test(`${name}: undoing everything gives the text back, redoing it what it was; saved, it is read as it was shown`, async () => {
    const format = await loadFormat(name);
    const selection = await compileSelector(DEFAULT_SELECTOR);
    const { encrypt, decrypt } = await box(format);
    let done = 0;
    fc.assert(
      fc.property(fc.nat(5000), acts, (seed, list) => {
        const text = SOURCES[name](seed);
        const start = startOf(text, { format, selection });
        if (!start || start.base.outline.nodes.length === 0) return;
        let draft = start;
        for (const act of list) draft = attempt(draft, act);
        if (draft === start) return;
        done++;
        const after = textOf(draft);
        let back = draft;
        for (let one = undo(back); one; one = undo(back)) back = one;
        assert.is(textOf(back), text);
        let again = back;
        for (let one = redo(again); one; one = redo(again)) again = one;
        assert.is(textOf(again), after);
        if (!encryptable(after, draft) || !encryptable(text, draft)) return;
        let before: string;
        try {
          before = encrypt(text);
        } catch {
          return;
        }
        const previous = { decrypted: decrypt(before), sameKey: true };
        const saved = decrypt(encrypt(after, { previous }));
        assert.is(saved.text, after);
        const shown = draft.base.outline.nodes.flatMap((node) =>
          node.kind === "value" ? [String(valueIn(draft, node))] : [],
        );
        const values = format
          .read(saved.text)
          .entries.flatMap(({ kind, value }) => (kind === "value" ? [String(value)] : []));
        assert.equal(shown.sort(), values.sort());
        keepCiphers(previous.decrypted.reading.entries, saved.reading.entries, draft, start);
      }),
      { numRuns: 60 },
    );
    assert.ok(done > 5, `only ${done} of the random changes were possible`);
  });
}

/** Some of the random texts are none of the format. */
function startOf(text: string, setting: Draft["setting"]): Draft | undefined {
  try {
    return newDraft(text, setting);
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

type Entries = Draft["base"]["reading"]["entries"];

/** A value that stands where it stood keeps its ciphertext. */
function keepCiphers(before: Entries, after: Entries, draft: Draft, start: Draft): void {
  const unique = (entries: Entries): Map<string, string> => {
    const found = new Map<string, string | undefined>();
    for (const entry of entries) {
      if (entry.kind !== "value" || pathOf(entry).some((element) => typeof element === "number")) continue;
      const path = `${entry.in?.document} ${formatPath(pathOf(entry))}`;
      found.set(path, found.has(path) ? undefined : `${typeof entry.value} ${entry.value}`);
    }
    return new Map(
      [...found].flatMap(([path, value]) => (value === undefined ? [] : [[path, value] as const])),
    );
  };
  const [plainBefore, plainAfter] = [unique(start.base.reading.entries), unique(draft.base.reading.entries)];
  const [oldCiphers, newCiphers] = [unique(before), unique(after)];
  for (const [path, value] of plainAfter) {
    if (plainBefore.get(path) !== value || value.startsWith("number") || value.startsWith("bigint")) continue;
    if (oldCiphers.has(path) && newCiphers.has(path))
      assert.is(newCiphers.get(path), oldCiphers.get(path), path);
  }
}

test.run();
