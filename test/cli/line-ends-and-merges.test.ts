import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatOfFile, loadFormat } from "../../src/formats/index.ts";
import { readEncrypted } from "../../src/sops/decrypt.ts";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { codeOf } from "../support/sealed.ts";

/*
 * Files as other systems and programs leave them: through the whole command line, in all formats.
 */

const RULE = `creation_rules:\n  - age: ${RECIPIENT}\n`;

/** One small document in each format, as a file of that name. */
const PLAIN: Readonly<Record<string, string>> = {
  "f.yaml": "a: x\nb: y\n",
  "f.json": '{\n  "a": "x",\n  "b": "y"\n}\n',
  "f.json5": "{\n  a: 'x',\n  b: 'y',\n}\n",
  "f.toml": 'a = "x"\nb = "y"\n',
  "f.env": "A=x\nB=y\n",
  "f.ini": "[s]\na = x\nb = y\n",
  "f.txt": "x\ny\n",
};
const NAMES = Object.keys(PLAIN);
const TEXT_NAMES = NAMES.filter((name) => name !== "f.txt");

function crlf(text: string): string {
  return text.replaceAll("\n", "\r\n");
}

async function encrypted(
  box: Sandbox,
  name: string,
  text = PLAIN[name]!,
  options: string[] = [],
): Promise<string> {
  box.write(name, text);
  const { code, stderr } = await box.run(["encrypt", "-i", ...options, name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

for (const name of NAMES) {
  test(`CR LF: a plain file comes back to the byte: ${name}`, () =>
    inSandbox(async (box) => {
      const text = crlf(PLAIN[name]!);
      await encrypted(box, name, text);
      assert.is((await box.run(["decrypt", name])).stdout, text);
    }));

  test(`CR LF: an encrypted file that git checked out with autocrlf is read, changed and written: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(name, crlf(await encrypted(box, name)));
      const plain = await box.run(["decrypt", name]);
      assert.is(plain.code, 0, plain.stderr);
      // what stands in one ciphertext keeps its own line breaks
      assert.is(plain.stdout, name === "f.txt" ? PLAIN[name] : crlf(PLAIN[name]!));
      if (name === "f.txt") return;
      const path = { "f.env": '["B"]', "f.ini": '["s"]["b"]' }[name] ?? '["b"]';
      assert.is((await box.run(["set", name, path, '"z"'])).code, 0);
      assert.is((await box.run(["rotate", "-i", name])).code, 0);
      const after = await box.run(["decrypt", name]);
      assert.is(after.stdout, crlf(PLAIN[name]!.replace("y", "z")), after.stderr);
      // and git turns it back into what it would have been
      box.write(name, box.read(name).replaceAll("\r\n", "\n"));
      assert.is((await box.run(["decrypt", name])).stdout, PLAIN[name]!.replace("y", "z"));
    }));

  test(`CR LF: an encrypted file of a CR LF text whose CR went is read: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(name, (await encrypted(box, name, crlf(PLAIN[name]!))).replaceAll("\r\n", "\n"));
      const { code, stdout, stderr } = await box.run(["decrypt", name]);
      assert.is(code, 0, stderr);
      assert.is(stdout.replaceAll("\r", ""), PLAIN[name]);
    }));

  test(`UTF-16: the encrypted file as PowerShell's > writes it: ${name}`, () =>
    inSandbox(async (box) => {
      const text = await encrypted(box, name);
      box.write(name, Buffer.from(`\ufeff${crlf(text)}`, "utf16le"));
      for (const argv of [["decrypt"], ["edit"], ["rotate", "-i"], ["exec-env"], ["updatekeys", "-y"]]) {
        box.write(".sops.yaml", RULE);
        const more = argv[0] === "exec-env" ? ["true"] : [];
        const { code, stderr } = await box.run([...argv, name, ...more]);
        assert.is.not(code, 0);
        assert.match(stderr, `${name}:1:1: this file is UTF-16 (PowerShell's > writes it)`);
        assert.match(stderr, "save it as UTF-8");
      }
    }));

  test(`merge conflicts: every command says what it is, and what to do: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(".sops.yaml", RULE);
      const ours = await encrypted(box, name);
      const theirs = await encrypted(box, name, PLAIN[name]!.replace("x", "other"));
      const path = name === "f.ini" ? '["s"]["a"]' : '["a"]';
      for (const text of conflicts(ours, theirs)) {
        box.write(name, text);
        for (const argv of [
          ["decrypt", name],
          ["set", name, path, '"z"'],
          ["unset", name, path],
          ["edit", name],
          ["encrypt", "-i", name],
          ["rotate", "-i", name],
          ["updatekeys", "-y", name],
          ["exec", name, "--", "true"],
          ["exec-env", name, "true"],
          ["exec-file", name, "true"],
          ["filestatus", name],
          ["encrypt", "--check", name],
        ]) {
          // a binary file may hold anything, markers included
          if (name === "f.txt" && argv[0] === "encrypt") continue;
          const { code, stderr } = await box.run(argv);
          assert.is.not(code, 0, argv.join(" "));
          assert.match(stderr, "this file holds an unresolved merge conflict (line ", argv.join(" "));
          assert.match(stderr, "git checkout --ours", argv.join(" "));
          assert.is(box.read(name), text, "nothing is written");
        }
      }
    }));
}

for (const name of NAMES) {
  test(`merge conflicts: at every line of an encrypted file: ${name}`, () =>
    inSandbox(async (box) => {
      const lines = (await encrypted(box, name)).trimEnd().split("\n");
      const format = await loadFormat(formatOfFile(name));
      for (const [i, line] of lines.entries()) {
        for (const base of [[], ["||||||| 0a1b2c3", line]]) {
          const sides = ["<<<<<<< HEAD:f", line, ...base, "=======", line, ">>>>>>> 0a1b (fix: a=b)"];
          const text = [...lines.slice(0, i), ...sides, ...lines.slice(i + 1)].join("\n");
          const code = codeOf(() => readEncrypted(text, format));
          assert.is(code, "merge-conflict", `line ${i + 1}: ${line.slice(0, 40)}`);
        }
      }
    }));
}

/** As git leaves them: the whole of both sides; inside the metadata; in diff3 style. */
function conflicts(ours: string, theirs: string): string[] {
  const [a, b] = [ours.split("\n"), theirs.split("\n")];
  // the last lines but one are the metadata's in every format
  const at = a.length - 4;
  const marked = (middle: readonly string[]) =>
    [
      ...a.slice(0, at),
      "<<<<<<< HEAD",
      a[at],
      ...middle,
      "=======",
      b[at],
      ">>>>>>> topic",
      ...a.slice(at + 1),
    ].join("\n");
  return [
    `<<<<<<< HEAD\n${ours}=======\n${theirs}>>>>>>> topic\n`,
    marked([]),
    marked(["||||||| 0a1b2c3", a[at]!]),
  ];
}

for (const [name, text] of [
  ["f.env", '# c\nHOST=h\n\nEMPTY=\nPASSWORD=p\nQ="q"\n'],
  ["f.ini", '[s]\n; c\nhost = """a\nb"""\npassword = p\n'],
  ["f.toml", 'host = """\na\nb"""\npassword = "p"\n'],
  ["f.yaml", "host: |\n  a\n  b\npassword: p\n"],
  ["f.json", '{\n  "host": "a",\n  "password": "p"\n}\n'],
] as const) {
  for (const from of ["LF", "CR LF"]) {
    for (const to of ["LF", "CR LF"]) {
      test(`CR LF: plain values in a ${from} file that became ${to}: ${name}`, () =>
        inSandbox(async (box) => {
          const plain = from === "LF" ? text : crlf(text);
          const cipher = await encrypted(box, name, plain, ["--encrypted-regex", "(?i)^password$"]);
          const lf = cipher.replaceAll("\r\n", "\n");
          box.write(name, to === "LF" ? lf : crlf(lf));
          const { code, stdout, stderr } = await box.run(["decrypt", name]);
          assert.is(code, 0, stderr);
          assert.is(stdout.replaceAll("\r\n", "\n"), text);
          assert.is((await box.run(["rotate", "-i", name])).code, 0);
          assert.is((await box.run(["decrypt", name])).code, 0);
          // a changed value is still one
          const changed = box.read(name).replace(/(HOST=|"""\s*|\|\s*|"host": ")[ah]/, "$1i");
          assert.is.not(changed, box.read(name));
          box.write(name, changed);
          assert.is.not((await box.run(["decrypt", name])).code, 0);
        }));
    }
  }
}

test("merge conflicts: a folder's conflicted file is named, and not passed over", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE);
    const text = await encrypted(box, "d/f.yaml", "a: x\n");
    await encrypted(box, "d/g.yaml", "a: x\n");
    box.write("d/f.yaml", `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> b\n`);
    const { code, stderr } = await box.run(["decrypt", "-i", "d"]);
    assert.is(code, 1);
    assert.match(stderr, "d/f.yaml:1:1: this file holds an unresolved merge conflict");
    assert.is(box.read("d/g.yaml"), "a: x\n");
  }));

test("merge conflicts: checks of a folder name the file, go on with the others, and end with 1", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", RULE);
    const text = await encrypted(box, "d/f.yaml", "a: x\n");
    box.write("d/f.yaml", `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> b\n`);
    box.write("d/g.yaml", "a: x\n");
    const encrypt = await box.run(["encrypt", "--check", "d"]);
    assert.is(encrypt.code, 1);
    assert.is(encrypt.stdout, "d/g.yaml\n");
    assert.match(encrypt.stderr, "d/f.yaml:1:1: this file holds an unresolved merge conflict");
    assert.match(encrypt.stderr, /not as they should be: 1; failed: 1\n$/);
    const json = await box.run(["encrypt", "--check", "--json", "d"]);
    assert.is(json.code, 1);
    assert.equal(JSON.parse(json.stdout).files, [
      { file: "d/f.yaml", error: "merge-conflict" },
      { file: "d/g.yaml", problems: [{ problem: "not-encrypted" }] },
    ]);
    await encrypted(box, "d/g.yaml", "a: x\n");
    const keys = await box.run(["updatekeys", "--check", "d"]);
    assert.is(keys.code, 1);
    assert.match(keys.stderr, "d/f.yaml:1:1: this file holds an unresolved merge conflict");
    assert.match(keys.stderr, "1 failed");
  }));

test("merge conflicts: a plaintext is just to be resolved", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "<<<<<<< HEAD\na: x\n=======\na: y\n>>>>>>> b\n");
    const { code, stderr } = await box.run(["encrypt", "-i", "a.yaml"]);
    assert.is(code, 2);
    assert.match(stderr, "resolve it, then try again");
  }));

test("merge conflicts: both sides put together by hand get a new MAC, as the message says", () =>
  inSandbox(async (box) => {
    const ours = (await encrypted(box, "a.yaml", "a: x\nb: y\n")).split("\n");
    await box.run(["set", "a.yaml", '["b"]', '"z"']);
    const theirs = box.read("a.yaml").split("\n");
    box.write("a.yaml", [ours[0], theirs[1], ...ours.slice(2)].join("\n"));
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 51);
    const byHand = box.read("a.yaml");
    assert.is((await box.run(["rotate", "-i", "--ignore-mac", "a.yaml"])).code, 0);
    assert.not.match(box.read("a.yaml"), "seal:", "nobody has said that it is right");
    box.write("a.yaml", byHand);
    assert.is((await box.run(["rotate", "-i", "--ignore-mac", "--yes", "a.yaml"])).code, 0);
    assert.match(box.read("a.yaml"), "seal:");
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "a: x\nb: z\n");
  }));

test("UTF-16 and merge conflicts: the configuration says so, too", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: x\n");
    for (const [name, text] of [
      [".sops.yaml", RULE],
      [".sopsrc", "{ creationRules: [] }\n"],
    ] as const) {
      box.write(name, Buffer.from(`\ufeff${text}`, "utf16le"));
      assert.match((await box.run(["encrypt", "a.yaml"])).stderr, "this file is UTF-16");
      box.write(name, `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> b\n`);
      const { stderr } = await box.run(["encrypt", "a.yaml"]);
      assert.match(
        stderr,
        `${name}:1:1: the configuration cannot be read: this file holds an unresolved merge conflict`,
      );
      rmSync(box.path(name));
    }
  }));

test("UTF-16 and conflict markers: a binary file takes any bytes", () =>
  inSandbox(async (box) => {
    for (const bytes of [
      Buffer.from("\ufeffhello\r\n", "utf16le"),
      Buffer.from("<<<<<<< a\n=======\n>>>>>>> b\n"),
    ]) {
      box.write("f.bin", bytes);
      assert.is((await box.run(["encrypt", "-i", "f.bin"])).code, 0);
      assert.is((await box.run(["decrypt", "-i", "f.bin"])).code, 0);
      assert.equal(readFileSync(box.path("f.bin")), bytes);
    }
  }));

for (const name of TEXT_NAMES) {
  test(`UTF-16: a plaintext is told as that, and not written: ${name}`, () =>
    inSandbox(async (box) => {
      const bytes = Buffer.from(PLAIN[name]!, "utf16le").swap16();
      box.write(name, bytes);
      const { code, stderr } = await box.run(["encrypt", "-i", name]);
      assert.is(code, 2);
      assert.match(stderr, `${name}:1:1: this file is UTF-16`);
      assert.equal(readFileSync(box.path(name)), bytes);
    }));

  test(`a byte order mark is read, named in an error, or named in a warning: ${name}`, () =>
    inSandbox(async (box) => {
      box.write(name, `\ufeff${PLAIN[name]}`);
      const { code, stderr } = await box.run(["encrypt", "-i", name]);
      if (code === 0) assert.is((await box.run(["decrypt", name])).stdout, `\ufeff${PLAIN[name]}`);
      else assert.match(stderr, "this is U+FEFF, a byte order mark, not an ordinary space");
      if (name === "f.env")
        assert.match(stderr, "f.env:1:1: this is U+FEFF, a byte order mark, not an ordinary space");
    }));

  test(`a selector that matches nothing is named, with the number of values: ${name}`, () =>
    inSandbox(async (box) => {
      for (const [option, value] of [
        ["--encrypted-regex", "^nothing$"],
        ["--encrypted-suffix", "_secret"],
        ["--unencrypted-regex", "."],
        ["--unencrypted-suffix", ""],
        ["--encrypted-comment-regex", "nothing"],
      ] as const) {
        box.write(name, PLAIN[name]!);
        const { code, stderr } = await box.run(["encrypt", "-i", option, value, name]);
        assert.is(code, 0);
        if (value === "") assert.is(stderr, "", "an empty option is none");
        else
          assert.match(stderr, new RegExp(`warning: ${name}: .*: nothing is encrypted \\(0 of 2 values\\)`));
        const checked = await box.run(["encrypt", "--check", name]);
        assert.is(checked.code, 0);
        assert.is(checked.stderr, stderr, "--check says so, too");
      }
      box.write(name, PLAIN[name]!);
      const invalid = await box.run(["encrypt", "-i", "--encrypted-regex", "(", name]);
      assert.match(invalid.stderr, "encrypted_regex is not a valid regular expression");
      const found = await box.run(["encrypt", "--check", name]);
      assert.match(
        found.stderr,
        "no value of this file matches encrypted_regex: nothing is encrypted (0 of 2 values)",
      );
      box.write(name, PLAIN[name]!);
      assert.is((await box.run(["encrypt", "-i", "--encrypted-regex", "(?i)^b$", name])).stderr, "");
      assert.is((await box.run(["encrypt", "--check", name])).stderr, "");
    }));
}

test("a selector that matches nothing: not said of files without values, and where the names say so themselves", () =>
  inSandbox(async (box) => {
    for (const [name, text, options] of [
      ["a.yaml", "{}\n", ["--encrypted-regex", "x"]],
      ["a.yaml", "a:\nb: ''\n", ["--encrypted-regex", "x"]],
      ["a.env", "", ["--encrypted-regex", "x"]],
      ["a.yaml", "a_unencrypted: 1\n", []],
      ["a.txt", "hello", ["--encrypted-regex", "x"]],
    ] as const) {
      box.write(name, text);
      assert.is((await box.run(["encrypt", ...options, name])).stderr, "", text);
    }
  }));

test("exec gives values without the CR of Windows line ends, exec-env as SOPS", () =>
  inSandbox(async (box) => {
    const out = box.path("out");
    const show = ["node", "-e", `require("fs").writeFileSync(${JSON.stringify(out)}, process.env.A + "|")`];
    await encrypted(box, "a.env", "A=1\r\n\r\nB=2\r\n");
    assert.is((await box.run(["exec", "a.env", "--", ...show])).code, 0);
    assert.is(readFileSync(out, "utf8"), "1|");
    const { stderr } = await box.run(["exec-env", "a.env", "--", ...show]);
    assert.match(stderr, "warning: a.env: values end in CR");
    assert.is(readFileSync(out, "utf8"), "1\r|");
  }));

test("what cannot be a variable is said with the name of its file, of several", () =>
  inSandbox(async (box) => {
    await encrypted(box, "good.env", "A=1\n");
    await encrypted(box, "none.env", "=1\n");
    await encrypted(box, "deep.yaml", "a:\n  b: 1\na_b: 2\n");
    await encrypted(box, "cases.env", "a=1\nA=2\n");
    for (const [argv, message] of [
      [["exec", "good.env", "none.env"], "none.env: a value cannot be a variable: it has an empty name"],
      [["exec", "good.env", "deep.yaml"], "deep.yaml: two values would both be the variable a_b"],
      [["exec", "--uppercase", "good.env", "cases.env"], "cases.env: two values would both be A"],
      [["exec-env", "deep.yaml"], "deep.yaml: a is a map"],
    ] as const) {
      const { code, stderr } = await box.run([...argv, "--", "true"]);
      assert.is(code, 1, stderr);
      assert.match(stderr, `tsops: ${message}`);
    }
  }));

test("dotenv names: export, blanks and names that no shell has are mentioned, by encrypt, exec and set", () =>
  inSandbox(async (box) => {
    box.write("a.env", "export API_KEY='old'\nDB = x\nmy-key=1\ntls.crt=2\nFINE=3\n");
    const { code, stderr } = await box.run(["encrypt", "-i", "a.env"]);
    assert.is(code, 0);
    for (const name of ["export API_KEY", "DB ", "my-key", "tls.crt"])
      assert.match(stderr, `named \`${name}\``);
    assert.not.match(stderr, "FINE");
    const run = await box.run(["exec", "a.env", "--", "true"]);
    assert.match(run.stderr, "variables are named `export API_KEY`, `DB `, as SOPS reads dotenv");
    assert.match(run.stderr, "--dotenv-dialect standard");
    assert.match(run.stderr, "variables are named `my-key`, `tls.crt`: no shell has such a name");
    const standard = await box.run(["exec", "--dotenv-dialect", "standard", "a.env", "--", "true"]);
    assert.not.match(standard.stderr, "API_KEY");
    const set = await box.run(["set", "a.env", '["API_KEY"]', '"new"']);
    assert.match(set.stderr, "there is no API_KEY, but `export API_KEY` on line 1");
    assert.match(
      (await box.run(["set", "a.env", '["DB"]', '"y"'])).stderr,
      "there is no DB, but `DB ` on line 2",
    );
    assert.is((await box.run(["set", "a.env", '["FINE"]', '"y"'])).stderr, "");
  }));

