import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { readStandardDotenv } from "../../src/exec/dotenv-dialect.ts";
import { assertLinear } from "../support/pace.ts";

const test = suite("dotenv-dialect");
const read = (text: string): Record<string, string> => Object.fromEntries(readStandardDotenv(text));

test("quotes, comments, export and blanks", () => {
  assert.equal(
    read(
      [
        "PLAIN=a b ",
        "  export  EXPORTED = yes",
        "SINGLE='a \\n $x \"q\"' # comment",
        'DOUBLE="a\\tb\\n\\"q\\" \\$x \\\\ \\q"',
        'BACK=`it\'s "so"`',
        "# comment",
        "   # another",
        "",
        "HASH=a#b # c",
        "COLOUR=#fff",
        "COMMENT= # nothing",
        "EMPTY=",
        "EMPTIES=''",
        "EQUALS=a=b==",
        "DOLLAR=$HOME $X",
        "a.b-c=dotted",
        "LAST=1",
        "LAST=2",
      ].join("\n"),
    ),
    {
      PLAIN: "a b",
      EXPORTED: "yes",
      SINGLE: 'a \\n $x "q"',
      DOUBLE: 'a\tb\n"q" $x \\ \\q',
      BACK: `it's "so"`,
      HASH: "a#b",
      COLOUR: "#fff",
      COMMENT: "",
      EMPTY: "",
      EMPTIES: "",
      EQUALS: "a=b==",
      DOLLAR: "$HOME $X",
      "a.b-c": "dotted",
      LAST: "2",
    },
  );
});

test("values over several lines, and line ends of every kind", () => {
  const key = "-----BEGIN-----\nabc==\n-----END-----\n";
  assert.equal(read(`KEY="${key}"\nNEXT='${key}'\nX=1`), { KEY: key, NEXT: key, X: "1" });
  assert.equal(read("\uFEFFA=1\r\nB=\"x\r\ny\"\r\n\r\nC='z'\r\n"), { A: "1", B: "x\ny", C: "z" });
  assert.equal(read("A=1\rB=2"), { A: "1", B: "2" });
  assert.equal(read(""), {});
});

test("says where a line is no assignment or a quote is not closed, and shows nothing of it", () => {
  const bad: [string, number, number][] = [
    ["A=1\ns3cret", 2, 1],
    ['A=1\n\nB="s3cret\nC=1\n', 3, 3],
    ["B='s3cret", 1, 3],
    ["B='s3cret' more", 1, 11],
    ["1A=s3cret", 1, 1],
    ['B="s3cret\\', 1, 3],
  ];
  for (const [text, line, column] of bad) {
    try {
      read(text);
      assert.unreachable(text);
    } catch (error) {
      const { code, place, message, hint } = error as TsopsError;
      assert.equal([code, place?.line, place?.column], ["parse", line, column], text);
      assert.not.match(`${message} ${hint}`, "s3cret");
    }
  }
});

test("every value comes back from double quotes, and whatever is no dotenv is said to be none", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom(..."a\"'`\\$#=\n\t é") })), (values) => {
      const escaped = (value: string): string => value.replace(/["\\$]/g, "\\$&").replaceAll("\n", "\\n");
      const text = values.map((value, i) => `V${i}="${escaped(value)}"`).join("\n");
      assert.equal([...readStandardDotenv(text).values()], values);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."A=\"'`\\#= \n\r") }), (text) => {
      try {
        readStandardDotenv(text);
      } catch (error) {
        assert.is((error as TsopsError).code, "parse");
      }
    }),
  );
});

test("no text takes long: the time grows as the text does", async () => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => `KEY_${i}=value ${" ".repeat(20)} x # ${i}`).join("\n");
  await assertLinear((count) => assert.is(readStandardDotenv(lines(count)).size, count), 10_000);
  await assertLinear((count) => readStandardDotenv(`A=${" #".repeat(count)}x`), 50_000);
  await assertLinear((count) => readStandardDotenv(`A=x${" ".repeat(count)}x`), 100_000);
});

test.run();
