import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installed, scratch } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

// gpg, the real SOPS with gpg, the real SOPS without it (which then uses the OpenPGP library of its own), and this
// program with and without gpg: what one encrypts, the others open.

const TSOPS = installed("TSOPS");
const SOPS = installed("REAL_SOPS");
const PLAIN = "db:\n    host: db.example.com\n    password: s3cret\n";
const NO_PROGRAMS = scratch();

type Env = Readonly<Record<string, string>>;

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(argv: readonly [string, ...string[]], cwd: string, env: Env): Result {
  const [program, ...args] = argv;
  const child = spawnSync(program, args, { cwd, env: { HOME: cwd, ...env }, encoding: "utf8" });
  return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}

function output(result: Result): string {
  assert.is(result.code, 0, result.stderr);
  return result.stdout;
}

const tsops = (args: readonly string[], cwd: string, env: Env): Result =>
  run([...argvOf(TSOPS), ...args], cwd, env);
const sops = (args: readonly string[], cwd: string, env: Env): Result => run([SOPS, ...args], cwd, env);

const homes: string[] = [];
process.on("exit", () => {
  for (const home of homes) execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
});

function newHome(): string {
  const home = scratch();
  chmodSync(home, 0o700);
  homes.push(home);
  return home;
}

function gpg(home: string, args: readonly string[], input?: string | Buffer): Buffer {
  return execFileSync(
    "gpg",
    ["--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", ...args],
    {
      input,
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
}

interface GpgKey {
  readonly home: string;
  readonly fp: string;
  /** Fingerprints of the subkeys, in their order. */
  readonly subkeys: readonly string[];
  readonly passphrase: string;
}

/** A key that gpg makes: `algorithm` of the primary key, then a subkey of each of the others. */
function gpgKey(
  [primary, ...subkeys]: readonly [string, ...string[]],
  { passphrase = "", expire = "0", time = "" } = {},
): GpgKey {
  const home = newHome();
  const at = time ? ["--faked-system-time", time] : [];
  const secret = ["--passphrase", passphrase, ...at];
  gpg(home, [...secret, "--quick-generate-key", "made <made@test.invalid>", primary, "default", expire]);
  const fp = fingerprints(home)[0]!;
  for (const algorithm of subkeys) gpg(home, [...secret, "--quick-add-key", fp, algorithm, "encr", expire]);
  return { home, fp, subkeys: fingerprints(home).slice(1), passphrase };
}

function fingerprints(home: string): string[] {
  const listing = gpg(home, ["--with-colons", "--fingerprint", "--fingerprint", "--list-keys"]).toString();
  return Array.from(listing.matchAll(/^fpr:::::::::([0-9A-F]+):/gm), ([, fp]) => fp!);
}

function exported({ home, fp, passphrase }: GpgKey, what = "--export-secret-keys"): string {
  return gpg(home, ["--armor", "--passphrase", passphrase, what, fp]).toString();
}

/** Ways of encrypting and opening, by name. */
interface Way {
  readonly name: string;
  readonly program: typeof tsops;
  readonly env: Env;
}

/** Every program with a key. SOPS without gpg reads secring.gpg and pubring.gpg of the GnuPG home. */
function waysFor(key: GpgKey): Way[] {
  const rings = scratch();
  chmodSync(rings, 0o700);
  writeFileSync(
    join(rings, "secring.gpg"),
    gpg(key.home, ["--passphrase", key.passphrase, "--export-secret-keys"]),
  );
  writeFileSync(join(rings, "pubring.gpg"), gpg(key.home, ["--export"]));
  const file = join(rings, "given.asc");
  writeFileSync(file, exported(key));
  const withGpg = { PATH: process.env.PATH!, GNUPGHOME: key.home };
  return [
    { name: "SOPS with gpg", program: sops, env: withGpg },
    { name: "SOPS without gpg", program: sops, env: { PATH: NO_PROGRAMS, GNUPGHOME: rings } },
    { name: "tsops with gpg", program: tsops, env: withGpg },
    { name: "tsops with a given key", program: tsops, env: { PATH: NO_PROGRAMS, TSOPS_PGP_KEY_FILE: file } },
    { name: "tsops with SOPS's rings", program: tsops, env: { PATH: NO_PROGRAMS, GNUPGHOME: rings } },
  ];
}

const ALGORITHMS: readonly [name: string, algorithms: readonly [string, ...string[]]][] = [
  ["RSA", ["rsa2048/cert,sign", "rsa2048"]],
  ["Curve25519", ["ed25519/cert,sign", "cv25519"]],
  ["NIST P-256", ["nistp256/cert,sign", "nistp256"]],
  ["one RSA key for all", ["rsa3072/cert,sign,encr"]],
];
for (const [name, algorithms] of ALGORITHMS) {
  test(`${name}: what any program encrypts, every other one opens`, () => {
    const key = gpgKey(algorithms);
    const ways = waysFor(key);
    for (const writer of ways) {
      const folder = scratch();
      writeFileSync(join(folder, "plain.yaml"), PLAIN);
      const text = output(writer.program(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, writer.env));
      writeFileSync(join(folder, "x.yaml"), text);
      for (const reader of ways) {
        const { code, stdout, stderr } = reader.program(["decrypt", "x.yaml"], folder, reader.env);
        assert.is(code, 0, `${writer.name} → ${reader.name}: ${stderr}`);
        assert.is(stdout, PLAIN, `${writer.name} → ${reader.name}`);
      }
    }
  });
}

/** The wrapped data key of a YAML file, and for which key it is. */
function wrappedKey(text: string, home: string): { enc: string; keyId: string } {
  const [, block = ""] = /enc: \|-?\n((?: {12}.*\n| *\n)+)/.exec(text) ?? [];
  const enc = block.replace(/^ {12}/gm, "");
  const packets = gpg(home, ["--list-only", "--list-packets"], enc).toString();
  const [, keyId = ""] = /pubkey enc packet.*keyid ([0-9A-F]{16})/.exec(packets) ?? [];
  return { enc, keyId };
}

test("a message made in process is one that gpg reads by itself", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519"]);
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const env = { PATH: NO_PROGRAMS, TSOPS_PGP_KEY: exported(key) };
  const text = output(tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, env));
  const { enc, keyId } = wrappedKey(text, key.home);
  assert.is(keyId, key.subkeys[0]!.slice(-16));
  assert.is(gpg(key.home, ["--decrypt"], enc).length, 32);
});