test("dotenv: a value in quotes over several lines is refused, and not written in plaintext as a name", () =>
  inSandbox(async (box) => {
    const text = 'KEY="-----BEGIN KEY-----\nc2VjcmV0IG9mIG1pbmU=\n-----END="\n';
    box.write("a.env", text);
    const { code, stderr } = await box.run(["encrypt", "-i", "a.env"]);
    assert.is(code, 23);
    assert.match(stderr, "a.env:2:1: this line goes on with a value in quotes");
    assert.not.match(stderr, "c2VjcmV0");
    assert.is(box.read("a.env"), text);
    // nor by an edit of a file that was fine
    await encrypted(box, "b.env", "A=1\n");
    const update = await box.run(["encrypt", "--update", "b.env", "a.env"]);
    assert.is(update.code, 23);
    assert.is(update.stdout, "");
  }));

test("a plaintext with other line ends than the file had gives a file with its own ones throughout", () =>
  inSandbox(async (box) => {
    for (const name of TEXT_NAMES.filter((name) => name !== "f.env")) {
      for (const [old, now] of [
        [crlf, (text: string) => text],
        [(text: string) => text, crlf],
      ] as const) {
        await encrypted(box, name, old(PLAIN[name]!));
        const text = now(PLAIN[name]!);
        box.write(`new/${name}`, text);
        const { code, stdout, stderr } = await box.run(["encrypt", "--update", name, `new/${name}`]);
        assert.is(code, 0, stderr);
        assert.is(now(stdout.replaceAll("\r\n", "\n")), stdout, name);
        box.write(name, stdout);
        assert.is((await box.run(["decrypt", name])).stdout, text);
      }
    }
  }));

