import { test } from "uvu";
import * as assert from "uvu/assert";
import { ALLOW_NOTHING, type Allow, isAllowed } from "../../src/keys/allow.ts";
import { contextWith } from "./helpers.ts";

const HOST = "https://good.example:8200";

function allows(list: keyof Allow, known: string, value: string): Promise<boolean> {
  const allow = { ...ALLOW_NOTHING, [list]: [known] };
  return isAllowed(contextWith({}, { allow: async () => allow }), list, value);
}

test("an address is allowed in any spelling, and no other address is", async () => {
  for (const same of [`${HOST}/`, "HTTPS://GOOD.example:8200", ` ${HOST}//`, "https://good.example:08200"]) {
    assert.is(await allows("vault", HOST, same), true, same);
  }
  assert.is(await allows("vault", "https://good.example", "https://good.example:443/"), true);
  for (const other of [
    "http://good.example:8200",
    "https://good.example",
    "https://good.example.:8200",
    "https://good.example:8200@evil.example",
    "https://good.example:8200\\@evil.example",
    "https://good.example:8200%2f@evil.example",
    "https://good.example%00.evil.example:8200",
    "https://evil.example/https://good.example:8200",
    "https://evil.example/?good.example:8200",
    "https://g\u043e\u043ed.example:8200",
    "https://good.example:8200/path",
    "//good.example:8200",
    "good.example:8200",
    "",
  ]) {
    assert.is(await allows("vault", HOST, other), false, other);
  }
});

test("roles, profiles and other names that are no URLs are compared as they are", async () => {
  assert.is(await allows("awsProfile", "prod", "prod"), true);
  for (const other of ["Prod", "prod/", "prod//"])
    assert.is(await allows("awsProfile", "prod", other), false, other);
  const role = "arn:aws:iam::1:role/deploy";
  assert.is(await allows("awsRole", role, role), true);
  assert.is(await allows("awsRole", role, `${role}/`), false);
});

test.run();
