import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder, GOLDEN, goldenKey } from "../../support/keys/contexts.ts";
import { pgp } from "../../support/keys/in-use.ts";
import { armored, openedBy, SEALED, toKey } from "../../support/keys/pgp-messages.ts";
import { until } from "../../support/pace.ts";

const dataKey = Buffer.alloc(32, 9);
const FP = goldenKey("pgp1.fp").trim();
const ENC = armored(toKey("B8BA14654D5DA8DE"), SEALED);

/** What a gpg does that opens a message with a key: in a shell. */
function opening(fingerprint: string, primary = fingerprint): string {
  return `printf '${openedBy(fingerprint, primary).join("\\n")}\\n' >&3; printf '0123456789abcdef0123456789abcdef'`;
}

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

/** A program in gpg's place that notes its arguments, environment and input, one a line. */
function fakeGpg(body: string): { path: string; args(): string[]; input(): string; env(): string } {
  const folder = emptyFolder();
  const path = join(folder, "my gpg");
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" > '${folder}/args'\nenv > '${folder}/env'\ncat > '${folder}/in'\n${body}\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  const read = (name: string): string => readFileSync(join(folder, name), "latin1");
  return {
    path,
    args: () => read("args").split("\n").slice(0, -1),
    input: () => read("in"),
    env: () => read("env"),
  };
}

const keyWith = (enc: string, id = FP): MasterKey => ({
  kind: "pgp",
  id,
  fields: TreeMap.of([
    ["created_at", "2020-01-01T00:00:00Z"],
    ["enc", enc],
    ["fp", id],
  ]),
});

test("wrapping: gpg's arguments, and what becomes of its output", async () => {
  const gpg = fakeGpg("printf '\\n-----BEGIN PGP MESSAGE-----\\nx\\n\\n'");
  const context = contextWith({ SOPS_GPG_EXEC: gpg.path, SOPS_AGE_KEY: "secret", GNUPGHOME: "/some/home" });
  const [key] = pgp.parse(FP);
  const wrapped = await pgp.wrap(key!, dataKey, context);
  const words = `--no-default-recipient --yes --encrypt -a -r ${FP} --trusted-key ${FP.slice(-16)} --no-encrypt-to --no-auto-key-locate`;
  assert.equal(gpg.args(), words.split(" "));
  assert.is(gpg.input(), dataKey.toString("latin1"));
  assert.match(gpg.env(), "GNUPGHOME=/some/home");
  assert.not.match(gpg.env(), "secret");
  assert.equal(
    wrapped.fields.entries().map(({ key: name, value }) => [name, value]),
    [
      ["created_at", "2025-01-02T03:04:05Z"],
      ["enc", "-----BEGIN PGP MESSAGE-----\nx"],
      ["fp", FP],
    ],
  );
});

test("wrapping again: created_at stays, and other fields do", async () => {
  const gpg = fakeGpg("echo new");
  const key = keyWith("old");
  const fields = new TreeMap([...key.fields.items, { key: "future", value: 1n }]);
  const wrapped = await pgp.wrap({ ...key, fields }, dataKey, contextWith({ SOPS_GPG_EXEC: gpg.path }));
  assert.is(wrapped.fields.get("created_at"), "2020-01-01T00:00:00Z");
  assert.is(wrapped.fields.get("enc"), "new");
  assert.is(wrapped.fields.get("future"), 1n);
});

test("a subkey's exclamation mark stays with the 16 digits before it", async () => {
  const gpg = fakeGpg("echo x");
  await pgp.wrap(pgp.parse(`${FP}!`)[0]!, dataKey, contextWith({ SOPS_GPG_EXEC: gpg.path }));
  assert.is(gpg.args()[7], `${FP.slice(-16)}!`);
});

test("unwrapping: gpg's arguments and input", async () => {
  const gpg = fakeGpg(opening(FP));
  const opened = await pgp.unwrap(keyWith(ENC), contextWith({ SOPS_GPG_EXEC: gpg.path }));
  assert.is(opened?.toString(), "0123456789abcdef0123456789abcdef");
  assert.equal(gpg.args(), ["--no-symkey-cache", "--status-fd", "3", "-d"]);
  assert.is(gpg.input(), ENC);
});

test("a gpg that is too old to know of remembered passwords is not told of them", async () => {
  const gpg = fakeGpg(`
if [ "$1" = --no-symkey-cache ]; then echo 'gpg: invalid option "--no-symkey-cache"' >&2; exit 2; fi
${opening(FP)}`);
  const opened = await pgp.unwrap(keyWith(ENC), contextWith({ SOPS_GPG_EXEC: gpg.path }));
  assert.is(opened?.toString(), "0123456789abcdef0123456789abcdef");
  assert.equal(gpg.args(), ["--status-fd", "3", "-d"]);
});

