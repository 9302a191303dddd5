import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkName, publishedName } from "../../src/publish/name.ts";

test("a file's own name, or its path below a folder", () => {
  assert.is(publishedName("/w/in/a.yaml", undefined, false), "a.yaml");
  assert.is(publishedName("/w/in/sub/a.yaml", "/w/in", false), "sub/a.yaml");
  assert.is(publishedName("/w/in/a.yaml", "/w/in/a.yaml", false), "a.yaml");
});

test("the extension is what begins at the last dot of the name, as for Go", () => {
  assert.is(publishedName("/w/a.b.yaml", undefined, true), "a.b");
  assert.is(publishedName("/w/x.y/plain", "/w", true), "x.y/plain");
  assert.is(publishedName("/w/x.y/a.yaml", "/w", true), "x.y/a");
  assert.is(publishedName("/w/a.", undefined, true), "a");
  assert.is(publishedName("/w/.env", undefined, true), "");
});

test("names under which nothing could be found", () => {
  checkName("app", "/w/.env");
  assert.throws(() => checkName("", "/w/.env"), /nothing is left of the name of \.env/);
  assert.throws(() => checkName("app/", "/w/.env"), /nothing is left/);
  for (const name of ["..", "../a", "a/../b", "./a", "a/."]) {
    assert.throws(() => checkName(name, "/w/a"), /has a part of dots/);
  }
  checkName("a/..b/c..", "/w/a");
});

test.run();
