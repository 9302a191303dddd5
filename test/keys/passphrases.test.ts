import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Encrypter } from "age-encryption";
import * as openpgp from "openpgp";
import sshpk from "sshpk";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { RECIPIENT } from "../support/cli.ts";
import { contextWith, emptyFolder, goldenKey } from "../support/keys/contexts.ts";
import { age, pgp } from "../support/keys/in-use.ts";
import { Shelf } from "../support/keys/shelf.ts";

/** What a passphrase opened serves later runs, which are not asked; the passphrase itself is kept only where it must be. */

const PASSPHRASE = "correct horse battery";
const dataKey = Buffer.alloc(32, 9);
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const rsaKey = sshpk.parsePrivateKey(rsa.export({ type: "pkcs1", format: "pem" }), "pem");
const edKey = sshpk.generatePrivateKey("ed25519");
const LOCK = { cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;

interface Locked {
  readonly env: Record<string, string>;
  readonly wrapped: MasterKey;
  unwrap(key: MasterKey, context: KeyContext): Promise<Buffer | null>;
  /** Whether the passphrase itself is kept. */
  readonly keepsPassphrase?: boolean;
}

function fileWith(contents: string | Uint8Array, publicLine = ""): string {
  const path = join(emptyFolder(), "key");
  writeFileSync(path, contents);
  writeFileSync(`${path}.pub`, publicLine);
  return path;
}

async function sshKey(key: sshpk.PrivateKey, contents: string | Buffer): Promise<Locked> {
  const line = key.toPublic().toString("ssh");
  const wrapped = await age.wrap(age.parse(line)[0]!, dataKey, contextWith());
  return {
    env: { SOPS_AGE_SSH_PRIVATE_KEY_FILE: fileWith(contents, line) },
    wrapped,
    unwrap: (given, context) => age.unwrap(given, context),
  };
}

const LOCKED: Readonly<Record<string, () => Promise<Locked>>> = {
  "an age identity file": async () => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase(PASSPHRASE);
    encrypter.setScryptWorkFactor(8);
    return {
      env: { SOPS_AGE_KEY_FILE: fileWith(await encrypter.encrypt(goldenKey("age1.txt"))) },
      wrapped: await age.wrap(age.parse(RECIPIENT)[0]!, dataKey, contextWith()),
      unwrap: (given, context) => age.unwrap(given, context),
    };
  },
  "an SSH key, ed25519": () => sshKey(edKey, edKey.toBuffer("ssh-private", { passphrase: PASSPHRASE })),
  "an SSH key, rsa": () => sshKey(rsaKey, rsaKey.toBuffer("ssh-private", { passphrase: PASSPHRASE })),
  "an SSH key, PKCS 8": () => sshKey(rsaKey, rsa.export({ type: "pkcs8", format: "pem", ...LOCK }) as string),
  "a PGP key": async () => {
    const { privateKey } = await openpgp.generateKey({
      userIDs: [{ name: "made", email: "made@test.invalid" }],
      date: new Date("2024-01-01T00:00:00Z"),
      passphrase: PASSPHRASE,
      format: "object",
    });
    const ring = { TSOPS_PGP_KEY: privateKey.armor() };
    const [key] = pgp.parse(privateKey.getFingerprint().toUpperCase());
    const context = contextWith({ PATH: emptyFolder(), ...ring });
    return {
      env: { PATH: emptyFolder(), ...ring },
      wrapped: await pgp.wrap(key!, dataKey, context),
      unwrap: (given, one) => pgp.unwrap(given, one),
      keepsPassphrase: true,
    };
  },
};

for (const [what, make] of Object.entries(LOCKED)) {
  test(`${what}: asked for once, and later runs need nobody`, async () => {
    const { env, wrapped, unwrap, keepsPassphrase = false } = await make();
    const shelf = new Shelf();
    const keeper = async () => shelf;
    const asked: string[] = [];
    const typing = (answer: string) => async (question: string) => {
      asked.push(question);
      return answer;
    };
    // an error or null, as the kind has it
    const tries = (context: KeyContext) => unwrap(wrapped, context).catch(() => null);
    assert.is(await tries(contextWith(env, { keeper, prompt: typing("wrong") })), null);
    assert.is(shelf.kept.size, 0, "a wrong one is not kept");
    assert.equal(await tries(contextWith(env, { keeper, prompt: typing(PASSPHRASE) })), dataKey);
    assert.equal(shelf.sorts, ["unlocked"]);
    assert.equal(await tries(contextWith(env, { keeper })), dataKey);
    assert.is(asked.length, 2);
    const [[name, bytes] = ["", Buffer.alloc(0)]] = shelf.kept;
    assert.is(bytes.includes(PASSPHRASE), keepsPassphrase);
    // what does not open it is passed over
    shelf.kept.set(name, Buffer.alloc(16, 1));
    assert.is(await tries(contextWith(env, { keeper })), null);
    assert.equal(await tries(contextWith(env, { keeper, prompt: typing(PASSPHRASE) })), dataKey);
    assert.is(await tries(contextWith(env)), null, "without a keeper somebody has to be asked");
  });
}

test.run();