test("what gpg prints counts only if it says that the named key opened it", async () => {
  const says = async (body: string, id = FP): Promise<string> =>
    (await failure(pgp.unwrap(keyWith(ENC, id), contextWith({ SOPS_GPG_EXEC: fakeGpg(body).path })))).message;
  const silent = "printf '0123456789abcdef0123456789abcdef'";
  assert.match(await says(silent), /it is not a data key that was wrapped for this key/);
  const other = goldenKey("pgp2.fp").trim();
  assert.match(await says(opening(other)), `${other} opens it, which is not the key that the file names`);
  assert.match(await says(`${opening(FP)}; exit 2`), /^gpg cannot open/);
});

test("subkeys and users belong to the key that gpg lists for them", async () => {
  const [primary, used, named] = ["A", "B", "C"].map((digit) => digit.repeat(40)) as [string, string, string];
  const list = `pub:u:255:22:${primary.slice(-16)}:1:::u:::scESC:\\nfpr:::::::::${primary}:\\nsub:u:255:18:${used.slice(-16)}:1::::::e:\\nfpr:::::::::${used}:\\n`;
  const gpgWith = (opens: string): string =>
    fakeGpg(`case "$*" in *--list-keys*) printf '${list}';; *) ${opens};; esac`).path;
  for (const id of [primary, used, `${used}!`, named, "me@test.invalid"]) {
    const context = contextWith({ SOPS_GPG_EXEC: gpgWith(opening(used, primary)) });
    assert.ok(await pgp.unwrap(keyWith(ENC, id), context), id);
  }
  const old = contextWith({
    SOPS_GPG_EXEC: gpgWith(opening(used, primary).replace(/[^n]*DECRYPTION_KEY[^n]*n/, "")),
  });
  assert.ok(await pgp.unwrap(keyWith(ENC, primary), old), "by the id of the only recipient");
  const foreign = contextWith({ SOPS_GPG_EXEC: gpgWith(opening(named, named)) });
  assert.match(
    (await failure(pgp.unwrap(keyWith(ENC, primary), foreign))).message,
    /is not the key that the file/,
  );
});

