import { test } from "uvu";
import * as assert from "uvu/assert";
import { splitWords } from "../../src/programs/words.ts";

const CASES: [string, string[]][] = [
  ["", []],
  ["  \t\n ", []],
  ["op read op://vault/item", ["op", "read", "op://vault/item"]],
  ["a 'b c' \"d e\"", ["a", "b c", "d e"]],
  ["a'b'\"c\"d", ["abcd"]],
  ["a '' \"\" b", ["a", "", "", "b"]],
  ["a\\ b c", ["a b", "c"]],
  ['\'a\\b\' "a\\"b" "a\'b" \'a"b\'', ["a\\b", 'a"b', "a'b", 'a"b']],
  ['"a\\nb" "\\\\"', ["anb", "\\"]],
  ["a # a comment\nb a#b", ["a", "b", "a#b"]],
  ["$HOME *.txt a|b ;", ["$HOME", "*.txt", "a|b", ";"]],
  ["\u00fc \ud83d\ude00", ["\u00fc", "\ud83d\ude00"]],
];

for (const [text, words] of CASES) test(JSON.stringify(text), () => assert.equal(splitWords(text), words));

test("what is not closed", () => {
  for (const text of ["sh -c 'x", 'a "b', '"a\\"'])
    assert.throws(() => splitWords(text), /a quote in the command/);
  assert.throws(() => splitWords("a \\"), /ends with a backslash/);
});

test.run();
