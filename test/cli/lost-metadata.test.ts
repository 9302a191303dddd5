import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Plaintexts of which each has values that fill some lines. */
const PLAIN: Readonly<Record<string, string>> = {
  "a.yaml": "a: some secret\nb: another secret\nc: a third one\n",
  "a.json": '{"a": "some secret", "b": "another secret", "c": "a third one"}\n',
  "a.env": "A=some secret\nB=another secret\nC=a third one\n",
  "a.ini": "[s]\nA=some secret\nB=another secret\nC=a third one\n",
  "a.toml": 'a = "some secret"\nb = "another secret"\nc = "a third one"\n',
  "a.json5": "{a: 'some secret', b: 'another secret', c: 'a third one'}\n",
  "a.txt": `${"a secret of some length ".repeat(20)}\n`,
};
const NAMES = Object.keys(PLAIN).sort();
/** What ends each format's ciphertexts, so that what is left is a whole text of the format. */
const METADATA: Readonly<Record<string, readonly [RegExp, string]>> = {
  "a.yaml": [/^sops:[\s\S]*/m, ""],
  "a.env": [/^sops_[\s\S]*/m, ""],
  "a.ini": [/^\[sops\][\s\S]*/m, ""],
  "a.toml": [/^\[sops[\s\S]*/m, ""],
  "a.json": [/,\s*"sops": [\s\S]*/m, "}\n"],
};
const RULES = `creation_rules:\n  - age: ${RECIPIENT}\n`;
const LOST = "sops metadata not found, though there are encrypted values";

/** Files that were cut off within their values, as a disk that was full or a copy that broke leaves them. */
async function cutOff(box: Sandbox): Promise<void> {
  box.write(".sops.yaml", RULES);
  for (const name of NAMES) box.write(name, PLAIN[name]!);
  const { code, stderr } = await box.run(["encrypt", "-i", ...NAMES]);
  assert.is(code, 0, stderr);
  for (const name of NAMES) box.write(name, box.read(name).slice(0, 300));
}

const contents = (box: Sandbox): Record<string, string> =>
  Object.fromEntries(NAMES.map((name) => [name, box.read(name)]));

test("status says that a file whose metadata was cut off is damaged, and nowhere to encrypt it", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    const { code, stdout, stderr } = await box.run(["status"]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^damaged:\n/m);
    for (const name of NAMES) assert.match(stdout, `  ${name}: ${LOST}`);
    assert.match(stdout, "its last good version in git");
    assert.match(stdout, `${NAMES.length} damaged`);
    assert.not.match(stdout, "plaintext");
    assert.not.match(stdout, "tsops encrypt");
    const json = JSON.parse((await box.run(["status", "--json"])).stdout);
    // of a text that its format cannot read any more the code says that
    const codeOf = (name: string) => (/json|toml|txt/.test(name) ? "parse" : "no-metadata");
    assert.equal(
      json.files.map(({ state, damage }: { state: string; damage?: { error: string } }) => [
        state,
        damage?.error,
      ]),
      NAMES.map((name) => ["damaged", codeOf(name)]),
    );
    assert.is(json.summary.plaintext, 0);
  }));

