import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as openpgp from "openpgp";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { withFields } from "../../../src/keys/fields.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder, GOLDEN, goldenKey } from "../../support/keys/contexts.ts";
import { pgp } from "../../support/keys/in-use.ts";

// Nothing here starts gpg: PATH has no program at all. That gpg and SOPS read what is made here is shown in
// test/integration/pgp.test.ts.

const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => 200 - i));
const NOW = new Date("2027-03-01T00:00:00Z");
const GOLDEN_FILE = join(GOLDEN, "keys", "pgp1.asc");

function here(env: Record<string, string | undefined> = {}, more: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ PATH: emptyFolder(), ...env }, { now: () => NOW, ...more });
}

const keyOf = (id: string): MasterKey => pgp.parse(id)[0]!;
const fpOf = (name: string): string => goldenKey(`${name}.fp`).trim();

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  return error as TsopsError;
}

function fileWith(text: string | Uint8Array): string {
  const path = join(emptyFolder(), "keys");
  writeFileSync(path, text);
  return path;
}

interface Made {
  readonly fp: string;
  readonly subkeys: readonly string[];
  readonly secret: string;
  readonly public: string;
  readonly key: openpgp.PrivateKey;
}

interface MakeOptions {
  readonly passphrase?: string;
  readonly keyExpirationTime?: number;
  readonly subkeys?: { sign?: boolean; keyExpirationTime?: number }[];
}

async function make(options: MakeOptions = {}): Promise<Made> {
  const { privateKey } = await openpgp.generateKey({
    userIDs: [{ name: "made", email: "made@test.invalid" }],
    date: new Date("2027-01-01T00:00:00Z"),
    ...options,
    format: "object",
  });
  return madeOf(privateKey);
}

function madeOf(key: openpgp.PrivateKey): Made {
  return {
    key,
    fp: key.getFingerprint().toUpperCase(),
    subkeys: key.subkeys.map((subkey) => subkey.getFingerprint().toUpperCase()),
    secret: key.armor(),
    public: key.toPublic().armor(),
  };
}

async function recipients(wrapped: MasterKey): Promise<string[]> {
  const message = await openpgp.readMessage({ armoredMessage: String(wrapped.fields.get("enc")) });
  return message.getEncryptionKeyIDs().map((id) => id.toHex().toUpperCase());
}

for (const name of ["pgp1", "pgp2", "pgp3"]) {
  test(`without gpg, a key in a variable, a file and a binary file: ${name}`, async () => {
    const armored = goldenKey(`${name}.asc`);
    const binary = (await openpgp.readKey({ armoredKey: armored })).write();
    for (const env of [
      { TSOPS_PGP_KEY: armored },
      { TSOPS_PGP_KEY_FILE: join(GOLDEN, "keys", `${name}.asc`) },
      { TSOPS_PGP_KEY_FILE: fileWith(binary) },
    ]) {
      const wrapped = await pgp.wrap(keyOf(fpOf(name)), dataKey, here(env));
      assert.match(
        String(wrapped.fields.get("enc")),
        /^-----BEGIN PGP MESSAGE-----\n\n[A-Za-z0-9+/=\n]+\n-----END PGP MESSAGE-----$/,
      );
      assert.equal(await pgp.unwrap(wrapped, here(env)), dataKey);
    }
  });
}

test("several keys in one text, with other text around them", async () => {
  const text = ["pgp3", "pgp1", "pgppub"].map((name) => goldenKey(`${name}.asc`)).join("\nand then\n");
  const env = { TSOPS_PGP_KEY: text };
  for (const name of ["pgp1", "pgp3"]) {
    const wrapped = await pgp.wrap(keyOf(fpOf(name)), dataKey, here(env));
    assert.equal(await pgp.unwrap(wrapped, here(env)), dataKey);
  }
  const wrapped = await pgp.wrap(keyOf(fpOf("pgppub")), dataKey, here(env));
  const context = here(env);
  assert.is(await pgp.unwrap(wrapped, context), null, "its public part is no use");
});

