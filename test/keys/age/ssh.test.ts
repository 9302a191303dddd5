import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sshpk from "sshpk";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSshRecipient, sshBlob, sshFields } from "../../../src/keys/age/ssh-key.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder, goldenKey } from "../../support/keys/contexts.ts";
import { age } from "../../support/keys/in-use.ts";

const dataKey = Buffer.alloc(32, 9);
const PASSPHRASE = "a passphrase";

/** Test keys in every form in which people have them. */
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const rsaKey = sshpk.parsePrivateKey(rsa.export({ type: "pkcs8", format: "pem" }), "pem");
const edKey = sshpk.generatePrivateKey("ed25519");
const lock = { cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;
const FORMS: [string, sshpk.PrivateKey, string | Buffer, boolean][] = [
  ["OpenSSH, ed25519", edKey, edKey.toBuffer("ssh-private", {}), false],
  ["OpenSSH, rsa", rsaKey, rsaKey.toBuffer("ssh-private", {}), false],
  ["OpenSSH, ed25519, passphrase", edKey, edKey.toBuffer("ssh-private", { passphrase: PASSPHRASE }), true],
  ["OpenSSH, rsa, passphrase", rsaKey, rsaKey.toBuffer("ssh-private", { passphrase: PASSPHRASE }), true],
  ["PKCS 1, rsa", rsaKey, rsa.export({ type: "pkcs1", format: "pem" }), false],
  ["PKCS 8, rsa", rsaKey, rsa.export({ type: "pkcs8", format: "pem" }), false],
  ["PKCS 1, rsa, passphrase", rsaKey, rsa.export({ type: "pkcs1", format: "pem", ...lock }), true],
  ["PKCS 8, rsa, passphrase", rsaKey, rsa.export({ type: "pkcs8", format: "pem", ...lock }), true],
];

const lineOf = (key: sshpk.PrivateKey): string => key.toPublic().toString("ssh");
const wrapFor = (recipient: string): Promise<MasterKey> =>
  age.wrap(age.parse(recipient)[0]!, dataKey, contextWith());

function keyFile(contents: string | Buffer, publicLine: string): string {
  const path = join(emptyFolder(), "id_test");
  writeFileSync(path, contents);
  writeFileSync(`${path}.pub`, publicLine);
  return path;
}

const why = (key: MasterKey, context: KeyContext): string => age.whyNot!(key, context).join("\n");

for (const [name, key, contents, locked] of FORMS) {
  test(name, async () => {
    const wrapped = await wrapFor(lineOf(key));
    const path = keyFile(contents, lineOf(key));
    const asked: string[] = [];
    const prompt = async (question: string): Promise<string> => {
      asked.push(question);
      return PASSPHRASE;
    };
    const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: path }, { prompt });
    assert.equal(await age.unwrap(wrapped, context), dataKey);
    assert.equal(await age.unwrap(await wrapFor(lineOf(key)), context), dataKey);
    assert.equal(asked, locked ? [`passphrase of the SSH key ${path}`] : []);
  });

  if (!locked) continue;
  test(`${name}: wrong, or nobody to ask`, async () => {
    const wrapped = await wrapFor(lineOf(key));
    const SOPS_AGE_SSH_PRIVATE_KEY_FILE = keyFile(contents, lineOf(key));
    const wrong = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE }, { prompt: async () => "nonsense" });
    assert.is(await age.unwrap(wrapped, wrong), null);
    assert.match(why(wrapped, wrong), "the passphrase is wrong");
    const nobody = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE });
    assert.is(await age.unwrap(wrapped, nobody), null);
    assert.match(why(wrapped, nobody), "there is nobody to ask");
  });

  test(`${name}: not asked for what is for another key`, async () => {
    const wrapped = await wrapFor(goldenKey("ssh_ed25519.pub").trim());
    const prompt = async (): Promise<string> => assert.unreachable("it must not ask") as never;
    const env = { SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile(contents, lineOf(key)) };
    assert.is(await age.unwrap(wrapped, contextWith(env, { prompt })), null);
  });
}