test("INI: set takes the rest of the old value along, and says what its quotes mean to others", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.ini", '[client]\npassword = "p#ss;word"\nother = 1 ; kept\n');
    const set = await box.run(["set", "a.ini", '["client"]["password"]', '"a#b"']);
    assert.match(set.stderr, "which other programs read as part of it, was removed");
    assert.match(set.stderr, "the value is in backquotes");
    assert.is((await box.run(["decrypt", "a.ini"])).stdout, "[client]\npassword = `a#b`\nother = 1 ; kept\n");
    assert.is((await box.run(["set", "a.ini", '["client"]["other"]', '"2"'])).stderr, "");
    assert.match((await box.run(["decrypt", "a.ini"])).stdout, "other = 2 ; kept");
  }));

test("null in formats that have none is refused by set, and named where SOPS writes a text for it", () =>
  inSandbox(async (box) => {
    for (const [name, path] of [
      ["f.env", '["A"]'],
      ["f.ini", '["s"]["a"]'],
      ["f.toml", '["a"]'],
    ] as const) {
      const before = await encrypted(box, name);
      const { code, stderr } = await box.run(["set", name, path, "null"]);
      assert.is(code, 4);
      assert.match(stderr, /has no null/);
      assert.match(stderr, /empty text/);
      assert.is(box.read(name), before);
    }
    const section = await box.run(["set", "f.ini", '["t"]', '{"x": null}']);
    assert.match(section.stderr, "INI has no null");
    await encrypted(box, "n.json", '{"s": {"a": null, "b": 1}}');
    await encrypted(box, "m.yaml", "a:\nb: 1\n");
    for (const [type, name] of [
      ["dotenv", "m.yaml"],
      ["ini", "n.json"],
    ] as const) {
      const { code, stdout, stderr } = await box.run(["decrypt", "--output-type", type, name]);
      assert.is(code, 0, type);
      assert.match(stdout, "<nil>");
      assert.match(stderr, /null at \[.*\["?a"?\]|null at \["a"\]/);
    }
    for (const [type, name] of [
      ["toml", "n.json"],
      ["toml", "m.yaml"],
    ] as const) {
      const { code, stdout, stderr } = await box.run(["decrypt", "--output-type", type, name]);
      assert.is(code, 4, type);
      assert.is(stdout, "");
      assert.match(stderr, "has no null");
    }
    box.write("p.yaml", "a: [1, null]\n");
    assert.match((await box.run(["encrypt", "--output-type", "toml", "p.yaml"])).stderr, "TOML has no null");
    const run = await box.run(["exec-env", "m.yaml", 'test "$a" = "<nil>"']);
    assert.is(run.code, 0, run.stderr);
    assert.match(run.stderr, 'null at ["a"]');
    assert.is((await box.run(["exec", "m.yaml", "--", "true"])).code, 0);
  }));

test("metadata as rops, yq and prettier write it is read, and written again as SOPS reads it", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE);
    box.write("off.sopsrc", `{ seal: false, rules: [{ recipients: ["age:${RECIPIENT}"] }] }`);
    for (const [name, from, to] of [
      ["f.yaml", /lastmodified: "(.*)"/, "lastmodified: $1"],
      ["f.yaml", /lastmodified: "(.*)"/, "lastmodified: '$1'"],
      ["f.yaml", /version: (.*)/, "version: 3.9"],
      ["f.toml", /lastmodified = "(.*)"/, "lastmodified = $1"],
      ["f.json", /"version": ".*"/, '"version": 3.9'],
      ["f.env", /^(sops_[^=]*)=(.*)$/gm, "$1='$2'"],
      ["f.env", /^(sops_[^=]*)=(.*)$/gm, '$1="$2"'],
      ["f.env", /^([^=]*)=(.*)$/gm, "$1='$2'"],
    ] as const) {
      // programs that put quotes round ciphertexts write no seal, which covers them
      const more = String(from).includes("^([^=]*)=") ? ["--config", "off.sopsrc"] : [];
      const changed = (await encrypted(box, name, undefined, more)).replace(from, to);
      box.write(name, changed);
      const plain = await box.run(["decrypt", name]);
      assert.is(plain.code, 0, `${to}: ${plain.stderr}`);
      assert.is(plain.stdout, PLAIN[name]);
      const path = name === "f.env" ? '["A"]' : '["a"]';
      assert.is((await box.run(["set", name, path, '"z"'])).code, 0);
      assert.is((await box.run(["decrypt", name])).code, 0);
      if (String(from).includes("lastmodified")) {
        assert.match(box.read(name), /lastmodified(:| =) ["']/);
        // a changed time is still a changed file
        box.write(name, changed.replace(/lastmodified(: | = )"?\d{4}/, "lastmodified$12001"));
        if (changed.includes("lastmodified: 2") || changed.includes("lastmodified = 2"))
          assert.is((await box.run(["decrypt", name])).code, 51);
        box.write(name, changed);
        assert.is((await box.run(["updatekeys", "-y", name])).code, 0);
        assert.is((await box.run(["decrypt", name])).code, 0);
      }
    }
  }));

test("mac_only_encrypted may be a text", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml", "a: x\nb_unencrypted: y\n", ["--mac-only-encrypted"]);
    writeFileSync(box.path("a.yaml"), text.replace("mac_only_encrypted: true", 'mac_only_encrypted: "true"'));
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "a: x\nb_unencrypted: y\n");
  }));

test.run();
