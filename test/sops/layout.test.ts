import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { asLines, decryptLayout, encryptLayout, fromLines, type LayoutSpan } from "../../src/sops/layout.ts";

const KEY = Buffer.alloc(32, 7);
const random = (size: number) => Buffer.alloc(size, 3);

test("a block scalar is kept as its header and indentation, and comes back from its value", () => {
  const kept = (raw: string, value: string) => asLines(raw, value);
  assert.equal(kept("|\n  one\n  two", "one\ntwo\n"), { header: "|\n", pad: "  " });
  assert.equal(kept("|-\n      one", "one"), { header: "|-\n", pad: "      " });
  assert.equal(kept("|+\n  one\n", "one\n\n"), { header: "|+\n", pad: "  " });
  assert.equal(kept("|2\n    deeper\n  x", "  deeper\nx\n"), { header: "|2\n", pad: "  " });
  assert.equal(kept("|\n\n  after", "\nafter\n"), { header: "|\n", pad: "  " });
  // what its value does not say stays text
  for (const [raw, value] of [
    [">\n  one\n  two", "one two\n"],
    ["|\n  one\n   \n  two", "one\n\ntwo\n"],
    ["|\r\n  one\r\n  two", "one\ntwo\n"],
    ["'one'", "one"],
    ["1.50", "1.5"],
  ] as const) {
    assert.is(asLines(raw, value), undefined, JSON.stringify(raw));
  }
  assert.is(asLines("|\n  1", 1n), undefined);
});

test("whatever is kept as lines gives the same text again", () => {
  const lines = fc.array(fc.constantFrom("", "a", " b", "c ", "\td", "é"), { maxLength: 5 });
  fc.assert(
    fc.property(lines, fc.nat(4), fc.boolean(), (words, indent, ended) => {
      const value = words.join("\n") + (ended ? "\n" : "");
      const raw = `|\n${words.map((word) => (word === "" ? "" : " ".repeat(indent) + word)).join("\n")}`;
      const kept = asLines(raw, value);
      if (kept) assert.is(fromLines(kept, value), raw);
    }),
  );
});

test("spans come back from the field; what is no span is passed over", () => {
  const spans: LayoutSpan[] = [
    { entry: 0, up: 0, raw: "1.50" },
    { entry: 3, up: 2, raw: "*a" },
    { entry: 4, up: -1, raw: "| # c\n  x" },
    { entry: 5, up: 0, raw: { header: "|\n", pad: "  " } },
  ];
  const field = encryptLayout(spans, { dataKey: KEY, random });
  assert.equal(decryptLayout(field, KEY), spans);
  assert.equal(decryptLayout(field, Buffer.alloc(32, 8)), []);
  assert.equal(decryptLayout(field?.replace("data:", "data:A"), KEY), []);
});

test.run();
