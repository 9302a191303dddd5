import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Where the ciphertext of a YAML block scalar stands, and what becomes of line breaks at the end of a file. */

const GOLDEN = new URL("../../fixtures/golden/", import.meta.url).pathname;

const BLOCKS = `literal: |
  one
  two
strip: |-
  one
keep: |+
  one

folded: >
  folded
  text

  more
fold_strip: >-
  folded
  text
fold_keep: >+
  text


digit: |4
      deeper
    x
blanks: |

  after a blank line
   \u0020
  end
commented: | # about it
  text
anchored: &a |
  text
tagged: !t |
  text
list:
  - |
    item
  - >-
    folded
    item
  -
    |
    below
  - - |
      deep
  - k: |2
      text
map:
  # before
  inner: |
      text # none
      # none
  # behind
? explicit
: |
  text
last: |
  end
`;

async function encrypted(box: Sandbox, name: string, plain: string): Promise<string> {
  box.write(name, plain);
  const { code, stderr } = await box.run(["encrypt", "-i", name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

async function decrypted(box: Sandbox, name: string): Promise<string> {
  const { code, stdout, stderr } = await box.run(["decrypt", name]);
  assert.is(code, 0, stderr);
  return stdout;
}

const body = (text: string) => text.slice(0, text.indexOf("\nsops:") + 1);

test("From programs 7: the ciphertext of a block scalar stands on the line of its key", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml", BLOCKS);
    assert.not.match(body(text), /[|>]/);
    for (const line of body(text).matchAll(/^.*ENC\[.*$/gm)) {
      assert.match(line[0], /^(.*: |\s*- .*|\s*|: )#?(&a |!t )?#?ENC\[|^\s+ENC\[/);
    }
    assert.is(await decrypted(box, "a.yaml"), BLOCKS);
    const { stdout } = await box.run(["decrypt", "--extract", '["fold_strip"]', "a.yaml"]);
    assert.is(stdout, "folded text");
  }));

test("line ends of Windows, no line break at the end, and several documents come back", () =>
  inSandbox(async (box) => {
    const open = BLOCKS.slice(0, -1);
    for (const plain of [BLOCKS.replaceAll("\n", "\r\n"), open, `${BLOCKS}\n\n`, `${BLOCKS}---\n${BLOCKS}`]) {
      await encrypted(box, "a.yaml", plain);
      assert.is(await decrypted(box, "a.yaml"), plain);
    }
  }));

test("set, unset, edit and a change of recipients keep the bytes of every other line", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml", `a: 1\nb: 2\n${BLOCKS}`);
    const rest = (text: string) => body(text).slice(text.indexOf("\nliteral:"));
    assert.is((await box.run(["set", "a.yaml", '["a"]', '"x"'])).code, 0);
    assert.is((await box.run(["unset", "a.yaml", '["b"]'])).code, 0);
    box.env = { ...box.env, EDITOR: "sed -i -e 1s/x/z/" };
    assert.is((await box.run(["edit", "a.yaml"])).code, 0);
    assert.is((await box.run(["edit", "--show-master-keys", "a.yaml"])).code, 200);
    assert.is(rest(box.read("a.yaml")), rest(before));
    assert.is(await decrypted(box, "a.yaml"), `a: z\n${BLOCKS}`);
    assert.is((await box.run(["rotate", "-i", "a.yaml"])).code, 0);
    assert.is(await decrypted(box, "a.yaml"), `a: z\n${BLOCKS}`);
    assert.not.match(body(box.read("a.yaml")), /[|>]/);
  }));

test("a ciphertext that stands below its header, as the first release wrote it, stays there", () =>
  inSandbox(async (box) => {
    // without a seal: it covers where the ciphertext stands
    box.write(".sopsrc", `{ seal: false, rules: [{ recipients: ["age:${RECIPIENT}"] }] }`);
    const now = await encrypted(box, "a.yaml", "a: 1\nliteral: |\n    one\n    two\nlast: >\n  x\n  y\n");
    const old = now
      .replace(/literal: (ENC.*)/, "literal: |\n    $1")
      .replace(/last: (ENC.*)/, "last: >\n  $1");
    box.write("a.yaml", old);
    assert.is((await box.run(["set", "a.yaml", '["a"]', "2"])).code, 0);
    const rest = (text: string) => body(text).slice(text.indexOf("\nliteral:"));
    assert.is(rest(box.read("a.yaml")), rest(old));
    assert.is(await decrypted(box, "a.yaml"), "a: 2\nliteral: |\n    one\n    two\nlast: >\n  x\n  y\n");
  }));

test("a file that SOPS wrote keeps each line that set does not concern", () =>
  inSandbox(async (box) => {
    let seen = 0;
    for (const name of readdirSync(GOLDEN).filter((name) => name.startsWith("yaml-"))) {
      const path = `${GOLDEN}${name}/in/golden.enc.yaml`;
      if (!existsSync(path)) continue;
      const before = readFileSync(path, "utf8");
      box.write("a.yaml", before);
      const plain = await box.run(["decrypt", "a.yaml"]);
      if (plain.code !== 0 || !/: \|/.test(plain.stdout) || /^[[{]/.test(before)) continue;
      const { code } = await box.run(["set", "--yes", "a.yaml", '["new_unencrypted"]', "1"]);
      if (code !== 0) continue;
      assert.is(body(box.read("a.yaml")).replace(/^new_unencrypted: 1\n/m, ""), body(before), name);
      seen++;
    }
    assert.ok(seen >= 3, `${seen} files`);
  }));

/** Last values of every kind of block scalar, and what SOPS writes for such a file. */
const LAST = [
  "a: |\n  x\n",
  "a: |-\n  x\n",
  "a: |+\n  x\n\n\n",
  "a: >\n  x\n  y\n",
  "a: >+\n  x\n\n",
  "l:\n  - |\n    x\n",
  "m:\n  k: |\n    x\n",
  "a: | # c\n  x\n",
  'a: "x\\n"\n',
  "a: x\n",
  "a: |\r\n  x\r\n",
];

test("From programs 3: a file whose last line break was cut off says what the MAC says", () =>
  inSandbox(async (box) => {
    for (const plain of [...LAST, ...LAST.map((text) => `${text}---\n${text}`), `${LAST.join("---\n")}`]) {
      const text = await encrypted(box, "a.yaml", plain);
      const whole = await box.run(["decrypt", "--output-type", "json", "a.yaml"]);
      // what $(cat a.yaml) gives
      box.write("a.yaml", text.replace(/\n+$/, ""));
      const cut = await box.run(["decrypt", "--output-type", "json", "a.yaml"]);
      assert.is(cut.code, 0, `${JSON.stringify(plain)} ${cut.stderr}`);
      assert.is(cut.stdout, whole.stdout, plain);
      const back = await decrypted(box, "a.yaml");
      assert.is(back.replace(/\r?\n?$/, ""), plain.replace(/\r?\n?$/, ""));
      // and a change of something else does not change it either
      assert.is((await box.run(["set", "a.yaml", '["n"]', '"v"'])).code, 0);
      assert.is((await box.run(["unset", "a.yaml", '["n"]'])).code, 0);
      const again = await box.run(["decrypt", "--output-type", "json", "a.yaml"]);
      assert.is(again.stdout, whole.stdout, plain);
      // more line breaks than there were
      box.write("a.yaml", `${text}\n\n`);
      const more = await box.run(["decrypt", "--output-type", "json", "a.yaml"]);
      assert.is(more.code, 0, more.stderr);
      assert.is(more.stdout, whole.stdout, plain);
    }
  }));

test("empty lines that a tool adds below a ciphertext do not become part of a text that keeps them", () =>
  inSandbox(async (box) => {
    const plain = "e: |\n    e\na: |+\n  x\n\nb: >+\n  y\n\n\nm:\n  c: |+\n    z\n\n# c\nd: 1\n";
    const text = await encrypted(box, "a.yaml", plain);
    const wanted = (await box.run(["decrypt", "--output-type", "json", "a.yaml"])).stdout;
    for (const lines of ["\n", "\n\n", "  \n", "          \n"]) {
      box.write("a.yaml", text.replace(/^(.*type:str\]\n)(?=a:|b:|m:|d:|#)/gm, `$1${lines}`));
      assert.not.equal(box.read("a.yaml"), text);
      box.write("plain.yaml", await decrypted(box, "a.yaml"));
      assert.is((await box.run(["encrypt", "-i", "plain.yaml"])).code, 0);
      assert.is((await box.run(["decrypt", "--output-type", "json", "plain.yaml"])).stdout, wanted);
      assert.is((await box.run(["set", "a.yaml", '["d"]', "2"])).code, 0);
      const after = (await box.run(["decrypt", "--output-type", "json", "a.yaml"])).stdout;
      assert.is(after, wanted.replace('"d": 1', '"d": 2'));
    }
  }));

test("the same file by SOPS, with the ciphertext on the line of the key", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: |\n  x\n");
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const bare = box.read("a.yaml").replace(/ {4}tsops:\n( {8}.*\n)+/, "");
    assert.not.match(bare, "tsops");
    box.write("a.yaml", bare.trimEnd());
    assert.is(await decrypted(box, "a.yaml"), "a: |\n    x\n");
    box.write("a.yaml", bare.replace("ENC[", "ENX["));
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 25);
  }));

test("the layout holds no text twice: thousands of block scalars cost a few characters each", () =>
  inSandbox(async (box) => {
    const line = "x".repeat(200);
    const plain = Array.from({ length: 500 }, (_, i) => `k${i}: |\n  ${line}\n  ${line}\n`).join("");
    const text = await encrypted(box, "a.yaml", plain);
    const layout = /layout: (.*)/.exec(text)![1]!;
    assert.ok(layout.length < 500 * 40, String(layout.length));
    assert.is(await decrypted(box, "a.yaml"), plain);
  }));

test("a comment that stands elsewhere once the block above it is encrypted keeps its ciphertext", () =>
  inSandbox(async (box) => {
    const comments = (text: string) => text.match(/#ENC\[[^\]]*\]/g);
    for (const plain of [
      "k:\n    a: x\n    b: |+\n\n  # note\n\n",
      "k:\n  a: x\n  b: |+\n    y\n\n # note\n\nz: 1\n",
      "k:\n  a: x\n  b: |+\n\n # note\n # note\n\n",
    ]) {
      const before = comments(await encrypted(box, "a.yaml", plain));
      assert.is((await box.run(["set", "a.yaml", '["k"]["a"]', '"other"'])).code, 0);
      assert.equal(comments(box.read("a.yaml")), before);
      assert.is(await decrypted(box, "a.yaml"), plain.replace("a: x", "a: other"));
    }
  }));

test.run();
