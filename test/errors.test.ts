import { readdirSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { changed, type ErrorCode, EXIT_CODES, TsopsError } from "../src/errors.ts";
import { isKeyFailure, prefixed } from "../src/keys/reasons.ts";

/** The source without comments and types: where a code stands, it is given to an error. */
const sources = (readdirSync("src", { recursive: true }) as string[])
  .filter((name) => name.endsWith(".ts") && name !== "errors.ts")
  .map((name) => ({
    name: name.replaceAll("\\", "/"),
    text: readFileSync(`src/${name}`, "utf8").replace(/\/\*[\s\S]*?\*\/|(?<=\s)\/\/ .*/g, ""),
  }));

const codes = Object.keys(EXIT_CODES) as ErrorCode[];

/**
 * Where an error has no code of its own, and why: nobody outside the command line meets it, or nothing is known of it.
 * Do not add to it: an error that a program can act on has a code that says so.
 */
const GENERIC: Readonly<Record<string, number>> = {
  // what a command finds, or is told by a person, that only a person can judge
  "cli/commands/publish/content.ts": 1,
  "cli/commands/publish/run.ts": 1,
  // faults of our own that came up while a key was used: their texts may quote anything
  "keys/aws/errors.ts": 1,
  "keys/groups.ts": 1,
  "keys/stores/secret.ts": 1,
  "publish/s3.ts": 1,
  // which errors a sentence may stand in front of
  "keys/reasons.ts": 1,
  // the name of an engine of Vault
  "keys/stores/vaultkv-read.ts": 1,
};

test("hardly an error has no code of its own", () => {
  const found = sources.flatMap(({ name, text }) => {
    const count = text.match(/"generic"/g)?.length ?? 0;
    return count > 0 ? [[name, count] as const] : [];
  });
  assert.equal(Object.fromEntries(found.sort()), Object.fromEntries(Object.entries(GENERIC).sort()));
});

test("every code is thrown somewhere", () => {
  const unused = codes.filter((code) => !sources.some(({ text }) => text.includes(`"${code}"`)));
  assert.equal(unused, []);
});

test("every code is in the table of docs/errors.md, once, and no other", () => {
  const documented = [...readFileSync("docs/errors.md", "utf8").matchAll(/^\| `([a-z-]+)` \|/gm)];
  assert.equal(documented.map(([, code]) => code).sort(), [...codes].sort());
});

test("what failed is put in front of a key's failure, which keeps its code, place, hint and cause", () => {
  const first = new Error("what the SDK says");
  const place = { file: "a.yaml", line: 1 };
  const error = new TsopsError("access-denied", "no", { hint: "ask", place, exit: 127, cause: first });
  const named = prefixed(error, "the key") as TsopsError;
  assert.equal([named.code, named.message, named.hint], ["access-denied", "the key: no", "ask"]);
  assert.equal(named.place, place);
  assert.is(named.cause, error);
  assert.is(named.exitCode, 1, "a program's exit code is not that of a key");
  for (const code of ["aborted", "not-allowed", "usage", "no-data-key"] as const) {
    assert.not.ok(isKeyFailure(new TsopsError(code, "x")));
    const other = new TsopsError(code, "x");
    assert.is(prefixed(other, "the key"), other);
  }
  assert.is(prefixed(first, "the key"), first);
});

test("a changed error keeps what is not changed", () => {
  const error = new TsopsError("parse", "a", { hint: "b", place: { line: 2 }, exit: 9, cause: 1 });
  const { code, message, hint, place, exit, cause } = changed(error, { message: "c" });
  assert.equal([code, message, hint, place, exit, cause], ["parse", "c", "b", { line: 2 }, 9, 1]);
});

test.run();
