import { test } from "uvu";
import * as assert from "uvu/assert";
import { valuesOf } from "../../src/cli/args.ts";
import type { RunOf } from "../../src/cli/command.ts";
import { EXEC } from "../../src/cli/commands/exec/command.ts";
import type { SET } from "../../src/cli/commands/set/command.ts";
import { flag, number, preset, text, texts } from "../../src/cli/options.ts";
import { inSandbox } from "../support/cli.ts";

const TABLE = {
  deep: flag("a flag"),
  level: number("a number"),
  output: text("a text"),
  key: texts("several"),
  separator: preset("one with a default", "_"),
};

test("options that are not given: flags are off, lists are empty, others have their default or nothing", () => {
  const { deep, level, output, key, separator } = valuesOf(TABLE);
  assert.equal([deep, level, output, key, separator], [false, undefined, undefined, [], "_"]);
});

test("of an option that is given twice the last one counts, and a list has them all", () => {
  const twice = { deep: [true, false], level: [1, 2], output: ["a", "b"], key: ["a", "b"], separator: "-" };
  const expected = { deep: false, level: 2, output: "b", key: ["a", "b"], separator: "-" };
  assert.equal(valuesOf(TABLE, twice), expected);
});

test("a text that looks like a number stays a text", () => {
  assert.is(valuesOf(TABLE, { output: 12 }).output, "12");
});

test("a number that is given twice counts once", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{"a": {"b": "c"}}');
    const encrypt = ["encrypt", "--output-type", "yaml", "--indent", "8", "--indent", "3", "a.json"];
    assert.match((await box.run(encrypt)).stdout, /^a:\n {3}b: ENC/);
  }));

test("names and types of values follow from a command's description: the compiler checks this", () => {
  const read = ({ args }: RunOf<typeof SET>) => {
    const file: string = args.file;
    const value: string | undefined = args.value;
    const raw: boolean = args.raw;
    const document: number | undefined = args.document;
    const keyservice: readonly string[] = args.keyservice;
    // @ts-expect-error: there is no such option
    args.documents;
    // @ts-expect-error: this is one of another command
    args.uppercase;
    // @ts-expect-error: a flag is no text
    const text: string = args.idempotent;
    return [file, value, raw, document, keyservice, text];
  };
  const separator: string = valuesOf(EXEC.options).separator;
  assert.is(typeof read, "function");
  assert.is(separator, "_");
});

test.run();
