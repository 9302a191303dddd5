import { chmodSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** What bad input gets: the exit code of SOPS, a message with the place and what to do, and the file as it was. */
interface Case {
  name: string;
  file: string;
  content: string | Uint8Array;
  argv: readonly string[];
  code: number;
  message: RegExp;
}

const CASES: Case[] = [
  {
    name: "broken YAML",
    file: "a.yaml",
    content: "a: [1\nb: 2\n",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 2,
    message: /a\.yaml:\d+:\d+: /,
  },
  {
    name: "broken JSON",
    file: "a.json",
    content: '{"a": 1,,}',
    argv: ["encrypt", "-i", "a.json"],
    code: 2,
    message: /a\.json:1:9: /,
  },
  {
    name: "a dotenv line without =",
    file: "a.env",
    content: "A=1\nB\n",
    argv: ["encrypt", "-i", "a.env"],
    code: 2,
    message: /a\.env:2:1: /,
  },
  {
    name: "duplicate keys in YAML",
    file: "a.yaml",
    content: "a: 1\na: 2\n",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 2,
    message: /a\.yaml:2:1: /,
  },
  {
    name: "a top-level array",
    file: "a.json",
    content: "[1, 2]",
    argv: ["encrypt", "-i", "a.json"],
    code: 2,
    message: /binary/,
  },
  {
    name: "a top-level list in YAML",
    file: "a.yaml",
    content: "- 1\n- 2\n",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 2,
    message: /binary/,
  },
  {
    name: "a sops key in a plaintext",
    file: "a.yaml",
    content: "a: 1\nsops: x\n",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 203,
    message: /sops/,
  },
  {
    name: "an encrypted file to encrypt, before the key that does not work here is used",
    file: "a.yaml",
    content: "a: 1\nsops: {version: 3.13.3}\n",
    argv: ["encrypt", "-i", "--key", "env://NOT_SET", "a.yaml"],
    code: 203,
    message: /sops/,
  },
  {
    name: "a broken text, before the key that does not work here is used",
    file: "a.yaml",
    content: "a: [1\n",
    argv: ["encrypt", "-i", "--key", "env://NOT_SET", "a.yaml"],
    code: 2,
    message: /a\.yaml:\d/,
  },
  {
    name: "a plaintext to decrypt",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["decrypt", "a.yaml"],
    code: 1,
    message: /metadata not found/,
  },
  {
    name: "an integer that SOPS cannot hold",
    file: "a.yaml",
    content: "a: 18446744073709551615\n",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 23,
    message: /quotes/,
  },
  {
    name: "invalid UTF-8 in YAML",
    file: "a.yaml",
    content: Buffer.from([0x61, 0x3a, 0x20, 0xff, 0x0a]),
    argv: ["encrypt", "-i", "a.yaml"],
    code: 2,
    message: /UTF-8/,
  },
  {
    name: "10,000 levels of nesting in JSON",
    file: "a.json",
    content: `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`,
    argv: ["encrypt", "-i", "a.json"],
    code: 2,
    message: /nest|deep|level/,
  },
  {
    name: "10,000 levels of nesting in YAML",
    file: "a.yaml",
    content: `a: ${"[".repeat(10_000)}${"]".repeat(10_000)}\n`,
    argv: ["encrypt", "-i", "a.yaml"],
    code: 2,
    message: /nest|deep|level/,
  },
  {
    name: "an empty file",
    file: "a.yaml",
    content: "",
    argv: ["encrypt", "-i", "a.yaml"],
    code: 92,
    message: /empty/,
  },
  {
    name: "a missing file",
    file: "b.yaml",
    content: "a: 1\n",
    argv: ["encrypt", "none.yaml"],
    code: 100,
    message: /no such file/,
  },
  {
    name: "no key",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["--config", "none", "encrypt", "a.yaml"],
    code: 1,
    message: /none/,
  },
  {
    name: "an unknown option",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["encrypt", "--nope", "a.yaml"],
    code: 1,
    message: /--nope/,
  },
  {
    name: "conflicting options",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["encrypt", "-i", "--output", "x", "a.yaml"],
    code: 8,
    message: /together/,
  },
  {
    name: "two selectors",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["encrypt", "--encrypted-suffix", "a", "--encrypted-regex", "b", "a.yaml"],
    code: 8,
    message: /together/,
  },
  {
    name: "a malformed recipient",
    file: "a.yaml",
    content: "a: 1\n",
    argv: ["encrypt", "--age", "age1nope", "a.yaml"],
    code: 1,
    message: /age1nope/,
  },
];

for (const { name, file, content, argv, code, message } of CASES) {
  test(`${name}: exit ${code}`, () =>
    inSandbox(async (box) => {
      const path = box.write(file, content);
      const result = await box.run(argv);
      assert.is(result.code, code, result.stderr);
      assert.match(result.stderr, message);
      assert.match(result.stderr, /^tsops: /);
      assert.not.match(result.stderr, /\n {4}at |internal error/);
      assert.ok(result.stderr.trim().split("\n").length > 1, "there is no hint");
      assert.equal(readFileSync(path), Buffer.from(content));
    }));
}

async function encrypted(box: Sandbox, name: string, content: string): Promise<string> {
  box.write(name, content);
  assert.is((await box.run(["encrypt", "-i", name])).code, 0);
  return box.read(name);
}

test("tampered values, moved values, a changed MAC: SOPS's codes, and where", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "a.yaml", "a: one\nb: two\nc_unencrypted: 3\n");
    const [a, b] = [...text.matchAll(/ENC\[[^\]]*\]/g)].map(([cipher]) => cipher);
    const attacks: [string, number, RegExp][] = [
      [text.replace(a!, a!.replace("data:", "data:AA")), 25, /a\.yaml:1:4: the value at \["a"\]/],
      [text.replace(a!, "@").replace(b!, a!).replace("@", b!), 25, /a\.yaml:1:4/],
      [text.replace(a!, "plain"), 25, /not encrypted/],
      [text.replace("c_unencrypted: 3", "c_unencrypted: 4"), 51, /MAC mismatch/],
      [text.replace(/mac: ENC.*/, 'mac: ""'), 51, /no MAC/],
      [text.replace(/lastmodified: "20/, 'lastmodified: "19'), 51, /MAC/],
      [text.replace(/(\n {4}mac: .*)/, "$1\n    encrypted_suffix: x"), 1, /only one/],
    ];
    for (const [attacked, code, message] of attacks) {
      assert.is.not(attacked, text);
      box.write("a.yaml", attacked);
      const { code: got, stderr, stdout } = await box.run(["decrypt", "a.yaml"]);
      assert.is(got, code, stderr);
      assert.match(stderr, message);
      assert.is(stdout, "");
    }
  }));