test("public keys from a file of their own", async () => {
  const env = { TSOPS_PGP_PUBLIC_KEYS_FILE: join(GOLDEN, "keys", "pgppub.asc") };
  const wrapped = await pgp.wrap(keyOf(fpOf("pgppub")), dataKey, here(env));
  assert.equal(await recipients(wrapped), ["008270954A511B0C"]);
  const error = await failure(pgp.wrap(keyOf(fpOf("pgp1")), dataKey, here(env)));
  assert.match(error.message, /no program gpg on PATH, and its public key is not given$/);
  assert.match(
    error.hint!,
    `TSOPS_PGP_PUBLIC_KEYS_FILE (${env.TSOPS_PGP_PUBLIC_KEYS_FILE}) holds ${fpOf("pgppub")}`,
  );
});

test("the rings that SOPS reads itself, in the GnuPG home", async () => {
  const home = emptyFolder();
  mkdirSync(join(home, ".gnupg"));
  const named = emptyFolder();
  const secret = (await openpgp.readKey({ armoredKey: goldenKey("pgp2.asc") })) as openpgp.PrivateKey;
  for (const folder of [join(home, ".gnupg"), named]) {
    writeFileSync(join(folder, "secring.gpg"), secret.write());
    writeFileSync(join(folder, "pubring.gpg"), secret.toPublic().write());
  }
  const wrapped = await pgp.wrap(keyOf(fpOf("pgp2")), dataKey, here({}, { home }));
  assert.equal(await pgp.unwrap(wrapped, here({}, { home })), dataKey);
  assert.equal(await pgp.unwrap(wrapped, here({ GNUPGHOME: named })), dataKey);
  const alone = emptyFolder();
  writeFileSync(join(alone, "pubring.gpg"), secret.write());
  assert.equal(await pgp.unwrap(wrapped, here({ GNUPGHOME: alone })), dataKey, "both in pubring.gpg");
});

test("without gpg and without a key: null, and a report that names both ways", async () => {
  const wrapped = await pgp.wrap(keyOf(fpOf("pgp1")), dataKey, here({ TSOPS_PGP_KEY_FILE: GOLDEN_FILE }));
  const context = here({ GNUPGHOME: "/no/home" });
  assert.is(await pgp.unwrap(wrapped, context), null);
  assert.equal(pgp.whyNot!(wrapped, context), [
    "there is no program gpg on PATH",
    "not set or not there: TSOPS_PGP_KEY, TSOPS_PGP_KEY_FILE, /no/home/secring.gpg",
    `import it with \`gpg --import\` (see \`gpg --list-secret-keys ${fpOf("pgp1")}\`), or give it in TSOPS_PGP_KEY or TSOPS_PGP_KEY_FILE`,
  ]);

  const other = here({ TSOPS_PGP_KEY: goldenKey("pgp2.asc"), TSOPS_PGP_KEY_FILE: "/no/such/file" });
  assert.is(await pgp.unwrap(wrapped, other), null);
  assert.equal(pgp.whyNot!(wrapped, other).slice(1, 3), [
    `TSOPS_PGP_KEY holds ${fpOf("pgp2")}`,
    "TSOPS_PGP_KEY_FILE (/no/such/file): there is no such file",
  ]);
});

test("files of keys that hold none", async () => {
  const wrapped = await pgp.wrap(keyOf(fpOf("pgp1")), dataKey, here({ TSOPS_PGP_KEY_FILE: GOLDEN_FILE }));
  for (const [contents, problem] of [
    ["AGE-SECRET-KEY-1SECRET", /holds no armored PGP key/],
    ["", /holds no armored PGP key/],
    [Buffer.from([0x99, 1, 2, 3]), /holds no PGP key that can be read/],
    [
      goldenKey("pgp1.asc").replace(/[A-Za-z]{20}/, "AAAAAAAAAAAAAAAAAAAA"),
      /cannot be used: Could not find valid self-signature/,
    ],
  ] as const) {
    const context = here({ TSOPS_PGP_KEY_FILE: fileWith(contents) });
    assert.is(await pgp.unwrap(wrapped, context), null);
    const report = pgp.whyNot!(wrapped, context).join("\n");
    assert.match(report, problem);
    assert.not.match(report, "SECRET-KEY-1");
  }
});

