import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../../support/cli.ts";

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

test("a value with the same key twice is refused in every format", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    for (const name of Object.keys(ONE)) {
      const before = box.read(name);
      for (const value of ['{"k":1,"k":2}', '[{"a":{"k":"x","b":2,"k":"x"}}]']) {
        const { code, stderr } = await setValue(box, name, value);
        assert.is(code, 7, name);
        assert.match(stderr, "an object in the value has the same key twice");
      }
      assert.is(box.read(name), before, name);
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
        assert.not.match(stderr, value, "it may be a secret");
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

/** A document whose `t` is set, with neighbours in the format's own style. */
const AROUND: Readonly<Record<string, { first: string; target: string; last: string }>> = {
  "a.yaml": {
    first: "# first\nm:\n  k: 'v' # c\n  l:\n    - 1\n\n",
    target: "t: old\n",
    last: "z: >-\n  folded\n  text\n# end\n",
  },
  "a.json": {
    first: '{\n  "m": {"k": "v",  "l": [1]},\n',
    target: '  "t": "old"',
    last: ',\n  "z": 1.50\n}\n',
  },
  "a.json5": {
    first: "{\n  // first\n  m: {k: 'v',  l: [1,]},\n",
    target: "  t: 'old'",
    last: ",\n  z: 0x10,\n}\n",
  },
  "a.toml": { first: "# first\nm = { k = 'v' }\n", target: "t = 'old'\n", last: "\n[z]\nx = 1.50\n" },
};

/** Values as JSON, without the control characters and byte salad that other tests have. */
const jsonValues = fc.letrec<{ value: unknown; map: unknown; list: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.constantFrom(
      "",
      "true",
      "1",
      "a\nb",
      "x\n",
      " lead",
      "#c",
      "- a",
      "k: v",
      "<&>",
      "ENC[x]",
      "\u2028",
      "no",
    ),
    fc.integer(),
    fc.constantFrom(1.5, 1e21, -0.25, 9007199254740991),
    fc.boolean(),
    tie("map"),
    tie("list"),
  ),
  map: fc.dictionary(
    fc.string({ maxLength: 4 }).filter((key) => key !== "__proto__"),
    tie("value"),
    { maxKeys: 3 },
  ),
  list: fc.array(tie("value"), { maxLength: 3 }),
})).value;

test("set of a whole tree: what is read back is that, and the rest of the text is as it was", () =>
  inSandbox(async (box) => {
    const check = async (name: string, value: unknown) => {
      const { first, last } = AROUND[name]!;
      const { code, stderr } = await setValue(box, name, JSON.stringify(value), '["t"]');
      assert.is(code, 0, `${name} ${JSON.stringify(value)}: ${stderr}`);
      const text = await decrypted(box, name);
      assert.ok(text.startsWith(first) && text.endsWith(last), `${name} ${JSON.stringify(value)}\n${text}`);
      const tree = await box.run(["decrypt", "--output-type", "json", name]);
      assert.is(tree.code, 0, tree.stderr);
      assert.equal(
        (JSON.parse(tree.stdout) as { t: unknown }).t,
        JSON.parse(JSON.stringify(value)),
        `${name}\n${text}`,
      );
      for (const line of box.read(name).split("\n")) assert.not.match(line, /sekrit/);
    };
    for (const [name, { first, target, last }] of Object.entries(AROUND)) {
      box.write(name, first + target + last);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      // a scalar by a map, that by a list, by a map again, by a scalar
      await check(name, { a: "sekrit", b: { c: [1, { d: "sekrit" }] } });
      await check(name, ["sekrit", ["sekrit"], { e: true }]);
      await check(name, {});
      await check(name, { a: [] });
      await check(name, []);
      await check(name, "sekrit");
      await fc.assert(
        fc.asyncProperty(jsonValues, async (value) => await check(name, value)),
        { numRuns: 12 },
      );
    }
  }));

test("a whole tree is written in the style of its neighbours", () =>
  inSandbox(async (box) => {
    const value = '{"a": [1, {"b": "x"}], "c": {}}';
    const wanted: Readonly<Record<string, string>> = {
      "a.yaml": "t:\n  a:\n    - 1\n    - b: x\n  c: {}\n",
      "a.json":
        '  "t": {\n    "a": [\n      1,\n      {\n        "b": "x"\n      }\n    ],\n    "c": {}\n  }',
      "a.json5": '  t: {\n    a: [\n      1,\n      {\n        b: "x"\n      }\n    ],\n    c: {}\n  }',
      "a.toml": 't = { a = [1, { b = "x" }], c = {} }\n',
    };
    for (const [name, { first, target, last }] of Object.entries(AROUND)) {
      box.write(name, first + target + last);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      assert.is((await setValue(box, name, value, '["t"]')).code, 0);
      assert.is(await decrypted(box, name), first + wanted[name] + last);
      assert.is((await setValue(box, name, '[["x"]]', '["m"]["k"]')).code, 0);
      const { stdout } = await box.run([
        "decrypt",
        "--output-type",
        "json",
        "--extract",
        '["m"]["k"][0][0]',
        name,
      ]);
      assert.is(stdout, "x", name);
    }
  }));

test("the values in a tree that is set are encrypted by the file's selector", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "t: 1\n");
    assert.is((await box.run(["encrypt", "--encrypted-regex", "^pass", "-i", "a.yaml"])).code, 0);
    const value = '{"user": "u", "password": "sekrit", "passes": ["sekrit", {"x": "sekrit"}]}';
    assert.is((await setValue(box, "a.yaml", value, '["t"]')).code, 0);
    assert.match(box.read("a.yaml"), /user: u\n/);
    assert.not.match(box.read("a.yaml"), "sekrit");
  }));

test("flat formats refuse a list or an object and say why", () =>
  inSandbox(async (box) => {
    await encrypted(box, FLAT);
    for (const name of FLAT) {
      for (const value of ["[1]", '{"x": {"y": 1}}', "[]", '{"x": [1]}']) {
        const { code, stderr } = await setValue(box, name, value);
        assert.is(code, 4, `${name} ${value}`);
        assert.match(stderr, /no maps and lists|list or an object cannot be set/);
        assert.is(await decrypted(box, name), ONE[name]!);
      }
    }
    assert.is((await setValue(box, "a.ini", '{"x": 8080, "y": "t"}', '["new"]')).code, 0);
    assert.match(await decrypted(box, "a.ini"), /\[new\]\nx *= 8080\ny *= t\n/);
  }));

test.run();