test("a subkey named with ! gets the data key, whoever encrypts; without it the newest", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519", "rsa2048"]);
  const [old] = key.subkeys as [string, string];
  for (const { name, program, env } of waysFor(key)) {
    // SOPS finds no such key in its rings, since it compares the text
    if (name === "SOPS without gpg") continue;
    const folder = scratch();
    writeFileSync(join(folder, "plain.yaml"), PLAIN);
    const named = output(program(["encrypt", "--pgp", `${old}!`, "plain.yaml"], folder, env));
    assert.is(wrappedKey(named, key.home).keyId, old.slice(-16), name);
    assert.match(named, `fp: ${old}!`);
    writeFileSync(join(folder, "x.yaml"), named);
    for (const reader of waysFor(key))
      assert.is(output(reader.program(["decrypt", "x.yaml"], folder, reader.env)), PLAIN, reader.name);
  }
});

test("a key under a passphrase, as gpg exports it", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519"], { passphrase: "open sesame" });
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const withGpg = { PATH: process.env.PATH!, GNUPGHOME: key.home };
  writeFileSync(
    join(folder, "x.yaml"),
    output(sops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, withGpg)),
  );
  const given = { PATH: NO_PROGRAMS, TSOPS_PGP_KEY: exported(key) };
  const open = (env: Env): Result => tsops(["decrypt", "x.yaml"], folder, env);
  assert.is(output(open({ ...given, TSOPS_PGP_PASSPHRASE: "open sesame" })), PLAIN);
  const wrong = open({ ...given, TSOPS_PGP_PASSPHRASE: "guess" });
  assert.is(wrong.code, 128);
  assert.match(wrong.stderr, /TSOPS_PGP_PASSPHRASE is not its passphrase/);
  const none = open(given);
  assert.is(none.code, 128);
  assert.match(none.stderr, /nobody to ask for its passphrase/);
  for (const { stderr } of [wrong, none]) assert.not.match(stderr, /guess|BEGIN PGP/);
});

test("only the subkeys, as gpg exports them for a machine that must not certify", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519"]);
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const env = { PATH: NO_PROGRAMS, TSOPS_PGP_KEY: exported(key, "--export-secret-subkeys") };
  writeFileSync(
    join(folder, "x.yaml"),
    output(tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, env)),
  );
  assert.is(output(tsops(["decrypt", "x.yaml"], folder, env)), PLAIN);
});