test("the keys in ~/.ssh are found", async () => {
  for (const [name, key] of [
    ["id_ed25519", edKey],
    ["id_rsa", rsaKey],
  ] as const) {
    const home = emptyFolder();
    mkdirSync(join(home, ".ssh"));
    writeFileSync(join(home, ".ssh", name), key.toBuffer("ssh-private", {}));
    assert.equal(await age.unwrap(await wrapFor(lineOf(key)), contextWith({}, { home })), dataKey);
  }
});

test("a command may print an SSH key", async () => {
  const path = keyFile(edKey.toBuffer("ssh-private", {}), lineOf(edKey));
  const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_CMD: `cat ${path}` });
  assert.equal(await age.unwrap(await wrapFor(lineOf(edKey)), context), dataKey);
});

test("SSH keys are not looked at for other data keys", async () => {
  const wrapped = await wrapFor(goldenKey("age1.pub").trim());
  const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: "/no/such/file" });
  assert.is(await age.unwrap(wrapped, context), null);
  assert.not.match(why(wrapped, context), "SSH");
});

test("keys that age does not know, and files that are no keys", async () => {
  const wrapped = await wrapFor(lineOf(edKey));
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  for (const [contents, reason] of [
    [ec, "a private key of the type ec cannot be used"],
    ["nonsense", "not a private SSH key that can be read"],
    [
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
      "not a private SSH key",
    ],
  ] as const) {
    const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile(contents, "") });
    assert.is(await age.unwrap(wrapped, context), null);
    assert.match(why(wrapped, context), reason);
  }
});

test("a cipher that cannot be read is named before anybody is asked", async () => {
  const wrapped = await wrapFor(lineOf(edKey));
  const number = Buffer.of(0, 0, 0, 1);
  const head = ["aes256-gcm@openssh.com", "bcrypt", ""].map((text) => Buffer.from(text));
  const keys = sshBlob([parseSshRecipient(lineOf(edKey)).blob, Buffer.alloc(64)]);
  const blob = Buffer.concat([Buffer.from("openssh-key-v1\0"), sshBlob(head), number, keys]).toString(
    "base64",
  );
  const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${blob}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const prompt = async (): Promise<string> => assert.unreachable("it must not ask") as never;
  const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile(pem, lineOf(edKey)) }, { prompt });
  assert.is(await age.unwrap(wrapped, context), null);
  assert.match(why(wrapped, context), "its cipher aes256-gcm@openssh.com is not supported");
});

test("public keys", () => {
  const line = goldenKey("ssh_ed25519.pub").split(" ").slice(0, 2).join(" ");
  const { blob } = parseSshRecipient(`${line} a comment`);
  assert.equal(sshBlob(sshFields(blob)), blob);
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const number = (text?: string): Buffer =>
    Buffer.concat([Buffer.alloc(1), Buffer.from(text ?? "", "base64url")]);
  const short = sshBlob([Buffer.from("ssh-rsa"), Buffer.from(small.e ?? "", "base64url"), number(small.n)]);
  for (const [text, reason] of [
    [`ssh-rsa ${short.toString("base64")}`, /fewer than 2048 bits/],
    [line.replace("ssh-ed25519", "ssh-rsa"), /another type than it says/],
    [line.slice(0, -1), /proper base64/],
    [`ssh-ed25519 ${blob.subarray(0, -1).toString("base64")}`, /cut off/],
    ["ssh-dss AAAAB3NzaC1kc3M=", /ssh-ed25519 and ssh-rsa/],
    ["ssh-ed25519", /ssh-ed25519 and ssh-rsa/],
  ] as const) {
    assert.throws(() => parseSshRecipient(text), reason, text);
  }
});

test("a point that is not on the curve is refused", async () => {
  const blob = sshBlob([Buffer.from("ssh-ed25519"), Buffer.alloc(32, 0x02)]);
  const [key] = age.parse(`ssh-ed25519 ${blob.toString("base64")}`);
  try {
    await age.wrap(key!, dataKey, contextWith());
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /not a point of its curve/);
  }
});