test("a damaged file is named, too, where no creation rule is for it", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: else\n    age: ${RECIPIENT}\n`);
    assert.match((await box.run(["status"])).stdout, `${NAMES.length} damaged`);
  }));

test("encrypt refuses what is left of an encrypted file, named or found, and writes nothing", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    const before = contents(box);
    for (const argv of [
      ["encrypt", "-i", "."],
      ["encrypt", "-i", ...NAMES],
      ...NAMES.map((name) => ["encrypt", "-i", name]),
      ["encrypt", "--dry-run", "."],
      ["encrypt", "--check", "."],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, argv.length === 3 && argv[2] !== "." && /json|toml/.test(argv[2]!) ? 2 : 1, stderr);
      assert.not.match(stderr, "would encrypt");
      assert.not.match(stderr, "goes on", "the same command would fail in the same way");
      assert.not.match(stderr, "--input-type binary", "that would encrypt it as one text");
      assert.equal(contents(box), before, argv.join(" "));
    }
  }));

test("decrypt --dry-run names what is left of encrypted files, as decrypt does", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    for (const argv of [
      ["decrypt", "--dry-run", "-i", "."],
      ["decrypt", "--dry-run", "-i", ...NAMES],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, stderr);
      assert.not.match(stderr, /would decrypt (?!0)/);
    }
  }));

test("encrypt refuses a file that lost its whole metadata, from standard input and with --update, too", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULES);
    for (const [name, [end, instead]] of Object.entries(METADATA)) {
      box.write(name, PLAIN[name]!);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      const whole = box.read(name);
      const rest = whole.replace(end, instead);
      assert.not.match(rest, "sops", name);
      box.write(name, rest);
      box.write(`whole-${name}`, whole);
      for (const [argv, input] of [
        [["encrypt", name], ""],
        [["encrypt", "--filename-override", name], rest],
        [["encrypt", "--update", `whole-${name}`, name], ""],
      ] as const) {
        const { code, stdout, stderr } = await box.run(argv, { input });
        assert.is(code, 1, argv.join(" "));
        assert.is(stdout, "");
        assert.match(stderr, LOST);
        assert.match(stderr, "--encrypt-twice");
      }
      const twice = await box.run(["encrypt", "--encrypt-twice", name]);
      assert.is(twice.code, 0, twice.stderr);
      box.write(name, twice.stdout);
      assert.is(
        (await box.run(["decrypt", name])).stdout,
        rest,
        "for who means it, they are texts like others",
      );
    }
  }));

test("one value that was added to what is left does not make it a plaintext", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    box.write(
      "a.yaml",
      `${box.read("a.yaml")}\n${"xyzuvw"
        .split("")
        .map((key) => `${key}: new\n`)
        .join("")}`,
    );
    assert.match((await box.run(["status", "a.yaml"])).stdout, "1 damaged");
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 1);
  }));

test("what is left may be a comment, and a value that was not reached", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULES);
    box.write("a.yaml", `# ${"a long comment ".repeat(20)}\na: secret\n`);
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const whole = box.read("a.yaml");
    for (const end of [300, whole.indexOf("\na:") + 3]) {
      box.write("a.yaml", whole.slice(0, end));
      assert.match((await box.run(["status"])).stdout, "1 damaged");
      // of comments alone there is nothing to encrypt, as SOPS has it
      assert.is.not((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
      assert.is(box.read("a.yaml"), whole.slice(0, end));
    }
  }));

test("what only shows or holds a ciphertext somewhere is a plaintext as before", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULES);
    box.write("own.yaml", "a: secret\n");
    assert.is((await box.run(["encrypt", "-i", "own.yaml"])).code, 0);
    const [value = ""] = /ENC\[.*type:str\]/.exec(box.read("own.yaml"))!;
    box.write("manual.md", `A value is ${value}\n\n    {"data": "${value}"}\n`);
    box.write(
      "config-map.yaml",
      `data:\n  inner.yaml: |\n    a: ${value}\n  log: the value ${value} was read\n`,
    );
    // decrypting leaves a comment that does not open as it is
    box.write("comment.yaml", `#${value}\na: secret\n`);
    // it has the form of one, and nothing was ever encrypted as that
    box.write("example.yaml", "a: ENC[AES256_GCM,data:aaaa,iv:bbbb,tag:cccc,type:str]\nb: ENC[\n");
    const { stdout } = await box.run(["status"]);
    assert.match(stdout, "4 in plaintext");
    assert.not.match(stdout, "damaged");
    const { code, stderr } = await box.run(["encrypt", "-i", "."]);
    assert.is(code, 0, stderr);
  }));

test("commands that look for encrypted files do not pass over what is left of one", () =>
  inSandbox(async (box) => {
    await cutOff(box);
    box.write("good.yaml", "a: x\n");
    assert.is((await box.run(["encrypt", "-i", "good.yaml"])).code, 0);
    for (const argv of [
      ["decrypt", "--check", "."],
      ["doctor", "."],
      ["rotate", "-i", "."],
      ["updatekeys", "--check", "."],
      ["recipients", "."],
      ["check", "."],
    ]) {
      const { code, stdout, stderr } = await box.run(argv);
      assert.is(code, 1, argv.join(" "));
      assert.match(stdout + stderr, LOST, argv.join(" "));
    }
  }));

test.run();