test("a passphrase from the variable, asked for once, wrong, missing", async () => {
  const made = await make({ passphrase: "open sesame" });
  const env = { TSOPS_PGP_KEY: made.secret };
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here(env));
  assert.equal(await pgp.unwrap(wrapped, here({ ...env, TSOPS_PGP_PASSPHRASE: "open sesame" })), dataKey);

  const questions: string[] = [];
  const asking = here(env, {
    prompt: async (question) => {
      questions.push(question);
      return "open sesame";
    },
  });
  const again = await pgp.wrap(keyOf(made.fp), dataKey, here(env));
  const all = await Promise.all([wrapped, again, wrapped].map((key) => pgp.unwrap(key, asking)));
  for (const part of all) assert.equal(part, dataKey);
  assert.equal(questions, [`passphrase of the PGP key ${made.fp}`]);

  const nobody = await failure(pgp.unwrap(wrapped, here(env)));
  assert.match(nobody.message, `cannot open the wrapped data key for ${made.fp}: `);
  assert.match(nobody.message, /is locked: there is nobody to ask for its passphrase$/);
  assert.match(nobody.hint!, /TSOPS_PGP_PASSPHRASE/);
  const wrong = await failure(pgp.unwrap(wrapped, here({ ...env, TSOPS_PGP_PASSPHRASE: "guess" })));
  assert.match(wrong.message, /TSOPS_PGP_PASSPHRASE is not its passphrase$/);
  assert.not.match(`${wrong.message}${wrong.hint}`, "guess");
  const mistyped = await failure(pgp.unwrap(wrapped, here(env, { prompt: async () => "guess" })));
  assert.match(mistyped.message, /the passphrase of the PGP key [0-9A-F]{40} is wrong$/);
});

test("the newest subkey for encrypting, one that is named, and a key's long id", async () => {
  const made = await make({ subkeys: [{}, { sign: true }] });
  const first = made.key;
  const key = await first.addSubkey({ date: new Date("2027-02-01T00:00:00Z") });
  const { fp, subkeys, secret } = madeOf(key);
  const [old, signing, fresh] = subkeys as [string, string, string];
  const env = { TSOPS_PGP_KEY: secret };
  const to = async (id: string): Promise<string[]> => {
    const wrapped = await pgp.wrap(keyOf(id), dataKey, here(env));
    assert.is(wrapped.fields.get("fp"), id);
    assert.equal(await pgp.unwrap(wrapped, here(env)), dataKey);
    return recipients(wrapped);
  };
  const long = (fingerprint: string): string => fingerprint.slice(-16);
  assert.equal(await to(fp), [long(fresh)]);
  assert.equal(await to(fp.toLowerCase()), [long(fresh)]);
  assert.equal(await to(`0x${fp}`), [long(fresh)]);
  assert.equal(await to(long(fp)), [long(fresh)]);
  assert.equal(await to(`${old}!`), [long(old)]);
  assert.equal(await to(old), [long(old)]);
  assert.equal(await to(`${long(old)}!`), [long(old)]);
  for (const id of [`${signing}!`, `${fp}!`]) {
    const error = await failure(pgp.wrap(keyOf(id), dataKey, here(env)));
    assert.match(error.message, /nothing can be encrypted to this key or subkey/);
  }
  for (const id of [fp.slice(-8), "made@test.invalid", `${fp}!!`, ""]) {
    const error = await failure(pgp.wrap({ ...keyOf(fp), id }, dataKey, here(env)));
    assert.match(error.message, /its public key is not given/);
  }
});

test("an expired key wraps nothing, and still unwraps what it has", async () => {
  const made = await make({ keyExpirationTime: 30 * 86_400 });
  const env = { TSOPS_PGP_KEY: made.secret };
  const soon = { now: () => new Date("2027-01-10T00:00:00Z") };
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here(env, soon));
  const error = await failure(pgp.wrap(keyOf(made.fp), dataKey, here(env)));
  assert.match(error.message, /it has expired on 2027-01-31$/);
  assert.equal(await pgp.unwrap(wrapped, here(env)), dataKey);
});

test("an expired or revoked subkey is passed over, and refused if it is named", async () => {
  const made = await make({ subkeys: [{}, { keyExpirationTime: 86_400 }] });
  const env = { TSOPS_PGP_KEY: made.secret };
  const [good, expired] = made.subkeys as [string, string];
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here(env));
  assert.equal(await recipients(wrapped), [good.slice(-16)]);
  assert.match((await failure(pgp.wrap(keyOf(`${expired}!`), dataKey, here(env)))).message, /it has expired/);

  made.key.subkeys[0] = await made.key.subkeys[0]!.revoke(
    made.key.keyPacket as openpgp.SecretKeyPacket,
    {},
    new Date("2027-02-01T00:00:00Z"),
  );
  const revoked = { TSOPS_PGP_KEY: made.key.armor() };
  assert.match(
    (await failure(pgp.wrap(keyOf(`${good}!`), dataKey, here(revoked)))).message,
    /has been revoked/,
  );
  assert.equal(await pgp.unwrap(wrapped, here(revoked)), dataKey, "what is wrapped for it still opens");
});

