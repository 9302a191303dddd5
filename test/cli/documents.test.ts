import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../support/cli.ts";

/** Files with several documents, several files on one output, and files whose content is not what their name says. */

const THREE = "a: one # c\nl: [1]\n---\n# second\na: two\nm: &m {k: v}\n---\na: three\n";

async function encrypted(box: Sandbox, name: string, plain: string, ...options: string[]): Promise<void> {
  box.write(name, plain);
  const { code, stderr } = await box.run(["encrypt", ...options, "-i", name]);
  assert.is(code, 0, stderr);
}

async function decrypted(box: Sandbox, name: string): Promise<string> {
  const { code, stdout, stderr } = await box.run(["decrypt", name]);
  assert.is(code, 0, stderr);
  return stdout;
}

const ONLY_FIRST = /a\.yaml: only the first of 3 documents is used \(--document 0\)/;

test("--extract takes --document, counted from 0, and says when others are left out", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", THREE);
    const extract = ["decrypt", "--extract", '["a"]', "a.yaml"];
    const first = await box.run(extract);
    assert.is(first.stdout, "one");
    assert.match(first.stderr, ONLY_FIRST);
    for (const [i, value] of ["one", "two", "three"].entries()) {
      const { stdout, stderr } = await box.run([...extract, "--document", String(i)]);
      assert.is(stdout, value);
      assert.not.match(stderr, "documents");
    }
    for (const wrong of ["3", "-1", "1.5", "x"]) {
      const { code, stderr } = await box.run([...extract, `--document=${wrong}`]);
      assert.is(code, 1, stderr);
    }
    assert.match(
      (await box.run([...extract, "--document", "3"])).stderr,
      /counted from 0, and this file has 3/,
    );
    const json = await box.run(["decrypt", "--output-type", "json", "--document", "2", "a.yaml"]);
    assert.is(json.stdout, '{\n\t"a": "three"\n}\n');
    assert.match((await box.run(["decrypt", "--output-type", "json", "a.yaml"])).stderr, ONLY_FIRST);
    assert.is((await box.run(["decrypt", "--output-type", "yaml", "a.yaml"])).stderr, "");
  }));

test("set and unset change the document that is named, and nothing else", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", THREE);
    const first = await box.run(["set", "a.yaml", '["a"]', '"x"']);
    assert.match(first.stderr, ONLY_FIRST);
    assert.is(await decrypted(box, "a.yaml"), THREE.replace("one", "x"));
    const set = async (n: number, path: string, value: string) => {
      const { code, stderr } = await box.run(["set", "--document", String(n), "a.yaml", path, value]);
      assert.is(code, 0, stderr);
    };
    await set(1, '["a"]', "1.50");
    await set(1, '["new"]', '["item"]');
    await set(2, '["a"]', '{"b": true}');
    const wanted =
      "a: x # c\nl: [1]\n---\n# second\na: 1.50\nm: &m {k: v}\nnew:\n    - item\n---\na:\n    b: true\n";
    assert.is(await decrypted(box, "a.yaml"), wanted);
    assert.is((await box.run(["unset", "--document", "1", "a.yaml", '["new"]'])).code, 0);
    assert.is(await decrypted(box, "a.yaml"), wanted.replace("new:\n    - item\n", ""));
    const before = box.read("a.yaml");
    assert.is((await box.run(["set", "--document", "1", "--idempotent", "a.yaml", '["a"]', "1.5"])).code, 0);
    assert.is((await box.run(["set", "--document", "3", "a.yaml", '["a"]', "1"])).code, 1);
    assert.is(box.read("a.yaml"), before);
    assert.is((await box.run(["unset", "--document", "1", "a.yaml", '["l"]'])).code, 1);
  }));

test("exec and exec-env say that further documents are left out, or take the one that is named", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", "A: one\n---\nA: two\n---\nA: three\n");
    await encrypted(box, "b.env", "B=b\n");
    const check = (value: string) => ["sh", "-c", `test "$A-$B" = ${value}-b`];
    const first = await box.run(["exec", "a.yaml", "b.env", "--", ...check("one")]);
    assert.is(first.code, 0);
    assert.match(first.stderr, ONLY_FIRST);
    const named = await box.run(["exec", "--document", "1", "a.yaml", "b.env", "--", ...check("two")]);
    assert.is(named.code, 0, named.stderr);
    assert.is(named.stderr, "");
    assert.match((await box.run(["exec-env", "a.yaml", 'test "$A" = one'])).stderr, ONLY_FIRST);
    assert.is((await box.run(["exec-env", "--document", "2", "a.yaml", 'test "$A" = three'])).code, 0);
  }));

test("several YAML files on standard output are documents of one text", () =>
  inSandbox(async (box) => {
    const plain: Readonly<Record<string, string>> = {
      "a.yaml": "a: 1\n",
      "b.yml": "# b\nb: |\n  x",
      "c.yaml": "---\nc: 1\n---\nd: 2\n",
      "e.yaml": "%YAML 1.1\n---\ne: 5",
    };
    for (const [name, text] of Object.entries(plain)) await encrypted(box, name, text);
    const { code, stdout, stderr } = await box.run(["decrypt", ...Object.keys(plain)]);
    assert.is(code, 0, stderr);
    assert.is(stdout, "a: 1\n---\n# b\nb: x\n---\nc: 1\n---\nd: 2\n...\n%YAML 1.1\n---\ne: 5");
    // in the order in which they were named
    assert.is((await box.run(["decrypt", "c.yaml", "a.yaml"])).stdout, "---\nc: 1\n---\nd: 2\n---\na: 1\n");
    const yaml = await box.run(["decrypt", "--output-type", "yaml", "a.yaml", "c.yaml"]);
    assert.is(yaml.stdout, "a: 1\n---\n---\nc: 1\n---\nd: 2\n".replace("---\n---", "---"));
  }));

