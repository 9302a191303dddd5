import { test } from "uvu";
import * as assert from "uvu/assert";
import { AGE_PLUGINS } from "../../src/keys/age/allow.ts";
import { allowLine, checkAllowed, isAllowed } from "../../src/keys/allow.ts";
import type { AllowList } from "../../src/keys/allow-list.ts";
import {
  ALLOW_LISTS,
  ALLOW_NOTHING,
  type Allow,
  allowedByVariable,
  namedByKeys,
} from "../../src/keys/allow-lists.ts";
import { contextWith } from "../support/keys/contexts.ts";

const HOST = "https://good.example:8200";

function allows(name: keyof Allow, known: string, value: string): Promise<boolean> {
  const allow = { ...ALLOW_NOTHING, [name]: [known] };
  const list = ALLOW_LISTS.find((one) => one.name === name)!;
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

test("a Keywhiz server without a port is the one at the usual port", async () => {
  assert.is(await allows("keywhiz", "kw.example.com", "kw.example.com:4444"), true);
  assert.is(await allows("keywhiz", "kw.example.com:4444", "kw.example.com"), true);
  assert.is(await allows("keywhiz", "[::1]", "[::1]:4444"), true);
  assert.is(await allows("keywhiz", "kw.example.com", "kw.example.com:4445"), false);
  assert.is(await allows("cluster", "kw.example.com", "kw.example.com:4444"), false);
});

test("recipients of plugins name them; the types that need no plugin do not", () => {
  const named = (id: string) => namedByKeys([{ kind: "age", id }]).plugin;
  assert.equal(named("age1yubikey1qqqsyqcy"), ["yubikey"]);
  assert.equal(named("age1a1b1qqqsyqcy"), ["a1b"]);
  for (const id of [
    "age1qqqsyqcy",
    "age1pq1qqqsyqcy",
    "age1tag1qqqsyqcy",
    "age1tagpq1qqqsyqcy",
    "ssh-rsa age1x1qq",
  ]) {
    assert.equal(named(id), [], id);
  }
});

test("a refusal asks whoever can be asked, and says what to do", async () => {
  const asked: string[] = [];
  const vouch = async (list: AllowList, value: string) => {
    asked.push(`${list.name} ${value}`);
    return asked.length > 1 ? "allowed" : { by: "only x", why: "y", hint: "z" };
  };
  const context = contextWith({ TSOPS_ALLOW: "plugin=known" }, { vouch });
  await checkAllowed(context, AGE_PLUGINS, "known");
  assert.equal(asked, []);
  const refused = await checkAllowed(context, AGE_PLUGINS, "new").then(
    () => assert.unreachable(),
    (error) => error,
  );
  assert.is(refused.code, "not-allowed");
  assert.is(refused.message, "only x names the age plugin new, and y: it gets no data key");
  assert.is(refused.hint, "z");
  await checkAllowed(context, AGE_PLUGINS, "new");
  assert.equal(asked, ["plugin new", "plugin new"]);
});

test("the line for a shell: quoted where it has to be, and none for what cannot stand in it", () => {
  const line = (value: string) => allowLine([{ field: "aws_profile", value }]);
  assert.is(line("prod"), "TSOPS_ALLOW=aws_profile=prod");
  assert.is(line("a$b"), "TSOPS_ALLOW='aws_profile=a$b'");
  assert.is(line("it's"), "TSOPS_ALLOW='aws_profile=it'\\''s'");
  for (const value of ["a b", "a,b", "a\nb", "a\u001bb", "a\u202eb", ""]) assert.is(line(value), undefined);
  assert.is(allowLine([]), undefined);
  const both = allowLine([
    { field: "vault", value: HOST },
    { field: "plugin", value: "x" },
  ]);
  const read = allowedByVariable(both!.replace("TSOPS_ALLOW=", ""));
  assert.equal([read.vault, read.plugin], [[HOST], ["x"]]);
});

test("a key without a profile and a role vouches for none, not even for one that is called a space", async () => {
  const named = namedByKeys([{ kind: "kms", id: "arn:aws:kms:eu-west-1:1:key/k", role: "", profile: "" }]);
  assert.equal(named, ALLOW_NOTHING);
  const list = ALLOW_LISTS.find(({ name }) => name === "awsProfile")!;
  assert.not(await isAllowed(contextWith({}, { allow: async () => named }), list, " "));
});

test.run();