test("an expired and a revoked key: nothing new is wrapped, with gpg or without, and old files open", () => {
  const expired = gpgKey(["ed25519/cert,sign", "cv25519"], {
    expire: "20250601T000000",
    time: "20250101T000000",
  });
  const revoked = gpgKey(["ed25519/cert,sign", "cv25519"]);
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const before = output(
    tsops(["encrypt", "--pgp", revoked.fp, "plain.yaml"], folder, {
      PATH: NO_PROGRAMS,
      TSOPS_PGP_KEY: exported(revoked),
    }),
  );
  // gpg makes a certificate with every key; the colon keeps it from being imported by mistake
  const certificate = readFileSync(join(revoked.home, "openpgp-revocs.d", `${revoked.fp}.rev`), "utf8");
  gpg(revoked.home, ["--import"], certificate.replace(/^:-----/m, "-----"));
  writeFileSync(join(folder, "x.yaml"), before);
  for (const [key, word] of [
    [expired, /has expired on 2025-06-01/],
    [revoked, /has been revoked/],
  ] as const) {
    const given = { PATH: NO_PROGRAMS, TSOPS_PGP_KEY: exported(key) };
    const { code, stderr } = tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, given);
    assert.is(code, 1);
    assert.match(stderr, word);
    const withGpg = { PATH: process.env.PATH!, GNUPGHOME: key.home };
    assert.is(tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, withGpg).code, 1);
    // what gpg refuses is not taken from elsewhere
    assert.is(tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, { ...given, ...withGpg }).code, 1);
  }
  assert.is(
    output(tsops(["decrypt", "x.yaml"], folder, { PATH: NO_PROGRAMS, TSOPS_PGP_KEY: exported(revoked) })),
    PLAIN,
  );
});

test("gpg is there, but does not have the key: the given one is used, in rotate and set too", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519"]);
  const folder = scratch();
  writeFileSync(join(folder, "a.yaml"), PLAIN);
  const empty = newHome();
  const env = { PATH: process.env.PATH!, GNUPGHOME: empty, TSOPS_PGP_KEY: exported(key) };
  output(tsops(["encrypt", "--in-place", "--pgp", key.fp, "a.yaml"], folder, env));
  output(tsops(["set", "a.yaml", '["db"]["password"]', '"new"'], folder, env));
  output(tsops(["rotate", "--in-place", "a.yaml"], folder, env));
  const withGpg = { PATH: process.env.PATH!, GNUPGHOME: key.home };
  assert.is(output(sops(["decrypt", "--extract", '["db"]["password"]', "a.yaml"], folder, withGpg)), "new");
});

test("without gpg and without a key: the report says both ways", () => {
  const key = gpgKey(["ed25519/cert,sign", "cv25519"]);
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const withGpg = { PATH: process.env.PATH!, GNUPGHOME: key.home };
  writeFileSync(
    join(folder, "x.yaml"),
    output(sops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, withGpg)),
  );
  const { code, stdout, stderr } = tsops(["decrypt", "x.yaml"], folder, { PATH: NO_PROGRAMS });
  assert.is(code, 128);
  assert.is(stdout, "");
  assert.match(stderr, /there is no program gpg on PATH/);
  assert.match(stderr, /not set or not there: TSOPS_PGP_KEY, TSOPS_PGP_KEY_FILE/);
  assert.match(stderr, /gpg --import.*TSOPS_PGP_KEY_FILE/);

  const unwrapped = tsops(["encrypt", "--pgp", key.fp, "plain.yaml"], folder, { PATH: NO_PROGRAMS });
  assert.is(unwrapped.code, 1);
  assert.match(unwrapped.stderr, /its public key is not given/);
  assert.match(unwrapped.stderr, /TSOPS_PGP_PUBLIC_KEYS_FILE/);
});

test("a gpg in the working folder is not run", () => {
  const folder = scratch();
  mkdirSync(join(folder, "bin"));
  for (const path of [join(folder, "gpg"), join(folder, "bin", "gpg")]) {
    writeFileSync(path, `#!/bin/sh\ntouch '${folder}/ran'\n`);
    chmodSync(path, 0o755);
  }
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const { code } = tsops(["encrypt", "--pgp", "0".repeat(40), "plain.yaml"], folder, { PATH: ".:bin:" });
  assert.is(code, 1);
  assert.throws(() => readFileSync(join(folder, "ran")), /ENOENT/);
});

test.run();
