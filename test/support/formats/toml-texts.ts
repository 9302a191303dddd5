import fc from "fast-check";
import { toml } from "../../../src/formats/toml/index.ts";
import { tryRead } from "./laws.ts";

const words = fc.constantFrom("a", "b", "c", "x y", "é", "", "1", "__proto__", "a.b", "#");
const bare = fc.constantFrom("a", "b", "c", "d-1", "_e", "1", "true", "inf", "__proto__");
const keyParts = fc.oneof(
  { weight: 4, arbitrary: bare },
  { weight: 1, arbitrary: words.map((word) => `"${word}"`) },
  { weight: 1, arbitrary: words.map((word) => `'${word}'`) },
  { weight: 1, arbitrary: fc.constantFrom('"\\u0061"', '"\\t"', '"q\\"q"') },
);
const keys = fc
  .array(keyParts, { minLength: 1, maxLength: 3 })
  .chain((parts) => fc.constantFrom(".", " . ").map((dot) => parts.join(dot)));

const pieces = fc.constantFrom("a", "é", "😀", "\t", " ", "#", "[", "=", ",", "<&>", "ENC[", "\u2028");
const texts = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(""));
const strings = fc.oneof(
  fc
    .tuple(texts, fc.constantFrom("", "\\n", '\\"', "\\\\", "\\u00e9", "\\U0001F600", "\\x41", "\\e", "'"))
    .map(([a, b]) => `"${a}${b}"`),
  fc.tuple(texts, fc.constantFrom("", "\\", '"', "\\n")).map(([a, b]) => `'${a}${b}'`),
  fc
    .tuple(
      fc.constantFrom("", "\n", "\r\n", "\n\n"),
      texts,
      fc.constantFrom("", "\n", '"', '""', "\\\n  ", "\\t", '\\"""', "\r\n", "\n# no comment"),
      texts,
    )
    .map(([a, b, c, d]) => `"""${a}${b}${c}${d}"""`),
  fc
    .tuple(
      fc.constantFrom("", "\n", "\r\n", "\n\n"),
      texts,
      fc.constantFrom("", "\n", "'", "''", "\\", '"""', "\n# no comment"),
    )
    .map(([a, b, c]) => `'''${a}${b}${c}'''`),
);
const numbers = fc.constantFrom(
  ...[
    "0",
    "+0",
    "-0",
    "12",
    "+1_000",
    "-7",
    "0xdead_BEEF",
    "0o17",
    "0b0101",
    "0x00ff",
    "9223372036854775807",
  ],
  ...["1.0", "-0.0", "3.14_15", "1e3", "1E+05", "6.626e-34", "inf", "-inf", "+inf", "nan", "-nan", "5e+22"],
);
const dates = fc.constantFrom(
  ...["1979-05-27T07:32:00Z", "1979-05-27 00:32:00.999999-07:00", "1979-05-27t07:32z", "1979-05-27T07:32:00"],
  ...["1979-05-27", "07:32:00", "00:32:00.50", "07:32", "2016-12-31T23:59:60Z", "2000-02-29 07:32"],
);
const scalars = fc.oneof(strings, numbers, dates, fc.constantFrom("true", "false"));
const breaks = fc.constantFrom("", "", " ", "\n", "\n  ", " # c\n", "#\n", "\r\n", "# x\n# y\n");

const values = fc.letrec<{ value: string; list: string; table: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3, depthSize: "small" }, scalars, tie("list"), tie("table")),
  list: fc
    .tuple(fc.array(fc.tuple(breaks, tie("value"), breaks), { maxLength: 3 }), breaks, fc.boolean())
    .map(([items, end, trailing]) => {
      const inner = items.map(([a, value, b]) => a + value + b).join(",");
      return `[${inner}${trailing && items.length > 0 ? "," : ""}${end}]`;
    }),
  table: fc
    .tuple(
      fc.uniqueArray(fc.tuple(keys, tie("value")), { maxLength: 3, selector: ([key]) => key }),
      breaks,
      fc.boolean(),
    )
    .map(([members, gap, trailing]) => {
      const inner = members.map(([key, value]) => `${gap}${key} = ${value}`).join(",");
      return `{${inner}${trailing && members.length > 0 ? "," : ""}${gap}}`;
    }),
})).value;

const endings = fc.constantFrom("", "", "", " ", " # inline", "#", " # é\t#");
const lines = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(keys, fc.constantFrom(" = ", "=", " =\t"), values, endings)
      .map((parts) => parts.join("")),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("", "  "), keys, endings)
      .map(([blank, key, end]) => `${blank}[${key}]${end}`),
  },
  { weight: 1, arbitrary: fc.tuple(keys, endings).map(([key, end]) => `[[${key}]]${end}`) },
  { weight: 1, arbitrary: fc.constantFrom("# comment", "#", "  # more", "") },
);

/** TOML texts, most of them valid. */
export const tomlTexts = fc
  .tuple(
    fc.array(lines, { maxLength: 8 }),
    fc.constantFrom("\n", "\n", "\r\n"),
    fc.boolean(),
    fc.constantFrom("", "", "\ufeff"),
  )
  .map(([all, newline, end, mark]) => mark + all.join(newline) + (end ? newline : ""));

/** Documents that can be read, without metadata. */
export const tomlDocuments = tomlTexts.filter((text) => {
  const reading = tryRead(toml, text);
  return reading !== undefined && !reading.metadata;
});
