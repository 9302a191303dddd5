import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { armor } from "../../../src/keys/age/file.ts";
import { generateIdentity } from "../../../src/keys/age/keygen.ts";
import { configFolder } from "../../../src/keys/age/places.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { age } from "../../support/keys/in-use.ts";
import { until } from "../../support/pace.ts";

const dataKey = Buffer.alloc(32, 9);
const mine = await generateIdentity(new Date(0));
const other = await generateIdentity(new Date(0));
const secretOf = ({ text }: { text: string }): string => text.trim().split("\n").at(-1)!;
const wrapFor = (recipient: string): Promise<MasterKey> =>
  age.wrap(age.parse(recipient)[0]!, dataKey, contextWith());
const wrapped = await wrapFor(mine.recipient);

async function opens(context: KeyContext, key = wrapped): Promise<boolean> {
  const opened = await age.unwrap(key, context);
  if (opened) assert.equal(opened, dataKey);
  return opened !== null;
}

const why = (context: KeyContext, key = wrapped): string => age.whyNot!(key, context).join("\n");

function fileWith(contents: string | Uint8Array, name = "keys.txt"): string {
  const path = join(emptyFolder(), name);
  writeFileSync(path, contents);
  return path;
}

async function underPassphrase(text: string, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(8);
  return encrypter.encrypt(text);
}

const SPELLINGS: [string, string][] = [
  ["alone", secretOf(mine)],
  ["as age-keygen writes it", mine.text],
  ["two, with a blank between", `${secretOf(other)} ${secretOf(mine)}`],
  ["two, with tabs and blanks", `\t${secretOf(other)}\t \t${secretOf(mine)}  `],
  ["two lines", `${secretOf(other)}\n${secretOf(mine)}`],
  ["CRLF, comments and blank lines", `# one\r\n\r\n${secretOf(other)}\r\n  # two\r\n${secretOf(mine)}\r\n`],
  ["beside a line that is none", `nonsense\n${secretOf(mine)}\n`],
];

for (const [name, text] of SPELLINGS) {
  test(`SOPS_AGE_KEY: ${name}`, async () => assert.ok(await opens(contextWith({ SOPS_AGE_KEY: text }))));
  test(`SOPS_AGE_KEY_FILE: ${name}`, async () => {
    assert.ok(await opens(contextWith({ SOPS_AGE_KEY_FILE: fileWith(text) })));
  });
}

test("the configuration folder's keys.txt", async () => {
  const home = emptyFolder();
  const folder = join(configFolder({ env: {}, home }), "sops", "age");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "keys.txt"), mine.text);
  assert.ok(await opens(contextWith({}, { home })));
  assert.not(await opens(contextWith({ XDG_CONFIG_HOME: emptyFolder() }, { home })));
});

test("all places count, also where another one fails", async () => {
  const home = emptyFolder();
  mkdirSync(join(home, ".config", "sops", "age"), { recursive: true });
  writeFileSync(join(home, ".config", "sops", "age", "keys.txt"), mine.text);
  const env = { SOPS_AGE_KEY: "nonsense", SOPS_AGE_KEY_FILE: "/no/such/file", SOPS_AGE_KEY_CMD: "false" };
  if (process.platform === "linux") assert.ok(await opens(contextWith(env, { home })));
});

test("the report names each place and what is wrong there, and no secret", async () => {
  const env = {
    SOPS_AGE_KEY: `${secretOf(other)}\nAGE-SECRET-KEY-1${"Q".repeat(58)}`,
    SOPS_AGE_KEY_FILE: "/no/such/file",
    SOPS_AGE_KEY_CMD: "sh -c 'x",
    SOPS_AGE_SSH_PRIVATE_KEY_FILE: "/not/looked/at",
  };
  const context = contextWith(env);
  assert.not(await opens(context));
  const lines = age.whyNot!(wrapped, context);
  assert.equal(lines.slice(0, 5), [
    "no identity for it",
    "SOPS_AGE_KEY: line 2: its checksum does not fit: a character is missing or changed",
    `SOPS_AGE_KEY holds the identity of ${other.recipient}`,
    "SOPS_AGE_KEY_FILE (/no/such/file): there is no such file",
    "SOPS_AGE_KEY_CMD: a quote in the command is not closed",
  ]);
  assert.match(lines[5]!, /^not set or not there: .*keys\.txt$/);
  assert.match(lines.at(-1)!, /name its file in SOPS_AGE_KEY_FILE/);
  assert.not.match(lines.join("\n"), /AGE-SECRET/);
});

test("the report on what is not a key file", async () => {
  for (const [path, reason] of [
    [emptyFolder(), "it is a folder, not a file"],
    [fileWith(""), "holds no identity"],
    [fileWith("# nothing\n"), "holds no identity"],
    [fileWith("age-encryption.org/v1\nrubbish"), "malformed age file"],
    ["", "there is no such file"],
  ] as const) {
    const context = contextWith({ SOPS_AGE_KEY_FILE: path });
    assert.not(await opens(context));
    assert.match(why(context), reason);
  }
});

test("of many identities the report lists a few", async () => {
  const context = contextWith({ SOPS_AGE_KEY: Array(10).fill(secretOf(other)).join("\n") });
  assert.not(await opens(context));
  assert.match(why(context), / and 7 more/);
});

