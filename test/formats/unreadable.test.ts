import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { decodeText } from "../../src/formats/text.ts";
import { isUtf16, readEncryptedText, readText } from "../../src/formats/unreadable.ts";

/** A small text in each format that is text. */
const TEXTS: Readonly<Record<Exclude<FormatName, "binary">, string>> = {
  yaml: "a: x\nb: y\n",
  json: '{\n  "a": "x"\n}\n',
  json5: "{\n  a: 'x',\n}\n",
  toml: 'a = "x"\nb = "y"\n',
  dotenv: "A=x\nB=y\n",
  ini: "[s]\na = x\n",
};

const formats = Object.keys(TEXTS) as (keyof typeof TEXTS)[];

async function failure(text: string, name: FormatName, encrypted = false): Promise<TsopsError> {
  const format = await loadFormat(name);
  try {
    (encrypted ? readEncryptedText : readText)(text, format);
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error(`${name} was read`);
}

function utf16(text: string, { mark, big }: { mark: boolean; big: boolean }): string {
  const bytes = Buffer.from((mark ? "\ufeff" : "") + text, "utf16le");
  return decodeText(big ? bytes.swap16() : bytes);
}

for (const name of formats) {
  for (const mark of [true, false]) {
    for (const big of [true, false]) {
      test(`UTF-16 is called that: ${name}, ${big ? "big" : "little"} endian, ${mark ? "with" : "without"} mark`, async () => {
        for (const text of [TEXTS[name], TEXTS[name].replaceAll("\n", "\r\n"), TEXTS[name].trimEnd()]) {
          const error = await failure(utf16(text, { mark, big }), name);
          assert.match(error.message, "this file is UTF-16 (PowerShell's > writes it)");
          assert.match(error.hint ?? "", "--output");
          assert.is(error.code, "parse");
        }
      });
    }
  }

  test(`git's conflict markers are called that: ${name}`, async () => {
    const [ours, theirs] = [TEXTS[name], TEXTS[name].replace("x", "z")];
    for (const newline of ["\n", "\r\n"]) {
      const plain = `<<<<<<< HEAD\n${ours}=======\n${theirs}>>>>>>> topic\n`.replaceAll("\n", newline);
      const diff3 = `<<<<<<< HEAD\n${ours}||||||| 1234567\n${ours}=======\n${theirs}>>>>>>> topic (a: b)\n`;
      for (const text of [plain, diff3.replaceAll("\n", newline)]) {
        const error = await failure(text, name);
        assert.is(error.code, "merge-conflict");
        assert.is(error.message, "this file holds an unresolved merge conflict (line 1: <<<<<<<)");
        assert.equal(error.place, { line: 1, column: 1 });
      }
    }
  });

  test(`half a conflict is one, too: ${name}`, async () => {
    const error = await failure(`=======\n${TEXTS[name]}>>>>>>> topic\n`, name);
    assert.match(error.message, "unresolved merge conflict");
  });

  test(`a mistake without markers keeps its own message: ${name}`, async () => {
    const broken = name === "yaml" ? "a: [1\n=======\n" : `nonsense\n=======\n${TEXTS[name]}`;
    assert.is((await failure(broken, name)).code, "parse");
  });
}

test("what a binary file holds is none of our business", async () => {
  const binary = await loadFormat("binary");
  for (const text of [utf16("a", { mark: true, big: false }), "<<<<<<< a\n=======\n>>>>>>> b\n", "\udcff"]) {
    assert.is(readText(text, binary).entries[0]?.value, text);
  }
});

test("an encrypted binary file is JSON, and has JSON's accidents", async () => {
  const text = '{"data": "ENC[x]", "sops": {}}\n';
  assert.match((await failure(utf16(text, { mark: true, big: false }), "binary", true)).message, "UTF-16");
  const conflict = await failure(`<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> b\n`, "binary", true);
  assert.is(conflict.code, "merge-conflict");
  assert.match(conflict.hint ?? "", "tsops git resolve FILE");
  assert.match(conflict.hint ?? "", "git checkout --ours");
});

test("lines that look like markers may stand in a text that can be read", async () => {
  const yaml = await loadFormat("yaml");
  const block = "a: |\n  <<<<<<< HEAD\n  x\n  =======\n  y\n  >>>>>>> b\n";
  assert.match(String(readText(block, yaml).entries[0]?.value), "<<<<<<< HEAD");
  const toml = await loadFormat("toml");
  const multiline = 'a = """\n<<<<<<< HEAD\nx\n=======\n>>>>>>> b\n"""\n';
  assert.match(String(readText(multiline, toml).entries[0]?.value), "=======");
  const dotenv = await loadFormat("dotenv");
  assert.is(readText("=======\n", dotenv).entries[0]?.value, "======");
});

test("a mistake above such lines is not theirs", async () => {
  const text = 'a = = "x"\nb = 1\nc = """\n<<<<<<< HEAD\n=======\n>>>>>>> b\n"""\n';
  assert.equal((await failure(text, "toml")).code, "parse");
});

test("one marker that was left over is enough", async () => {
  for (const name of formats) {
    for (const mark of ["<<<<<<< HEAD", ">>>>>>> topic"]) {
      assert.is((await failure(`${mark}\n${TEXTS[name]}`, name)).code, "merge-conflict", `${name} ${mark}`);
    }
  }
});

test("a line that only begins like a marker is none, and nothing of the text is shown for one", async () => {
  const error = await failure("supersecret: 1\n>>>>>>>quoted\n  - : [\n", "yaml");
  assert.equal(error.code, "parse");
  assert.not.match(error.message, "merge conflict");
});

test("zero bytes alone are not UTF-16", () => {
  for (const text of ["A=\0\0\0\n", "A=1\nB=\0\n", "\0", "\0\0\0\0", "ab\0cd\0"])
    assert.not.ok(isUtf16(text));
});

for (const [name, text, character, column] of [
  ["yaml", "a: 1\nb:\u00a0z\n", "U+00A0, a no-break space", 3],
  ["yaml", "a: 1\n\u200bb\n", "U+200B, a zero-width space", 1],
  ["json", '{\n\u00a0"a": 1}', "U+00A0, a no-break space", 1],
  ["json", '\ufeff{"a": 1}', "U+FEFF, a byte order mark", 1],
  ["json", "{\u201ca\u201d: 1}", "U+201C, a typographic quote", 2],
  ["toml", "a\u00a0= 1\n", "U+00A0, a no-break space", 2],
  ["toml", "a =\u202f1\n", "U+202F, a narrow no-break space", 4],
  ["json5", "{\u200ba: 1}", "U+200B, a zero-width space", 2],
  ["dotenv", "A=1\n\u00a0\n", "U+00A0, a no-break space", 1],
  ["ini", "[s]\na\u200b\n", "U+200B, a zero-width space", 2],
] as const) {
  test(`an error names a blank that is none: ${name} ${JSON.stringify(text)}`, async () => {
    const error = await failure(text, name);
    assert.ok(error.message.startsWith(`this is ${character}, not an ordinary `), error.message);
    assert.is(error.place?.column, column);
    assert.match(error.hint ?? "", "as it is: ");
  });
}

test("such a character in quotes is not to blame", async () => {
  assert.not.match((await failure('{"a": "\u00a0", "b" 1}', "json")).message, "U+00A0");
  assert.not.match((await failure('{"a" 1, "b": "\u00a0"}', "json")).message, "U+00A0");
});

test("a line break that only SOPS knows is called that, with the escape that means the same", async () => {
  for (const [character, written] of [
    ["\u2028", "\\L"],
    ["\u2029", "\\P"],
    ["\u0085", "\\N"],
  ] as const) {
    for (const encrypted of [true, false]) {
      const { message, hint } = await failure(`a: 1\nb: 'x${character}  y'\n`, "yaml", encrypted);
      assert.match(message, "the line break U+");
      assert.ok(hint?.includes(`the escape ${written} in double quotes`), hint);
    }
  }
});

test.run();
