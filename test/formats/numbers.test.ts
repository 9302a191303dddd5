import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  cipherFloat,
  iniFloat,
  jsonFloat,
  parseGoBool,
  parseGoFloat,
  yamlFloat,
} from "../../src/formats/numbers.ts";

/** Go's spellings: FormatFloat 'f', 'g' and 'G' with a point, and encoding/json's. */
const FLOATS: readonly (readonly [number, string, string, string, string])[] = [
  [0, "0", "0", "0.0", "0"],
  [-0, "-0", "-0", "-0.0", "-0"],
  [1, "1", "1", "1.0", "1"],
  [12, "12", "12", "12.0", "12"],
  [-1.5, "-1.5", "-1.5", "-1.5", "-1.5"],
  [100000, "100000", "100000", "100000.0", "100000"],
  [999999, "999999", "999999", "999999.0", "999999"],
  [1e6, "1000000", "1e+06", "1E+06", "1000000"],
  [1234567.5, "1234567.5", "1.2345675e+06", "1.2345675E+06", "1234567.5"],
  [123456.7, "123456.7", "123456.7", "123456.7", "123456.7"],
  [1e20, "100000000000000000000", "1e+20", "1E+20", "100000000000000000000"],
  [1e21, "1000000000000000000000", "1e+21", "1E+21", "1e+21"],
  [1.5e100, `15${"0".repeat(99)}`, "1.5e+100", "1.5E+100", "1.5e+100"],
  [0.0001, "0.0001", "0.0001", "0.0001", "0.0001"],
  [0.00001, "0.00001", "1e-05", "1E-05", "0.00001"],
  [1e-6, "0.000001", "1e-06", "1E-06", "0.000001"],
  [1e-7, "0.0000001", "1e-07", "1E-07", "1e-7"],
  [5e-324, `0.${"0".repeat(323)}5`, "5e-324", "5E-324", "5e-324"],
];

for (const [value, cipher, yaml, ini, json] of FLOATS) {
  test(`the float ${Object.is(value, -0) ? "-0" : value} has four spellings`, () => {
    assert.equal(
      [cipherFloat(value), yamlFloat(value), iniFloat(value), jsonFloat(value)],
      [cipher, yaml, ini, json],
    );
  });
}

test("infinities and NaN have no spelling in JSON", () => {
  const all = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  assert.equal(all.map(cipherFloat), ["+Inf", "-Inf", "NaN"]);
  assert.equal(all.map(yamlFloat), [".inf", "-.inf", ".nan"]);
  assert.equal(all.map(iniFloat), ["+Inf", "-Inf", "NaN"]);
  for (const value of all) {
    assert.throws(
      () => jsonFloat(value),
      (error: { code: string; exitCode: number }) => error.code === "print" && error.exitCode === 4,
    );
  }
});

test("every spelling of a float reads back as the same number", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      const spellings = [cipherFloat(value), iniFloat(value)];
      if (Number.isFinite(value)) spellings.push(yamlFloat(value), jsonFloat(value));
      return spellings.every((text) => Object.is(parseGoFloat(text), value));
    }),
    { numRuns: 2000 },
  );
});

test("true and false are read as Go reads them", () => {
  for (const text of ["1", "t", "T", "true", "True", "TRUE"]) assert.is(parseGoBool(text), true, text);
  for (const text of ["0", "f", "F", "false", "False", "FALSE"]) assert.is(parseGoBool(text), false, text);
  for (const text of ["", "yes", "no", "tRUE", " 1", "1\n", "2"])
    assert.is(parseGoBool(text), undefined, text);
});

test("floats are read as Go reads them", () => {
  const read: readonly (readonly [string, number])[] = [
    ["1.50", 1.5],
    ["1.", 1],
    ["+.5", 0.5],
    ["1e3", 1000],
    ["1_000.5", 1000.5],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["nan", Number.NaN],
    ["0x1p-2", 0.25],
    ["0X_1.8P1", 3],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["0x1p-1074", Number.MIN_VALUE],
    ["0x1p-1075", 0],
    ["0x1.8p-1075", Number.MIN_VALUE],
    ["1e-400", 0],
  ];
  for (const [text, value] of read) assert.ok(Object.is(parseGoFloat(text), value), text);
  const refused = [
    "",
    ".",
    "1e400",
    "0x1p1024",
    "0x1",
    "1_",
    "_1",
    "1__0",
    "1_.5",
    "+nan",
    "infi",
    " 1",
    "1 ",
    ".inf",
    "0b1",
    "0xp1",
  ];
  for (const text of refused) assert.is(parseGoFloat(text), undefined, text);
});

test.run();