/* What Go's libraries that ssh-to-age is made of (x/crypto/ssh, edwards25519) derive from the golden key. */
const DERIVED = "age1645rthr9x9vsg469dz2e5x2mggazqnhuwa4nuv5aca5yfgyq9grswfkej3";
const DERIVED_IDENTITY = "AGE-SECRET-KEY-1F55D7NZ3SMXMHJVGS3Q6E42ZV32ZWDEUPFDCEGCJWJNS8D66MUVQQNMU9E";

test("examine finds the SSH key of a recipient with a comment, before anything is wrapped", async () => {
  const recipient = goldenKey("ssh_ed25519.pub").trim().split(/\s+/, 2).join(" ");
  const [key] = age.parse(`${recipient} me@host`);
  const SOPS_AGE_SSH_PRIVATE_KEY_FILE = keyFile(goldenKey("ssh_ed25519"), "");
  assert.is((await age.examine(key!, contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE }))).usable, true);
});

test("ssh-to-age: an SSH key opens what is for the recipient that was derived from it", async () => {
  const wrapped = await wrapFor(DERIVED);
  assert.equal(await age.unwrap(wrapped, contextWith({ SOPS_AGE_KEY: DERIVED_IDENTITY })), dataKey);
  const SOPS_AGE_SSH_PRIVATE_KEY_FILE = keyFile(goldenKey("ssh_ed25519"), "");
  const named = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE });
  assert.equal(await age.unwrap(wrapped, named), dataKey);
  assert.equal(await age.checkOpener!(wrapped, named), {});
  assert.is((await age.examine!(wrapped, named)).usable, true);
  const home = emptyFolder();
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh", "id_ed25519"), goldenKey("ssh_ed25519"));
  assert.equal(await age.unwrap(wrapped, contextWith({}, { home })), dataKey);
});

test("ssh-to-age: the passphrase is asked for only where the recipient is the key's", async () => {
  const golden = sshpk.parsePrivateKey(goldenKey("ssh_ed25519"), "auto");
  const path = keyFile(golden.toBuffer("ssh-private", { passphrase: PASSPHRASE }), "");
  let asked = 0;
  const prompt = async (): Promise<string> => {
    asked++;
    return PASSPHRASE;
  };
  const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: path }, { prompt });
  assert.is(await age.unwrap(await wrapFor(goldenKey("age1.pub").trim()), context), null);
  assert.is(asked, 0);
  assert.equal(await age.unwrap(await wrapFor(DERIVED), context), dataKey);
  assert.equal(await age.unwrap(await wrapFor(DERIVED), context), dataKey);
  assert.is(asked, 1);
  const wrong = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: path }, { prompt: async () => "x" });
  const wrapped = await wrapFor(DERIVED);
  assert.is(await age.unwrap(wrapped, wrong), null);
  assert.match(why(wrapped, wrong), "the passphrase is wrong");
});

test("ssh-to-age: no command is run, and no RSA key is taken", async () => {
  const wrapped = await wrapFor(DERIVED);
  const marker = join(emptyFolder(), "ran");
  const command = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_CMD: `touch ${marker}` });
  assert.is(await age.unwrap(wrapped, command), null);
  assert.not(existsSync(marker));
  const rsaOnly = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile(goldenKey("ssh_rsa"), "") });
  assert.is(await age.unwrap(wrapped, rsaOnly), null);
});

test("a key whose public half in front is another one's is not taken", async () => {
  // the private part of one key behind the public key of another
  const own = sshpk.generatePrivateKey("ed25519");
  const text = (key: sshpk.PrivateKey): Buffer =>
    Buffer.from(key.toString("ssh-private").replace(/-----[^-]+-----/g, ""), "base64");
  const [mine, theirs] = [text(own), text(edKey)];
  const at = mine.indexOf(sshFields(parseSshRecipient(lineOf(own)).blob)[1]!);
  parseSshRecipient(lineOf(edKey)).blob.subarray(-32).copy(mine, at);
  assert.not.equal(mine, theirs);
  const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${mine.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const wrapped = await wrapFor(lineOf(edKey));
  const context = contextWith({ SOPS_AGE_SSH_PRIVATE_KEY_FILE: keyFile(pem, "") });
  assert.is(await age.unwrap(wrapped, context), null);
  assert.match(why(wrapped, context), "the private SSH key is not the one in front of it");
});

test.run();
