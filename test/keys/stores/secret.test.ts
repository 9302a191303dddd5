import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ageUse } from "../../../src/keys/age/use.ts";
import { TABLE_OF_KINDS } from "../../../src/keys/context.ts";
import { textField } from "../../../src/keys/fields.ts";
import { openMasterKey, readMasterKeys, wrappedPart } from "../../../src/keys/stores/secret.ts";
import { kindNamed } from "../../../src/keys/table.ts";
import { contextWith, goldenKey } from "../../support/keys/contexts.ts";
import { said } from "../../support/keys/stores.ts";

/** What the text of a secret may be. */

const WHERE = "env://MASTER";
const read = async (text: string) => readMasterKeys(Buffer.from(text), WHERE, TABLE_OF_KINDS);

test("a master key in base64, base64url and hexadecimal digits, with padding and without", async () => {
  // bytes whose base64 has both of the characters in which base64url differs
  const key = Buffer.from(`${"fbefbe".repeat(5)}${"ff".repeat(16)}00`, "hex");
  const [b64, url, hex] = (["base64", "base64url", "hex"] as const).map((coding) => key.toString(coding));
  assert.match(b64!, /\+.*\//);
  for (const text of [b64, b64!.replace("=", ""), url, `${url}=`, hex, hex!.toUpperCase(), `\n ${b64}\r\n`]) {
    assert.equal(await read(text!), [{ raw: key }], text);
  }
});

test("several of them, newest first, with white space or commas between", async () => {
  const keys = [1, 2, 3].map(() => randomBytes(32));
  const [a, b, c] = keys.map((key) => key.toString("base64"));
  const held = keys.map((raw) => ({ raw }));
  for (const text of [`${a} ${b} ${c}`, `${a},${b},${c}`, `${a}\n${b}\n${c}\n`, ` ${a} ,\t${b},,${c}`]) {
    assert.equal(await read(text), held);
  }
});

test("anything else is refused in words that do not show it", async () => {
  const good = randomBytes(32).toString("base64");
  const short = randomBytes(16).toString("hex");
  const cases: [text: string, why: RegExp, hidden: string][] = [
    ["", /env:\/\/MASTER is empty/, "\0"],
    [" \n, ", /is empty/, "\0"],
    ["correct-horse!battery", /neither base64 nor hexadecimal/, "horse"],
    [short, /it has 24 bytes instead of 32/, short],
    [randomBytes(31).toString("base64"), /it has 31 bytes/, "\0"],
    [randomBytes(33).toString("base64"), /it has 33 bytes/, "\0"],
    [`${good}A`, /neither base64 nor/, good],
    [`${good} oops!`, /part 2 of 2 of what env:\/\/MASTER holds is not a master key/, "oops"],
    [Buffer.alloc(32).toString("base64"), /all its bytes are the same/, "AAAA"],
    ["ff".repeat(32), /all its bytes are the same/, "ffff"],
    ["ftp://host/hidden#x", /not a wrapped master key: it is not the URI/, "hidden"],
    ["age:age1hidden", /not the URI of a key/, "hidden"],
    ["hckms:hidden#x", /the URI in it is malformed/, "hidden"],
    ["pgp:ABCD#", /not the URI of a key, # and what/, "ABCD"],
    ["env://HIDDEN#v1:x", /held in a store cannot wrap another/, "HIDDEN"],
    ["keywhiz://hidden/x#v1:x", /held in a store cannot wrap another/, "hidden"],
  ];
  for (const [text, why, hidden] of cases) {
    const words = await said(read(text));
    assert.match(words, why, text);
    assert.not.ok(words.includes(hidden), words);
  }
});

async function wrappedFor(uri: string, recipient: string, master: Uint8Array) {
  const [key] = kindNamed("age").parse(recipient);
  return wrappedPart(uri, textField((await ageUse.wrap(key!, master, contextWith())).fields, "enc"));
}

test("a master key that is wrapped by age is unwrapped when it is used, an SSH key's too", async () => {
  const master = randomBytes(32);
  const recipient = goldenKey("age1.pub").trim();
  const text = await wrappedFor(`age:${recipient}`, recipient, master);
  assert.not.match(text, /\s/);
  const [held, ...more] = await read(`${text}\n`);
  assert.equal(more, []);
  const context = contextWith({ SOPS_AGE_KEY: goldenKey("age1.txt") });
  assert.equal(await openMasterKey(held!, WHERE, context), master);
  const words = await said(openMasterKey(held!, WHERE, contextWith()));
  assert.match(words, `the master key in env://MASTER is wrapped by age ${recipient}: no identity for it`);
  assert.match(words, /SOPS_AGE_KEY_FILE/);

  const ssh = goldenKey("ssh_ed25519.pub").trim();
  const [bySsh] = await read(await wrappedFor(`age:${ssh}`, ssh, master));
  const withSsh = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile("ssh_ed25519") });
  assert.equal(await openMasterKey(bySsh!, WHERE, withSsh), master);
});

test("what was wrapped must be a master key", async () => {
  const recipient = goldenKey("age1.pub").trim();
  const [held] = await read(await wrappedFor(`age:${recipient}`, recipient, Buffer.from("not a key")));
  const words = await said(openMasterKey(held!, WHERE, contextWith({ SOPS_AGE_KEY: goldenKey("age1.txt") })));
  assert.match(words, /what comes out is not a master key: it has 9 bytes/);
});

test("the wrapped form of services is what they give, as it stands in files", async () => {
  const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  const [aws, vault] = await read(
    `awskms://${arn}#AQICAHh+/x== hashivault://vault.example.com:8200/v1/transit/keys/sops#vault:v1:c2VjcmV0`,
  );
  assert.ok("wrappedBy" in aws! && "wrappedBy" in vault!);
  assert.is(aws.wrappedBy.id, arn);
  assert.is(textField(aws.wrappedBy.fields, "enc"), "AQICAHh+/x==");
  assert.is(vault.wrappedBy.id, "https://vault.example.com:8200/v1/transit/keys/sops");
  assert.is(textField(vault.wrappedBy.fields, "enc"), "vault:v1:c2VjcmV0");
});

function keyFile(name: string): string {
  return new URL(`../../../fixtures/golden/keys/${name}`, import.meta.url).pathname;
}

test.run();