/** A command that notes each run, with the recipient it is asked for. */
function command(body: string): { path: string; runs(): string[] } {
  const folder = emptyFolder();
  const log = join(folder, "log");
  const path = join(folder, "my command");
  writeFileSync(path, `#!/bin/sh\necho "$SOPS_AGE_RECIPIENT" >> '${log}'\n${body}\n`);
  chmodSync(path, 0o755);
  return { path, runs: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []) };
}

test("a command is run once, is told the recipient, and gets no identities", async () => {
  const { path, runs } = command(
    `test -z "$SOPS_AGE_KEY$SOPS_AGE_KEY_CMD" && test "$OTHER" = kept && echo ${secretOf(mine)}`,
  );
  const env = { SOPS_AGE_KEY_CMD: `'${path}'`, SOPS_AGE_KEY: secretOf(other), OTHER: "kept" };
  const context = contextWith(env);
  assert.ok(await opens(context));
  assert.ok(await opens(context, await wrapFor(mine.recipient)));
  assert.equal(runs(), [mine.recipient]);
});

test("a command is not run where a file has the identity", async () => {
  const { path, runs } = command("exit 1");
  assert.ok(await opens(contextWith({ SOPS_AGE_KEY_CMD: `'${path}'`, SOPS_AGE_KEY: secretOf(mine) })));
  assert.equal(runs(), []);
});

test("a command is run for each recipient that needs it", async () => {
  const one = command(
    `test "$SOPS_AGE_RECIPIENT" = ${mine.recipient} && echo ${secretOf(mine)} || echo ${secretOf(other)}`,
  );
  const context = contextWith({ SOPS_AGE_KEY_CMD: `'${one.path}'` });
  assert.ok(await opens(context, await wrapFor(other.recipient)));
  assert.ok(await opens(context));
  assert.ok(await opens(context, await wrapFor(other.recipient)));
  assert.equal(one.runs(), [other.recipient, mine.recipient]);

  const all = command(`echo ${secretOf(mine)}; echo ${secretOf(other)}`);
  const again = contextWith({ SOPS_AGE_KEY_CMD: `'${all.path}'` });
  assert.ok(await opens(again, await wrapFor(other.recipient)));
  assert.ok(await opens(again));
  assert.is(all.runs().length, 1);
});

test("a command that fails is reported without its arguments and output", async () => {
  const { path } = command("echo TOPSECRET; echo TOPSECRET >&2; exit 7");
  const context = contextWith({ SOPS_AGE_KEY_CMD: `'${path}' --token=TOPSECRET` });
  assert.not(await opens(context));
  assert.match(why(context), "SOPS_AGE_KEY_CMD: the command failed with exit code 7");
  assert.not.match(why(context), "TOPSECRET");
  const missing = contextWith({ SOPS_AGE_KEY_CMD: "no-such-program-here --token=TOPSECRET" });
  assert.not(await opens(missing));
  assert.match(why(missing), "no-such-program-here cannot be started: there is no such program");
  assert.not.match(why(missing), "TOPSECRET");
});

for (const form of ["binary", "armored"]) {
  test(`an identity file under a passphrase, ${form}`, async () => {
    const bytes = await underPassphrase(`${other.text}${mine.text}`, "let me in");
    const path = fileWith(form === "binary" ? bytes : armor(bytes));
    const asked: string[] = [];
    const prompt = async (question: string): Promise<string> => {
      asked.push(question);
      return "let me in";
    };
    const context = contextWith({ SOPS_AGE_KEY_FILE: path }, { prompt });
    assert.ok((await Promise.all([opens(context), opens(context), opens(context)])).every(Boolean));
    assert.equal(asked, [`passphrase of the age identity file ${path}`]);
  });
}

test("a wrong passphrase is said, and asked for only once", async () => {
  const path = fileWith(await underPassphrase(mine.text, "let me in"));
  let asked = 0;
  const context = contextWith({ SOPS_AGE_KEY_FILE: path }, { prompt: async () => `wrong ${asked++}` });
  assert.not(await opens(context));
  assert.not(await opens(context));
  assert.is(asked, 1);
  assert.match(why(context), `SOPS_AGE_KEY_FILE (${path}): the passphrase is wrong`);
});

test("nobody is asked where another identity does, or there is nobody", async () => {
  const path = fileWith(armor(await underPassphrase(mine.text, "let me in")));
  const prompt = async (): Promise<string> => assert.unreachable("it must not ask") as never;
  const SOPS_AGE_KEY_CMD = `echo ${secretOf(mine)}`;
  assert.ok(await opens(contextWith({ SOPS_AGE_KEY_FILE: path, SOPS_AGE_KEY_CMD }, { prompt })));
  const alone = contextWith({ SOPS_AGE_KEY_FILE: path });
  assert.not(await opens(alone));
  assert.match(why(alone), "it has a passphrase, and there is nobody to ask for it");
});

test("an age file that is for a recipient is no identity file", async () => {
  const path = fileWith(String(wrapped.fields.get("enc")));
  const context = contextWith({ SOPS_AGE_KEY_FILE: path }, { prompt: async () => "x" });
  assert.not(await opens(context));
  assert.match(why(context), "an age file that no passphrase opens");
});

test("a run that is stopped stops", async () => {
  const { path, runs } = command("exec sleep 60");
  const stop = new AbortController();
  const context = contextWith({ SOPS_AGE_KEY_CMD: `'${path}'` }, { signal: stop.signal });
  const error = opens(context).then(
    () => undefined,
    (error: unknown) => error,
  );
  await until(() => runs().length > 0, "the start of the command");
  stop.abort();
  assert.is(((await error) as { code?: string } | undefined)?.code, "aborted");
});

test.run();