test("a revoked key wraps nothing, also where another copy does not know of it", async () => {
  const made = await make();
  const { publicKey } = await openpgp.revokeKey({
    key: made.key,
    date: new Date("2027-02-01T00:00:00Z"),
    format: "object",
  });
  const env = { TSOPS_PGP_KEY: made.secret };
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here(env));
  const both = { ...env, TSOPS_PGP_PUBLIC_KEYS_FILE: fileWith(publicKey.armor()) };
  const error = await failure(pgp.wrap(keyOf(made.fp), dataKey, here(both)));
  assert.match(error.message, /^it has been revoked$/);
  assert.equal(await pgp.unwrap(wrapped, here(both)), dataKey);
});

test("a key without its primary secret opens; without the subkey's it is told as a stub", async () => {
  const made = await make();
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here({ TSOPS_PGP_KEY: made.secret }));
  const stub = await openpgp.readPrivateKey({ armoredKey: made.secret });
  (stub.keyPacket as openpgp.SecretKeyPacket).makeDummy();
  assert.equal(await pgp.unwrap(wrapped, here({ TSOPS_PGP_KEY: stub.armor() })), dataKey);
  (stub.subkeys[0]!.keyPacket as openpgp.SecretSubkeyPacket).makeDummy();
  const context = here({ TSOPS_PGP_KEY: stub.armor() });
  assert.is(await pgp.unwrap(wrapped, context), null);
  assert.match(
    pgp.whyNot!(wrapped, context)[1]!,
    /^TSOPS_PGP_KEY: [0-9A-F]{40} cannot be used: it is a stub, whose secret part is elsewhere$/,
  );
  assert.is((await pgp.examine(wrapped, context)).usable, false);
});

test("a message that hides for whom it is is tried with every key", async () => {
  const others = await Promise.all([make({ passphrase: "x" }), make()]);
  const [locked, mine] = others as [Made, Made];
  const message = await openpgp.createMessage({ binary: Uint8Array.from(dataKey) });
  const enc = await openpgp.encrypt({
    message,
    encryptionKeys: mine.key.toPublic(),
    wildcard: true,
    date: NOW,
  });
  const wrapped = await pgp.wrap(keyOf(mine.fp), dataKey, here({ TSOPS_PGP_KEY: mine.secret }));
  const items = wrapped.fields.items.map((item) =>
    "key" in item && item.key === "enc" ? { key: "enc", value: enc } : item,
  );
  const key = {
    ...wrapped,
    fields: Object.assign(Object.create(Object.getPrototypeOf(wrapped.fields)), { items }),
  };
  assert.equal(await pgp.unwrap(key, here({ TSOPS_PGP_KEY: `${locked.secret}\n${mine.secret}` })), dataKey);
});

test("only the key that is named opens: by its fingerprint, a subkey's, their ids, or its user's name", async () => {
  const [mine, other] = (await Promise.all([make(), make()])) as [Made, Made];
  const env = { TSOPS_PGP_KEY: `${other.secret}\n${mine.secret}` };
  const wrapped = await pgp.wrap(keyOf(mine.fp), dataKey, here(env));
  const named = (id: string): MasterKey => ({ ...wrapped, id });
  const [subkey] = mine.subkeys;
  const ids = [
    mine.fp,
    `0x${mine.fp}`,
    mine.fp.slice(-16),
    mine.fp.slice(-8),
    subkey!,
    `${subkey}!`,
    "made@test.invalid",
  ];
  for (const id of ids) assert.equal(await pgp.unwrap(named(id), here(env)), dataKey, id);
  const context = here(env);
  assert.is(await pgp.unwrap(named(other.fp), context), null);
  assert.match(
    pgp.whyNot!(named(other.fp), context).join(),
    `${mine.fp} may open it, but is not the key that is named`,
  );
});

