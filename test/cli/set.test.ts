import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../support/cli.ts";

/** What `set` writes: the value that was given, as it was given, in every format. */

const ONE: Readonly<Record<string, string>> = {
  "a.yaml": "a: 1\n",
  "a.json": '{\n  "a": 1\n}\n',
  "a.json5": "{a: 1}\n",
  "a.toml": "a = 1\n",
  "a.env": "a=1\n",
  "a.ini": "[a]\na = 1\n",
};
const STRUCTURED = ["a.yaml", "a.json", "a.json5", "a.toml"];
const FLAT = ["a.env", "a.ini"];
const pathIn = (name: string) => (name === "a.ini" ? '["a"]["a"]' : '["a"]');

async function encrypted(box: Sandbox, files = Object.keys(ONE)): Promise<void> {
  for (const name of files) {
    box.write(name, ONE[name]!);
    const { code, stderr } = await box.run(["encrypt", "-i", name]);
    assert.is(code, 0, stderr);
  }
}

async function setValue(box: Sandbox, name: string, value: string, path = pathIn(name)) {
  return await box.run(["set", "--value-stdin", name, path], { input: value });
}

async function decrypted(box: Sandbox, name: string): Promise<string> {
  const { code, stdout, stderr } = await box.run(["decrypt", name]);
  assert.is(code, 0, stderr);
  return stdout;
}

const after = (name: string, value: string) => ONE[name]!.replace(/1(?=[\n}])/, () => value);

test("case 12: an integer that fits 64 bits stays one, and every number keeps its spelling", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    const values = ["8080", "1000000", "9007199254740993", "-9223372036854775808", "9223372036854775807"];
    for (const value of [...values, "0", "-0", "-0.0", "1.0", "1.50", "1e3", "1E5", "12e-3"]) {
      for (const name of Object.keys(ONE)) {
        const { code, stderr } = await setValue(box, name, value);
        assert.is(code, 0, stderr);
        assert.is(await decrypted(box, name), after(name, value), `${name} ${value}`);
      }
    }
  }));

test("what set made an integer is one for --extract and other formats", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    for (const name of STRUCTURED) {
      assert.is((await setValue(box, name, "9007199254740993")).code, 0);
      const { stdout } = await box.run(["decrypt", "--extract", pathIn(name), name]);
      assert.is(stdout.trim(), "9007199254740993", name);
      const { stdout: tree } = await box.run(["decrypt", "--output-type", "json", name]);
      assert.match(tree, /"a": 9007199254740993\b/, name);
      assert.match(box.read(name), /ENC\[[^\]]*,type:int\]/, name);
    }
    for (const name of FLAT) {
      assert.is((await setValue(box, name, "8080")).code, 0);
      const { stdout } = await box.run(["decrypt", "--extract", pathIn(name), name]);
      assert.is(stdout, "8080", name);
    }
  }));

test("set --idempotent compares what is there with what was given", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    for (const name of Object.keys(ONE)) {
      assert.is((await setValue(box, name, "8080")).code, 0);
      const before = box.read(name);
      const again = await box.run(["set", "--idempotent", name, pathIn(name), "8080"]);
      assert.is(again.code, 0, again.stderr);
      assert.is(box.read(name), before, name);
    }
  }));

test("an integer beyond 64 bits is a text where all is text, and never rounded", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    for (const value of ["18446744073709551615", "-9223372036854775809", "123456789012345678901234567890"]) {
      for (const name of FLAT) {
        assert.is((await setValue(box, name, value)).code, 0);
        assert.is(await decrypted(box, name), after(name, value));
      }
      for (const name of STRUCTURED) {
        const { code, stderr } = await setValue(box, name, value);
        assert.is(code, 7, name);
        assert.match(stderr, /would be rounded/);
        assert.is(await decrypted(box, name), ONE[name]!);
      }
    }
    // a float is exactly this one
    assert.is((await setValue(box, "a.json", "18446744073709551616")).code, 0);
    assert.is(await decrypted(box, "a.json"), after("a.json", "18446744073709551616"));
  }));

test("case 15: set in JSON writes <, >, & and U+2028 as they were given, in values and keys", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{\n  "url": "https://h/?a=1&b=<2>"\n}\n');
    assert.is((await box.run(["encrypt", "-i", "a.json"])).code, 0);
    assert.is((await setValue(box, "a.json", '"https://h/?a=1&b=<3>\u2028\u2029/"', '["url"]')).code, 0);
    assert.is(await decrypted(box, "a.json"), '{\n  "url": "https://h/?a=1&b=<3>\u2028\u2029/"\n}\n');
    assert.is((await setValue(box, "a.json", '{"<k>": ["&", "\\"\\\\\\u0001\\n"]}', '["a&b"]')).code, 0);
    assert.is(
      await decrypted(box, "a.json"),
      '{\n  "url": "https://h/?a=1&b=<3>\u2028\u2029/",\n  "a&b": {\n    "<k>": [\n      "&",\n      "\\"\\\\\\u0001\\n"\n    ]\n  }\n}\n',
    );
  }));

test("the value that is set is one JSON value and nothing behind it", () =>
  inSandbox(async (box) => {
    await encrypted(box, ["a.yaml"]);
    for (const value of ["2} x", '2,"b":3', '2}\n{"c":1', "2 3", "2 //c", ""]) {
      assert.is((await setValue(box, "a.yaml", value)).code, 7, value);
    }
    assert.is(await decrypted(box, "a.yaml"), ONE["a.yaml"]!);
  }));

test.run();