test("other files together, folders and parts of files do not go to standard output", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", "a: 1\n");
    await encrypted(box, "b.json", '{"b": 1}\n');
    await encrypted(box, "d/c.yaml", "c: 1\n");
    for (const names of [
      ["a.yaml", "b.json"],
      ["a.yaml", "d"],
      ["d"],
      ["--extract", '["a"]', "a.yaml", "a.yaml"],
    ]) {
      const { code, stdout } = await box.run(["decrypt", ...names]);
      assert.is(code, 1, names.join(" "));
      assert.is(stdout, "");
    }
    // nothing is printed if one of them does not open
    box.write("bad.yaml", box.read("a.yaml").replace("mac: ENC", "mac: XNC"));
    const { code, stdout } = await box.run(["decrypt", "a.yaml", "bad.yaml"]);
    assert.is(code, 51);
    assert.is(stdout, "");
  }));

test("From programs 4: a tree in a file whose name says nothing comes out as the type that is asked for", () =>
  inSandbox(async (box) => {
    await encrypted(box, "tree.json", '{"a": "x", "data": 1}\n');
    box.write("tree", box.read("tree.json"));
    const json = await box.run(["decrypt", "--output-type", "json", "tree"]);
    assert.is(json.code, 0, json.stderr);
    assert.is(json.stdout, '{"a": "x", "data": 1}\n');
    assert.is((await box.run(["decrypt", "--output-type", "yaml", "tree"])).stdout, "a: x\ndata: 1\n");
    assert.is((await box.run(["decrypt", "--extract", '["a"]', "tree"])).stdout, "x");
    assert.is((await box.run(["decrypt", "--output-type", "binary", "tree"])).code, 4);
    await encrypted(box, "note", "hello");
    assert.is(
      (await box.run(["decrypt", "--output-type", "json", "note"])).stdout,
      '{\n\t"data": "hello"\n}\n',
    );
  }));

test("case 01: text behind the root value is refused, on encrypting and on decrypting", () =>
  inSandbox(async (box) => {
    const behind: Readonly<Record<string, string>> = {
      "a.json": '{"a": "x"}\n{"b": "hunter2"}\n',
      "b.json": '{"a": "x"} // hunter2\n',
      "a.json5": "{a: 'x'}\n{b: 'hunter2'}\n",
      "a.toml": 'a = "x"\nhunter2\n',
      "a.yaml": "a: x\n...\nhunter2\n",
      "b.yaml": '{"a": "x"}\n{"b": "hunter2"}\n',
      "c.yaml": "a: x\n--- hunter2\n",
    };
    for (const [name, text] of Object.entries(behind)) {
      box.write(name, text);
      const { code, stdout } = await box.run(["encrypt", name]);
      assert.is(code, 2, name);
      assert.is(stdout, "", name);
    }
    const { stderr } = await box.run(["encrypt", "a.json"]);
    assert.match(stderr, "a.json:2:1: there is something after the end of the object");
    assert.match(stderr, "--input-type binary");
    await encrypted(box, "whole.json", behind["a.json"]!, "--input-type", "binary");
    assert.not.match(box.read("whole.json"), "hunter2");
    for (const name of ["x.json", "x.bin"]) {
      await encrypted(box, name, '{"a": "x"}\n');
      box.write(name, `${box.read(name)}{"b": "hunter2"}\n`);
      for (const argv of [["decrypt"], ["rotate", "-i"], ["decrypt", "--ignore-mac"]]) {
        const { code, stdout, stderr } = await box.run([...argv, name]);
        assert.ok(code > 0, `${argv.join(" ")} ${name}`);
        assert.is(stdout, "");
        assert.match(stderr, "after the end of the object");
      }
    }
  }));

test("files without a document, and roots that are no map, are refused as SOPS refuses them", () =>
  inSandbox(async (box) => {
    const wrong: readonly [string, string, number][] = [
      ["a.json", "", 2],
      ["a.json", " \n", 2],
      ["a.json", "[1]\n", 2],
      ["a.json", '"x"\n', 2],
      ["a.json", "null\n", 2],
      ["a.json5", "", 2],
      ["a.json5", "// c\n", 2],
      ["a.yaml", "", 92],
      ["a.yaml", " \n\n", 2],
      ["a.yaml", "# c\n", 2],
      ["a.yaml", "- 1\n", 2],
      ["a.yaml", "--- x\n", 2],
      ["a.yaml", "a: 1\n---\n- 2\n", 2],
    ];
    for (const [name, text, exit] of wrong) {
      box.write(name, text);
      const { code, stdout } = await box.run(["encrypt", name]);
      assert.is(code, exit, `${name} ${JSON.stringify(text)}`);
      assert.is(stdout, "");
    }
  }));

test.run();
