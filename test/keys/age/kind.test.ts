import * as library from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { generateIdentity, recipientOf } from "../../../src/keys/age/keygen.ts";
import { withFields } from "../../../src/keys/fields.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, GOLDEN, goldenKey } from "../../support/keys/contexts.ts";
import { age } from "../../support/keys/in-use.ts";

const dataKey = Buffer.alloc(32, 9);
const RECIPIENTS = ["age1.pub", "agepq.pub", "ssh_ed25519.pub", "ssh_rsa.pub"].map((name) =>
  goldenKey(name).trim(),
);

function errorOf(run: () => unknown): TsopsError {
  try {
    run();
  } catch (error) {
    assert.instance(error, TsopsError);
    return error as TsopsError;
  }
  return assert.unreachable("it must fail") as never;
}

test("a list of recipients", () => {
  const list = ` ${RECIPIENTS.join(" ,\t")}\n`;
  assert.equal(
    age.parse(list).map((key) => key.id),
    RECIPIENTS,
  );
  assert.equal(age.parse(""), []);
  const [key] = age.parse(RECIPIENTS[0]!);
  assert.equal(key, { kind: "age", id: RECIPIENTS[0], fields: TreeMap.of([["recipient", RECIPIENTS[0]]]) });
});

test("what is no recipient, named in the message", () => {
  const [x25519] = RECIPIENTS as [string];
  for (const [text, reason] of [
    ["foo", /^foo is not an age recipient: it is of an unknown type$/],
    [`${x25519.slice(0, -1)}q`, /its checksum does not fit/],
    [x25519.slice(0, -1), /its checksum does not fit/],
    ["age1", /its checksum does not fit/],
    ["age1pq1qqqq", /its checksum does not fit/],
    ["ssh-ed25519 AAAA", /SSH/],
    ["\u001b[31mred", /^\\x1b\[31mred is not/],
    [`${x25519},`, /an entry in the list of age keys is empty/],
    [`${x25519},,${x25519}`, /an entry in the list of age keys is empty/],
  ] as const) {
    const error = errorOf(() => age.parse(text));
    assert.match(error.message, reason);
    assert.is(error.exitCode, 1);
  }
});

test("an identity in the place of a recipient stays secret", async () => {
  const secret = (await generateIdentity(new Date(0))).text.trim().split("\n").at(-1)!;
  for (const text of [secret, secret.toLowerCase(), `${secret}x`]) {
    const error = errorOf(() => age.parse(text));
    assert.not.match(`${error.message} ${error.hint}`, new RegExp(secret.slice(20, 40), "i"));
  }
});

test("an entry of the metadata", () => {
  const fields = TreeMap.of([
    ["recipient", RECIPIENTS[0]],
    ["enc", "x"],
    ["future", 1n],
  ]);
  assert.equal(age.fromMetadata(fields), { kind: "age", id: RECIPIENTS[0], fields });
  assert.throws(() => age.fromMetadata(TreeMap.of([["enc", "x"]])), /an age key in it has no recipient/);
});

const IDENTITIES: Record<string, string>[] = [
  { SOPS_AGE_KEY_FILE: `${GOLDEN}keys/age1.txt` },
  { SOPS_AGE_KEY_FILE: `${GOLDEN}keys/agepq.txt` },
  { SOPS_AGE_SSH_PRIVATE_KEY_FILE: `${GOLDEN}keys/ssh_ed25519` },
  { SOPS_AGE_SSH_PRIVATE_KEY_FILE: `${GOLDEN}keys/ssh_rsa` },
];

for (const [i, recipient] of RECIPIENTS.entries()) {
  test(`wraps and unwraps for ${recipient.slice(0, 12)}…`, async () => {
    const [key] = age.parse(recipient);
    const before = Buffer.from(dataKey);
    const wrapped = await age.wrap(key!, dataKey, contextWith());
    assert.equal(dataKey, before, "the data key is the caller's");
    assert.equal(
      wrapped.fields.entries().map((entry) => entry.key),
      ["enc", "recipient"],
    );
    assert.match(
      String(wrapped.fields.get("enc")),
      /^-----BEGIN AGE[^-]+-----\n[^-]+-----END AGE[^-]+-----\n$/,
    );
    assert.equal(await age.unwrap(wrapped, contextWith(IDENTITIES[i])), dataKey);
    for (const [k, env] of IDENTITIES.entries()) {
      if (k !== i) assert.is(await age.unwrap(wrapped, contextWith(env)), null);
    }
    const again = await age.wrap(wrapped, dataKey, contextWith());
    assert.is.not(again.fields.get("enc"), wrapped.fields.get("enc"));
  });
}

test("tag recipients are wrapped for without their plugin", async () => {
  // From C2SP's vectors for age: the plugin of the same name would be asked otherwise.
  const tag = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h";
  const wrapped = await age.wrap(age.parse(tag)[0]!, dataKey, contextWith({ PATH: "" }));
  assert.match(
    Buffer.from(String(wrapped.fields.get("enc")).split("\n")[1]!, "base64").toString(),
    /-> p256tag /,
  );
});

test("a damaged wrapped key is an error, not another person's", async () => {
  const wrapped = await age.wrap(age.parse(RECIPIENTS[0]!)[0]!, dataKey, contextWith());
  const enc = String(wrapped.fields.get("enc"));
  const bytes = Buffer.from(library.armor.decode(enc));
  const changed = (at: number): string => {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    return library.armor.encode(copy);
  };
  const header = bytes.indexOf("\n---");
  for (const text of [
    undefined,
    "",
    "nonsense",
    enc.slice(0, 100),
    changed(bytes.length - 1),
    changed(header + 8),
  ]) {
    const key: MasterKey = { ...wrapped, fields: TreeMap.of([["enc", text]]) };
    try {
      await age.unwrap(key, contextWith(IDENTITIES[0]));
      assert.unreachable(text);
    } catch (error) {
      assert.match(
        String(error),
        /TsopsError: the wrapped data key for age1.* is damaged: malformed age file/,
      );
    }
  }
});

test("an identity file as age-keygen writes it", async () => {
  const { text, recipient } = await generateIdentity(new Date("2025-01-02T03:04:05.678Z"));
  assert.match(
    text,
    /^# created: 2025-01-02T03:04:05Z\n# public key: age1[a-z0-9]{58}\nAGE-SECRET-KEY-1[A-Z0-9]{58}\n$/,
  );
  const identity = text.trim().split("\n").at(-1)!;
  assert.is(await library.identityToRecipient(identity), recipient);
  assert.is(await recipientOf(identity), recipient);
});

test("a post-quantum identity", async () => {
  const { text, recipient } = await generateIdentity(new Date(0), true);
  assert.match(text, /\n# public key: age1pq1[a-z0-9]{1900,}\nAGE-SECRET-KEY-PQ-1[A-Z0-9]{58}\n$/);
  assert.is(await recipientOf(text.trim().split("\n").at(-1)!), recipient);
});

test("the recipient of what is no identity", async () => {
  for (const text of [
    "",
    "nonsense",
    RECIPIENTS[0]!,
    "AGE-PLUGIN-X-1QQQQ",
    `AGE-SECRET-KEY-1${"Q".repeat(58)}`,
  ]) {
    try {
      await recipientOf(text);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, TsopsError);
      assert.not.match(String(error), /QQQQ/);
    }
  }
});

test("a file that a passphrase opens is no wrapped data key; another recipient's is one, as in SOPS", async () => {
  const [key] = age.parse(RECIPIENTS[0]!);
  const context = contextWith({ SOPS_AGE_KEY: goldenKey("age1.txt") });
  const encrypter = new library.Encrypter();
  encrypter.setPassphrase("x");
  encrypter.setScryptWorkFactor(1);
  const locked = library.armor.encode(await encrypter.encrypt(dataKey));
  for (const use of [age.unwrap, age.checkOpener!]) {
    const error: unknown = await use(withFields(key!, { enc: locked }), context).catch((reason) => reason);
    assert.match(String(error), /is not a wrapped data key: a passphrase opens it/);
  }
  const { usable, lines } = await age.examine(withFields(key!, { enc: locked }), context);
  assert.is(usable, false);
  assert.match(lines.join("\n"), /is not a wrapped data key: a passphrase opens it/);
  const [other] = age.parse(goldenKey("age2.pub").trim());
  const wrapped = await age.wrap(key!, dataKey, context);
  const misnamed = withFields(other!, { enc: String(wrapped.fields.get("enc")) });
  assert.equal(await age.unwrap(misnamed, context), dataKey);
  const error: unknown = await age.checkOpener!(misnamed, context).catch((reason) => reason);
  assert.match(String(error), `it is for ${RECIPIENTS[0]}, and not for the recipient that is named`);
});

test.run();
