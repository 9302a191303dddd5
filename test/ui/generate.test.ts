import { test } from "uvu";
import * as assert from "uvu/assert";
import { recipientOf } from "../../src/keys/age/keygen.ts";
import { generate } from "../../src/ui/generate.ts";
import { parseSshPrivateKey } from "../support/ui/ssh.ts";

test("passwords have their length and alphabet, and no two are the same", async () => {
  const all = await Promise.all(
    Array.from({ length: 200 }, () => generate({ kind: "password", length: 24, alphabet: "letters" })),
  );
  for (const one of all) assert.match(one, /^[A-Za-z0-9]{24}$/);
  assert.is(new Set(all).size, 200);
  assert.is(new Set(all.join("")).size, 62, "every character comes");
  const signs = (
    await Promise.all(
      Array.from({ length: 100 }, () => generate({ kind: "password", length: 50, alphabet: "all" })),
    )
  ).join("");
  assert.match(signs, /[!#%*]/);
  assert.not.match(signs, /["'`\\$\s{}]/, "nothing that shells and formats take for something else");
});

test("hex, base64, words and UUIDs", async () => {
  assert.match(await generate({ kind: "hex", length: 16 }), /^[0-9a-f]{32}$/);
  assert.is(Buffer.from(await generate({ kind: "base64", length: 33 }), "base64").length, 33);
  assert.match(await generate({ kind: "words", length: 6 }), /^([a-z]+-){5}[a-z]+$/);
  assert.match(
    await generate({ kind: "uuid" }),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("an age key can be used, and an SSH key is one that OpenSSH reads", async () => {
  const age = await generate({ kind: "age" });
  const identity = age.split("\n").at(-1)!;
  assert.ok(age.includes(`# public key: ${await recipientOf(identity)}`));
  const ssh = await generate({ kind: "ssh" });
  assert.match(ssh, /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  assert.is(parseSshPrivateKey(ssh), "ed25519");
});

test.run();