test("gpg that has no secret key, prints nothing, fails or is not there", async () => {
  const none = fakeGpg("echo 'gpg: decryption failed: No secret key' >&2; exit 2");
  const context = contextWith({ SOPS_GPG_EXEC: none.path, GNUPGHOME: "/g" });
  assert.is(await pgp.unwrap(keyWith(ENC), context), null);
  assert.equal(pgp.whyNot!(keyWith(ENC), context)[0], "gpg has no secret key for it in /g");

  const silent = contextWith({ SOPS_GPG_EXEC: fakeGpg("exit 0").path });
  assert.match((await failure(pgp.unwrap(keyWith(ENC), silent))).message, /: it printed nothing$/);

  const broken = contextWith({
    SOPS_GPG_EXEC: fakeGpg("printf 'gpg: no\\ngpg: valid \\033[1mdata\\n' >&2; exit 2").path,
  });
  assert.match((await failure(pgp.unwrap(keyWith(ENC), broken))).message, /: no; valid \\x1b\[1mdata$/);

  const missing = contextWith({ SOPS_GPG_EXEC: "/no/such/gpg" });
  assert.is(await pgp.unwrap(keyWith(ENC), missing), null);
  assert.is(pgp.whyNot!(keyWith(ENC), missing)[0], "there is no program /no/such/gpg (SOPS_GPG_EXEC)");
});

test("gpg that has the key and cannot ask for its passphrase is not said to lack the key", async () => {
  // gpg's last line is the same in both cases; this is what 2.2 says without a terminal
  const mute = fakeGpg(
    "echo '[GNUPG:] ERROR pkdecrypt_failed 83918950' >&3; " +
      "echo 'gpg: public key decryption failed: Inappropriate ioctl for device' >&2; " +
      "echo 'gpg: decryption failed: No secret key' >&2; exit 2",
  );
  const error = await failure(pgp.unwrap(keyWith(ENC), contextWith({ SOPS_GPG_EXEC: mute.path })));
  assert.match(error.message, /^gpg cannot open .*: public key decryption failed: Inappropriate ioctl/);
  assert.match(error.hint ?? "", /GPG_TTY=\$\(tty\)/);

  // the agent's own word for a key that is not there
  const none = fakeGpg(
    "echo '[GNUPG:] ERROR pkdecrypt_failed 67108881' >&3; echo 'gpg: decryption failed: No secret key' >&2; exit 2",
  );
  assert.is(await pgp.unwrap(keyWith(ENC), contextWith({ SOPS_GPG_EXEC: none.path })), null);
});

test("half an answer of a gpg that fails is not taken", async () => {
  const gpg = fakeGpg("printf '0123456789abcdef0123456789abcdef'; echo 'gpg: MDC missing' >&2; exit 2");
  await failure(pgp.unwrap(keyWith(ENC), contextWith({ SOPS_GPG_EXEC: gpg.path })));
});

test("gpg can be stopped", async () => {
  const started = join(emptyFolder(), "started");
  const gpg = fakeGpg(`echo > '${started}'; exec sleep 60`);
  const stop = new AbortController();
  const context = contextWith({ SOPS_GPG_EXEC: gpg.path }, { signal: stop.signal });
  const work = failure(pgp.unwrap(keyWith(ENC), context));
  await until(() => existsSync(started), "the start of gpg");
  stop.abort();
  assert.is((await work).code, "aborted");
});

test("gpg comes first; what it does not have is opened in process with a key that is given", async () => {
  const given = { TSOPS_PGP_KEY: goldenKey("pgp1.asc") };
  const now = { now: () => new Date("2027-01-01T00:00:00Z") };
  const absent = fakeGpg("echo 'gpg: x: skipped: No public key' >&2; exit 2");
  const wrapped = await pgp.wrap(
    keyWith(""),
    dataKey,
    contextWith({ SOPS_GPG_EXEC: absent.path, ...given }, now),
  );
  assert.ok(absent.args().includes("--encrypt"), "gpg was asked");
  assert.not.match(absent.env(), "BEGIN PGP");

  const none = fakeGpg("echo 'gpg: decryption failed: No secret key' >&2; exit 2");
  assert.equal(await pgp.unwrap(wrapped, contextWith({ SOPS_GPG_EXEC: none.path, ...given })), dataKey);
  assert.equal(none.args().at(-1), "-d");
  const broken = fakeGpg("echo 'gpg: no agent running' >&2; exit 2");
  assert.equal(await pgp.unwrap(wrapped, contextWith({ SOPS_GPG_EXEC: broken.path, ...given })), dataKey);
  const other = contextWith({ SOPS_GPG_EXEC: broken.path, TSOPS_PGP_KEY: goldenKey("pgp2.asc") });
  assert.match((await failure(pgp.unwrap(wrapped, other))).message, /^gpg cannot open .*: no agent running$/);
  const has = fakeGpg(opening(FP));
  const opened = await pgp.unwrap(wrapped, contextWith({ SOPS_GPG_EXEC: has.path, ...given }));
  assert.is(opened?.toString(), "0123456789abcdef0123456789abcdef");
});

test("a key that gpg refuses is not taken from a file: the copy there may not know that it is revoked", async () => {
  const gpg = fakeGpg("echo 'gpg: x: skipped: Unusable public key' >&2; exit 2");
  const context = contextWith({ SOPS_GPG_EXEC: gpg.path, TSOPS_PGP_KEY: goldenKey("pgp1.asc") });
  assert.match((await failure(pgp.wrap(keyWith(""), dataKey, context))).message, /Unusable public key$/);
});

test("doctor: what gpg lists", async () => {
  const sec = (validity: string, capabilities: string, token: string): string =>
    `sec:${validity}:255:22:DC238C73DF57C9A5:1:::u:::scESC:::${token}:::23::0:\\nfpr:::::::::X:\\n` +
    `ssb:${validity}:255:18:935D261B65FA7F30:1:::::${""}:${capabilities}:::${token}::cv25519::\\n`;
  const says = async (listing: string, code = 0): Promise<string> => {
    const gpg = fakeGpg(
      `printf '${listing}'; echo 'gpg: error reading key: No secret key' >&2; exit ${code}`,
    );
    const { usable, lines } = await pgp.examine(keyWith("x"), contextWith({ SOPS_GPG_EXEC: gpg.path }));
    assert.equal(gpg.args(), ["--batch", "--with-colons", "--list-secret-keys", "--", FP]);
    return `${usable}: ${lines.join("; ")}`;
  };
  assert.is(await says(sec("u", "e", "+")), "true: gpg has its secret key");
  assert.is(await says(sec("u", "e", "D2760001240102")), "true: gpg has its secret key on a smart card");
  assert.match(await says(sec("e", "e", "+")), /^true: .*it has expired: it still opens files/);
  assert.match(await says(sec("r", "e", "+")), /^true: .*it has been revoked/);
  assert.match(
    await says(sec("u", "e", "#")),
    /^false: .*the secret part that decrypts is not here; .*--import/,
  );
  assert.match(await says(sec("u", "s", "+")), /^false: .*the secret part that decrypts is not here/);
  assert.match(
    await says("", 2),
    /^false: gpg has no secret key for it \(error reading key: No secret key\)/,
  );
});

function hasGpg(): boolean {
  try {
    execFileSync("gpg", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

if (hasGpg()) {
  const home = emptyFolder();
  chmodSync(home, 0o700);
  for (const name of ["pgp1", "pgp2", "pgp3", "pgppub"]) {
    const file = join(GOLDEN, "keys", `${name}.asc`);
    execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--import", file], { stdio: "ignore" });
  }
  process.on("exit", () => execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]));
  const context = contextWith({ GNUPGHOME: home });

  for (const name of ["pgp1", "pgp2", "pgp3"]) {
    test(`the real gpg, ${name}`, async () => {
      const [key] = pgp.parse(goldenKey(`${name}.fp`).trim());
      const wrapped = await pgp.wrap(key!, dataKey, context);
      assert.match(
        String(wrapped.fields.get("enc")),
        /^-----BEGIN PGP MESSAGE-----\n[\s\S]*\n-----END PGP MESSAGE-----$/,
      );
      assert.equal(await pgp.unwrap(wrapped, context), dataKey);
    });
  }

  test("the real gpg: only what the named key opens is a wrapped key", async () => {
    const message = (...args: string[]): string =>
      execFileSync(
        "gpg",
        ["--homedir", home, "--batch", "--quiet", "--trust-model", "always", "-a", ...args],
        {
          input: dataKey,
          stdio: ["pipe", "pipe", "ignore"],
        },
      ).toString();
    const [one, two] = [FP, goldenKey("pgp2.fp").trim()] as const;
    const password = ["--pinentry-mode", "loopback", "--passphrase", "x", "-c"];
    const hidden = message("--throw-keyids", "-e", "-r", one);
    const both = message("-e", "-r", one, "-r", goldenKey("pgppub.fp").trim());
    const listed = await pgp.examine(keyWith("", one), context);
    assert.is(listed.usable, true);
    const names = [one, `${one}!`, one.slice(-16), `0x${one.slice(-8)}`, "pgp1@test.invalid"];
    for (const enc of [message("-e", "-r", one), hidden, both]) {
      for (const name of names) assert.equal(await pgp.unwrap(keyWith(enc, name), context), dataKey, name);
      const error = await failure(pgp.unwrap(keyWith(enc, two), context));
      assert.match(error.message, `${one} opens it, which is not the key that the file names`);
    }
    for (const [enc, why] of [
      [message("--store"), /not encrypted at all/],
      [message("-u", one, "-s"), /not encrypted|only signed/],
      [message(...password), /opens with a password/],
      [message(...password, "-e", "-r", one), /opens with a password/],
      [message("--rfc2440", "--disable-mdc", "-e", "-r", one), /without integrity protection/],
    ] as const) {
      assert.match((await failure(pgp.unwrap(keyWith(enc), context))).message, why);
    }
    // who is to be asked first is told whose key it is
    assert.equal(await pgp.checkOpener!(keyWith(both), context), {});
    assert.match((await pgp.checkOpener!(keyWith(hidden), context))!.remark!, /hides its recipients/);
    const claimed = await failure(pgp.checkOpener!(keyWith(both, two), context));
    assert.match(claimed.message, /is not the key that is named/);
    assert.is(await pgp.checkOpener!(keyWith(both, "0".repeat(40)), context), null);
  });

  test("the real gpg without the secret key", async () => {
    const [key] = pgp.parse(goldenKey("pgppub.fp").trim());
    const wrapped = await pgp.wrap(key!, dataKey, context);
    assert.is(await pgp.unwrap(wrapped, context), null);
  });

  test("the real gpg with a fingerprint that it does not know", async () => {
    const [key] = pgp.parse("0000000000000000000000000000000000000000");
    const error = await failure(pgp.wrap(key!, dataKey, context));
    assert.match(error.message, /^gpg: .*No public key/);
    assert.is(error.exitCode, 1);
  });

  test("doctor with the real gpg", async () => {
    const [mine] = pgp.parse(FP);
    assert.equal(await pgp.examine(mine!, context), { usable: true, lines: ["gpg has its secret key"] });
    const [theirs] = pgp.parse(goldenKey("pgppub.fp").trim());
    assert.is((await pgp.examine(theirs!, context)).usable, false);
  });

  test("the real gpg with rubbish", async () => {
    assert.match(
      (await failure(pgp.unwrap(keyWith("rubbish"), context))).message,
      /cannot open the wrapped data key/,
    );
  });
}

test.run();
