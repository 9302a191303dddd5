import * as library from "age-encryption";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  armor,
  dearmor,
  decode64,
  encode64,
  encryptAge,
  looksLikeAge,
  openAge,
  parseAge,
  type Stanza,
  StanzaReader,
  stanzaText,
} from "../../../src/keys/age/file.ts";
import { parseX25519Recipient, wrapX25519, X25519Identity } from "../../../src/keys/age/x25519.ts";

/** Our age files against those of the library age-encryption, in both directions. */

const identity = await library.generateX25519Identity();
const recipient = await library.identityToRecipient(identity);

async function ours(bytes: Buffer): Promise<Buffer | null> {
  const file = parseAge(bytes);
  const fileKey = await new X25519Identity(identity).unwrap(file);
  return fileKey && openAge(file, fileKey);
}

const sealed = (plaintext: Uint8Array): Promise<Buffer> =>
  encryptAge(plaintext, (fileKey) => wrapX25519(parseX25519Recipient(recipient), fileKey));

async function theirs(bytes: Uint8Array): Promise<Uint8Array> {
  const decrypter = new library.Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(bytes);
}

async function sealedByLibrary(plaintext: Uint8Array): Promise<Buffer> {
  const encrypter = new library.Encrypter();
  encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(plaintext));
}

test("the recipient of an identity is the same", () => {
  assert.is(new X25519Identity(identity).recipient, recipient);
});

test("what we seal, the library opens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      assert.equal(Buffer.from(await theirs(await sealed(bytes))), Buffer.from(bytes));
    }),
    { numRuns: 30 },
  );
});

test("what the library seals, we open: also where a chunk ends", async () => {
  for (const length of [0, 1, 32, 33, 65535, 65536, 65537, 131072, 200000]) {
    const bytes = Buffer.alloc(length, length);
    assert.equal(await ours(await sealedByLibrary(bytes)), bytes, `${length} bytes`);
  }
});

test("any changed byte is noticed", async () => {
  const bytes = await sealed(Buffer.alloc(32, 1));
  for (let i = 0; i < bytes.length; i++) {
    for (const bit of [1, 0x20]) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= bit;
      const result = await ours(changed).catch(() => "noticed");
      assert.ok(result === "noticed" || result === null, `byte ${i} of ${bytes.length}`);
    }
  }
});

test("a file that is cut off or continued is noticed", async () => {
  const bytes = await sealedByLibrary(Buffer.alloc(140000, 1));
  const header = bytes.indexOf("\n---") + 1;
  const payload = bytes.indexOf("\n", header) + 1 + 16;
  for (const end of [
    1,
    header,
    payload,
    payload + 10,
    payload + 65552,
    payload + 2 * 65552,
    bytes.length - 1,
  ]) {
    assert.is(await ours(bytes.subarray(0, end)).catch(() => "noticed"), "noticed", `cut at ${end}`);
  }
  assert.is(await ours(Buffer.concat([bytes, Buffer.of(0)])).catch(() => "noticed"), "noticed");
});

test("armor is the library's, to the byte", async () => {
  for (const length of [1, 47, 48, 49, 96, 200]) {
    const bytes = Buffer.alloc(length, 3);
    assert.is(armor(bytes), library.armor.encode(bytes));
    assert.equal(dearmor(armor(bytes)), bytes);
    assert.equal(dearmor(`\n \t${armor(bytes).replaceAll("\n", "\r\n")}\n\n`), bytes);
  }
});

test("armor that is not armor", () => {
  const good = armor(Buffer.alloc(100, 3));
  const lines = good.split("\n");
  const bad = [
    "",
    "x",
    good.slice(0, -30),
    good.replace("BEGIN AGE", "BEGIN PGP"),
    good.replace("A", "*"),
    good.replace("=", ""),
    good.replace("Aw==", "Ax=="),
    [lines[0], lines[1]?.slice(0, 60), ...lines.slice(2)].join("\n"),
    [lines[0], "", ...lines.slice(1)].join("\n"),
    lines
      .filter((_, i) => i !== 3)
      .join("\n")
      .replace(lines[2]!, `${lines[2]}AAAA`),
  ];
  for (const text of bad) assert.throws(() => dearmor(text), /malformed age file/, text);
});

test("base64 has one spelling", () => {
  assert.equal(decode64("AwM"), Buffer.of(3, 3));
  assert.is(encode64(Buffer.of(3, 3)), "AwM");
  for (const text of ["AwM=", "AwN", "Aw M", "A", "-_-_", "AwM\r"])
    assert.throws(() => decode64(text), /canonical/, text);
});

test("a stanza's text comes back as the stanza", () => {
  for (const length of [0, 1, 32, 47, 48, 49, 96, 97, 1120]) {
    const stanza: Stanza = { args: ["type", "a", "b!~"], body: Buffer.alloc(length, 5) };
    const lines = stanzaText(stanza).split("\n");
    assert.is(lines.pop(), "");
    const reader = new StanzaReader();
    const read = lines.map((line) => reader.push(line));
    assert.equal(read.pop(), stanza, `${length} bytes`);
    assert.ok(read.every((nothing) => nothing === undefined));
    assert.not(reader.inside);
  }
});

test("lines that no stanza has", () => {
  for (const line of ["", "->", "-> ", "->  a", "-> a  b", "--> a", "x a", "-> \u00e9", "-> a\tb"]) {
    assert.throws(() => new StanzaReader().push(line), /malformed age file/, line);
  }
});

test("a file's first bytes tell what it is", async () => {
  const bytes = await sealed(Buffer.alloc(1));
  assert.is(looksLikeAge(bytes), "binary");
  assert.is(looksLikeAge(Buffer.from(armor(bytes))), "armored");
  assert.is(looksLikeAge(Buffer.from("AGE-SECRET-KEY-1")), undefined);
});

test.run();
