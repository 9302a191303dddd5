import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { childEnvironment, flattenVariables, mergeVariables, variablesOf } from "../../src/exec/variables.ts";
import { Time } from "../../src/formats/scalar.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../src/formats/tree.ts";

const test = suite("variables");
const map = (...pairs: [string, Tree][]): TreeMap => TreeMap.of(pairs);

function failure(work: () => unknown): TsopsError {
  try {
    work();
  } catch (error) {
    return error as TsopsError;
  }
  throw new Error("no error");
}

const SCALARS: [string, Tree][] = [
  ["TEXT", "a b\nc"],
  ["INT", 9007199254740993n],
  ["FLOAT", 1],
  ["BIG", 1e21],
  ["BOOL", true],
  ["TIME", Time.parse("2025-01-02T00:00:00Z")!],
  ["EMPTY", ""],
  ["__proto__", "p"],
];
const TEXTS = ["a b\nc", "9007199254740993", "1.0", "1E+21", "true", "2025-01-02T00:00:00Z", "", "p"];

test("values are spelled as SOPS spells them", () => {
  const document = new TreeMap([new TreeComment("c"), ...map(...SCALARS).items]);
  const variables = variablesOf(document);
  assert.equal([...variables.values()], TEXTS);
  assert.equal(
    [...variables.keys()],
    SCALARS.map(([name]) => name),
  );
});

test("null is no text: exec-env refuses it, where SOPS gives the text <nil>", () => {
  try {
    variablesOf(map(["NULL", null]));
    assert.unreachable();
  } catch (error) {
    assert.match((error as TsopsError).message, "NULL is null");
    assert.match((error as TsopsError).hint ?? "", "tsops unset");
  }
});

test("of duplicate keys the last counts", () => {
  assert.is(
    variablesOf(
      new TreeMap([
        { key: "A", value: "1" },
        { key: "A", value: "2" },
      ]),
    ).get("A"),
    "2",
  );
});

test("exec-env refuses nested values, empty ones too, with exit code 1", () => {
  for (const value of [map(["c", "x"]), new TreeList(["x"]), map(), new TreeList()]) {
    const error = failure(() => variablesOf(map(["b", value])));
    assert.is(error.exitCode, 1);
    assert.match(error.message, /^b is a (map|list)/);
  }
});

test("refuses what no variable can hold, and does not show the value", () => {
  const bad: [string, string][] = [
    ["A=B", "s3cret"],
    ["", "s3cret"],
    ["A", "s3cret\0"],
    ["A\0", "s3cret"],
    ["A", "s3cret\udcff"],
  ];
  for (const [key, value] of bad) {
    for (const make of [variablesOf, flattenVariables]) {
      const error = failure(() => make(map([key, value])));
      assert.is(error.exitCode, 1);
      assert.not.match(error.message + error.hint, "s3cret");
    }
  }
});

test("flattens maps and lists with a separator", () => {
  const document = map(
    ["db", map(["host", "h"], ["ports", new TreeList([1n, new TreeComment("c"), 2n])], ["none", null])],
    ["list", new TreeList([map(["a", "x"]), new TreeList(["y"])])],
    ["empty", map()],
    ["top", "t"],
  );
  assert.equal(
    [...flattenVariables(document)],
    [
      ["db_host", "h"],
      ["db_ports_0", "1"],
      ["db_ports_1", "2"],
      ["list_0_a", "x"],
      ["list_1_0", "y"],
      ["top", "t"],
    ],
  );
  assert.equal([...flattenVariables(document, "__").keys()][1], "db__ports__0");
  assert.equal([...flattenVariables(map(...SCALARS)).values()], TEXTS);
});

test("two values with one name are an error, a key that is repeated is not", () => {
  const error = failure(() => flattenVariables(map(["a_b", "1"], ["a", map(["b", "2"])])));
  assert.match(error.message, "a_b");
  assert.is(flattenVariables(map(["a_b", "1"], ["a", map(["b", "2"])]), ".").size, 2);
  assert.is(
    flattenVariables(
      new TreeMap([
        { key: "A", value: "1" },
        { key: "A", value: "2" },
      ]),
    ).get("A"),
    "2",
  );
});

test("of several files the last counts, with a warning that shows no value", () => {
  const warnings: string[] = [];
  const merged = mergeVariables(
    [
      {
        file: "a.yaml",
        variables: new Map([
          ["SAME", "s3cret"],
          ["A", "s3cret1"],
        ]),
      },
      {
        file: "b.env",
        variables: new Map([
          ["SAME", "s3cret"],
          ["A", "s3cret2"],
          ["B", "b"],
        ]),
      },
    ],
    (message) => warnings.push(message),
  );
  assert.equal(
    [...merged],
    [
      ["SAME", "s3cret"],
      ["A", "s3cret2"],
      ["B", "b"],
    ],
  );
  assert.equal(warnings, ["A is in a.yaml and in b.env: the value in b.env is used"]);
});

test("the child's environment: given, then the account's, then the files'", () => {
  const env = { PATH: "/bin", HOME: "/root", A: "old", UNSET: undefined };
  const variables = new Map([
    ["A", "new"],
    ["__proto__", "p"],
  ]);
  const account = { HOME: "/home/x", USER: "x" };
  const child = childEnvironment(env, variables, { account });
  assert.equal(Object.entries(child), [
    ["PATH", "/bin"],
    ["HOME", "/home/x"],
    ["A", "new"],
    ["USER", "x"],
    ["__proto__", "p"],
  ]);
  assert.equal(Object.keys(childEnvironment(env, variables, { pristine: true })), ["A", "__proto__"]);
});

test.run();