test("finding 6, in process: messages that open without the key are no wrapped keys", async () => {
  const env = { TSOPS_PGP_KEY: goldenKey("pgp1.asc") };
  const wrapped = await pgp.wrap(keyOf(fpOf("pgp1")), dataKey, here(env));
  const key = (await openpgp.readKey({ armoredKey: env.TSOPS_PGP_KEY })) as openpgp.PrivateKey;
  const message = await openpgp.createMessage({ binary: Uint8Array.from(dataKey), date: NOW });
  const signed = await message.sign([key]);
  const withPassword = { message, passwords: "x", date: NOW };
  for (const [enc, why] of [
    [message.armor(), /not encrypted at all/],
    [signed.armor(), /not encrypted|only signed/],
    [await openpgp.encrypt(withPassword), /opens with a password/],
    [await openpgp.encrypt({ ...withPassword, encryptionKeys: key.toPublic() }), /opens with a password/],
  ] as const) {
    const bad = { ...wrapped, fields: withFields(wrapped, { enc: String(enc) }).fields };
    const error = await failure(pgp.unwrap(bad, here(env)));
    assert.match(error.message, /it is not a data key that was wrapped for this key/);
    assert.match(error.message, why);
  }
});

test("a wrapped key that is damaged is told as that", async () => {
  const env = { TSOPS_PGP_KEY_FILE: GOLDEN_FILE };
  const wrapped = await pgp.wrap(keyOf(fpOf("pgp1")), dataKey, here(env));
  const enc = String(wrapped.fields.get("enc"));
  const changed = Buffer.from(enc.split("\n\n")[1]!.split("\n=")[0]!, "base64");
  changed[changed.length - 30]! ^= 1;
  const flipped = `-----BEGIN PGP MESSAGE-----\n\n${changed.toString("base64")}\n-----END PGP MESSAGE-----`;
  for (const bad of [flipped, enc.slice(0, 200), "rubbish", ""]) {
    const items = wrapped.fields.items.map((item) =>
      "key" in item && item.key === "enc" ? { key: "enc", value: bad } : item,
    );
    const key = {
      ...wrapped,
      fields: Object.assign(Object.create(Object.getPrototypeOf(wrapped.fields)), { items }),
    };
    const error = await failure(pgp.unwrap(key, here(env)));
    assert.match(error.message, /^cannot open the wrapped data key for [0-9A-F]{40}: it is damaged/);
    assert.match(error.hint!, /last good version in git/);
  }
});

test("doctor: where the key is, whether its passphrase is right, and nothing opened or asked", async () => {
  const made = await make({ passphrase: "open sesame" });
  const env = { TSOPS_PGP_KEY: made.secret };
  const wrapped = await pgp.wrap(keyOf(made.fp), dataKey, here(env));
  const prompt = async (): Promise<string> => assert.unreachable("nobody is to be asked") as never;
  const says = async (env: Record<string, string>, more: Partial<KeyContext> = {}): Promise<string> => {
    const { usable, lines } = await pgp.examine(wrapped, here(env, more));
    return `${usable}: ${lines.join("; ")}`;
  };
  assert.match(
    await says({ ...env, TSOPS_PGP_PASSPHRASE: "open sesame" }),
    /^true: there is no program gpg on PATH; TSOPS_PGP_KEY holds its secret key, and TSOPS_PGP_PASSPHRASE its passphrase$/,
  );
  assert.match(
    await says({ ...env, TSOPS_PGP_PASSPHRASE: "x" }),
    /^false: .*TSOPS_PGP_PASSPHRASE is not its passphrase/,
  );
  assert.match(await says(env), /^false: .*nobody to ask: set TSOPS_PGP_PASSPHRASE/);
  assert.match(await says(env, { prompt }), /^undefined: .*it will be asked for$/);
  assert.match(
    await says({}),
    /^false: there is no program gpg on PATH; not set or not there: .*gpg --import/,
  );
  const open = await make();
  const plain = await pgp.wrap(keyOf(open.fp), dataKey, here({ TSOPS_PGP_KEY: open.secret }));
  const { usable, lines } = await pgp.examine(plain, here({ TSOPS_PGP_KEY: open.secret }));
  assert.is(usable, true);
  assert.equal(lines.slice(1), ["TSOPS_PGP_KEY holds its secret key"]);
});

test.run();