test("no key available: which were tried and why each failed", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", "a: one\n");
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const { code, stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.is(code, 128);
    assert.match(stderr, "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4");
    assert.match(stderr, "SOPS_AGE_KEY_FILE");
  }));

test("an unreadable file is named", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    // nothing is unreadable for root, so for root a path that leads through a file
    const name = process.getuid?.() === 0 ? "a.yaml/b.yaml" : "a.yaml";
    chmodSync(box.path("a.yaml"), 0o000);
    const { code, stderr } = await box.run(["encrypt", name]);
    assert.is.not(code, 0);
    assert.match(stderr, name);
  }));

test("alias bombs end quickly with an error", () =>
  inSandbox(async (box) => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    box.write("a.yaml", `${lines.join("\n")}\n`);
    const { code, stderr } = await box.run(["encrypt", "a.yaml"]);
    assert.is(code, 2);
    assert.match(stderr, /alias/);
  }));

test("keys like __proto__ are keys like any other", () =>
  inSandbox(async (box) => {
    const plain = '{"__proto__": {"x": 1}, "constructor": "c", "toString": null}\n';
    await encrypted(box, "a.json", plain);
    assert.is((await box.run(["decrypt", "a.json"])).stdout, plain);
    assert.is((await box.run(["decrypt", "--extract", '["__proto__"]["x"]', "a.json"])).stdout, "1");
    assert.is((await box.run(["set", "a.json", '["__proto__"]["y"]', '"z"'])).code, 0);
    assert.is((await box.run(["decrypt", "--extract", '["__proto__"]["y"]', "a.json"])).stdout, "z");
  }));

test("an unforeseen error shows no text of its own, and a trace only with TSOPS_DEBUG", async () => {
  const { reportError } = await import("../../src/cli/report.ts");
  await inSandbox(async (box) => {
    const chunks: string[] = [];
    const write = (text: string, done: () => void): void => {
      chunks.push(String(text));
      done();
    };
    const stderr = { write };
    const io = (env: Record<string, string>) => ({ ...box, env, stderr }) as never;
    assert.is(await reportError(new Error("s3cret"), io({})), 1);
    assert.not.match(chunks.join(""), /s3cret|\n {4}at /);
    await reportError(new Error("boom"), io({ TSOPS_DEBUG: "1" }));
    assert.match(chunks.join(""), /\n {4}at /);
  });
});

test("a missing file has SOPS's exit code for each command", () =>
  inSandbox(async (box) => {
    const code = async (...argv: string[]): Promise<number> => (await box.run(argv)).code;
    assert.is(await code("decrypt", "no.yaml"), 100);
    assert.is(await code("set", "no.yaml", '["a"]', "1"), 2);
    assert.is(await code("unset", "no.yaml", '["a"]'), 2);
    assert.is(await code("groups", "add", "--file", "no.yaml", "--age", RECIPIENT), 2);
    assert.is(await code("groups", "delete", "--file", "no.yaml", "0"), 2);
    assert.is(await code("exec-env", "no.yaml", "true"), 2);
    assert.is(await code("exec-file", "no.yaml", "true"), 2);
    assert.is(await code("updatekeys", "--yes", "no.yaml"), 1);
    assert.match((await box.run(["decrypt", "-"])).stderr, /standard input is read when no file is named/);
  }));

test("an expression that cannot be compiled, and so encrypts nothing, is warned of", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    const { code, stderr } = await box.run(["encrypt", "--encrypted-regex", "(", "a.yaml"]);
    assert.is(code, 0);
    assert.match(
      stderr,
      /warning: encrypted_regex is not a valid regular expression.*: no value is encrypted/,
    );
    assert.is((await box.run(["encrypt", "--encrypted-regex", "^a$", "a.yaml"])).stderr, "");
  }));

test("usage names the whole command", () =>
  inSandbox(async (box) => {
    assert.match((await box.run(["config", "explain"])).stderr, /usage: tsops config explain <files\.\.>/);
    assert.match((await box.run(["groups", "--help"])).stdout, /groups add/);
    assert.match((await box.run(["help"])).stdout, /tsops encrypt \[files/);
    assert.match((await box.run(["help", "encrypt"])).stdout, /--update/);
  }));

test.run();
