import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { encodeBech32 } from "../../../src/keys/age/bech32.ts";
import { generateIdentity } from "../../../src/keys/age/keygen.ts";
import { pluginName, wrapByPlugin } from "../../../src/keys/age/plugin.ts";
import { ALLOW_NOTHING } from "../../../src/keys/allow-lists.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { age } from "../../support/keys/in-use.ts";
import { until } from "../../support/pace.ts";

const bin = emptyFolder();
copyFileSync(
  new URL("../../support/keys/fake-age-plugin.mjs", import.meta.url),
  join(bin, "age-plugin-fake"),
);
chmodSync(join(bin, "age-plugin-fake"), 0o755);
const PATH = [bin, process.env.PATH].join(delimiter);

const recipient = (how: string): string => encodeBech32("age1fake", Buffer.from(how));
const identity = (how: string): string => encodeBech32("age-plugin-fake-", Buffer.from(how)).toUpperCase();
const dataKey = Buffer.alloc(32, 7);
/** The person named these plugins. */
const allow = async () => ({ ...ALLOW_NOTHING, plugin: ["fake", "no-such"] });

const wrap = (how: string, context: KeyContext): Promise<MasterKey> =>
  age.wrap(age.parse(recipient(how))[0]!, dataKey, { ...context, allow });

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, TsopsError);
    return error as TsopsError;
  }
  return assert.unreachable("it must fail") as never;
}

test("a data key goes through a plugin and comes back", async () => {
  const key = await wrap("ok", contextWith({ PATH }));
  assert.match(String(key.fields.get("enc")), /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  const opened = await age.unwrap(key, contextWith({ PATH, SOPS_AGE_KEY: identity("ok") }));
  assert.equal(opened, dataKey);
});

test("a plugin may show, ask and have things confirmed", async () => {
  const asked: string[] = [];
  const told: string[] = [];
  const answers = ["1234", "someone", "1", "2", "1"];
  const prompt = async (question: string): Promise<string> => {
    asked.push(question);
    return answers[asked.length - 1]!;
  };
  const context = contextWith({ PATH }, { prompt, warn: (text) => told.push(text) });
  await wrap("talk", context);
  assert.equal(told, ["age-plugin-fake: touch your key"]);
  assert.equal(asked, [
    "age-plugin-fake: PIN",
    "age-plugin-fake: name",
    'age-plugin-fake: sure? (1 for "go on", 2 for "stop")',
    'age-plugin-fake: really? (1 for "go on", 2 for "stop")',
    'age-plugin-fake: read this (1 for "fine")',
  ]);
});

test("a person may take longer for an answer than a plugin may", async () => {
  const { setTimeout: real, clearTimeout: clear } = globalThis;
  const limits = new Set<unknown>();
  let wound = 0;
  // the limit is minutes: its timers are noted, and never ring by themselves
  const noting = (ring: () => void, ms?: number) => {
    const timer = real(ring, ms);
    if (ms !== undefined && ms >= 60_000) {
      limits.add(timer);
      wound++;
    }
    return timer;
  };
  globalThis.setTimeout = noting as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    limits.delete(timer);
    clear(timer);
  };
  const whileAsked: number[] = [];
  const answers = ["1234", "someone", "1", "2", "1"];
  const prompt = async (): Promise<string> => {
    whileAsked.push(limits.size);
    return answers.shift()!;
  };
  try {
    await wrap("talk", contextWith({ PATH }, { prompt }));
  } finally {
    globalThis.setTimeout = real;
    globalThis.clearTimeout = clear;
  }
  assert.equal(whileAsked, Array(5).fill(0));
  // one for the beginning and one after each answer, none of which is left
  assert.is(wound, 6);
  assert.is(limits.size, 0);
});

test("what a plugin asks a person to do is no warning", async () => {
  const [told, warned]: [string[], string[]] = [[], []];
  const answers = ["1234", "someone", "1", "2", "1"];
  const prompt = async (): Promise<string> => answers.shift()!;
  const tell = (text: string) => void told.push(text);
  await wrap("talk", contextWith({ PATH }, { prompt, tell, warn: (text) => warned.push(text) }));
  assert.equal(told, ["age-plugin-fake: touch your key"]);
  assert.equal(warned, []);
});

test("where nobody can be asked, the plugin is told so", async () => {
  await wrap("alone", contextWith({ PATH }));
});

test("a plugin's error is reported, without control characters", async () => {
  const error = await failure(wrap("error", contextWith({ PATH })));
  assert.is(error.message, "age-plugin-fake: the \\x1b[31mcard\\x1b[0m is; missing");
  assert.is(error.code, "program-failed");
});

for (const how of ["vanish", "rubbish", "flood", "nothing", "index"]) {
  test(`a plugin that breaks the protocol fails: ${how}`, async () => {
    const error = await failure(wrap(how, contextWith({ PATH })));
    assert.match(error.message, /age-plugin-fake (ended before|does not keep to)/);
  });
}

test("a plugin that gives the file key twice is not trusted", async () => {
  const key = await wrap("ok", contextWith({ PATH }));
  const context = contextWith({ PATH, SOPS_AGE_KEY: identity("twice") });
  assert.is(await age.unwrap(key, context), null);
  assert.match(
    age.whyNot!(key, context).join("\n"),
    /SOPS_AGE_KEY: age-plugin-fake does not keep to the plugin protocol/,
  );
});

test("a plugin that does not know the file is no error", async () => {
  const key = await wrap("ok", contextWith({ PATH }));
  const context = contextWith({ PATH, SOPS_AGE_KEY: identity("nothing") });
  assert.is(await age.unwrap(key, context), null);
  assert.match(age.whyNot!(key, context).join("\n"), /SOPS_AGE_KEY holds an identity of age-plugin-fake/);
});

test("a plugin that is not there is named, and how to get it", async () => {
  const missing = encodeBech32("age1no-such", Buffer.from("x"));
  const error = await failure(age.wrap(age.parse(missing)[0]!, dataKey, contextWith({ PATH }, { allow })));
  assert.match(error.message, /age-plugin-no-such is not installed$/);
  assert.match(error.hint!, /install age-plugin-no-such/);
});

test("programs in the working folder or a relative one are not run", async () => {
  const context = contextWith({ PATH: ["", ".", "test/keys/age"].join(delimiter) });
  assert.match((await failure(wrap("ok", context))).message, /is not installed$/);
});

test("a plugin that hangs can be stopped", async () => {
  const abort = new AbortController();
  const folder = emptyFolder();
  const started = join(folder, "started");
  const script = `#!/bin/sh\necho > '${started}'\nexec '${join(bin, "age-plugin-fake")}' "$@"\n`;
  writeFileSync(join(folder, "age-plugin-fake"), script, { mode: 0o755 });
  const context = contextWith({ PATH: [folder, PATH].join(delimiter) }, { signal: abort.signal });
  const error = failure(wrap("hang", context));
  await until(() => existsSync(started), "the start of the plugin");
  abort.abort();
  assert.is((await error).code, "aborted");
});

test("plugins take turns", async () => {
  let asking = 0;
  const prompt = async (question: string): Promise<string> => {
    assert.is(++asking, 1, "two questions at once");
    await new Promise((go) => setTimeout(go, 5));
    asking--;
    if (question.endsWith("PIN")) return "1234";
    if (question.endsWith("name")) return "someone";
    return /really/.test(question) ? "2" : "1";
  };
  const context = contextWith({ PATH }, { prompt });
  await Promise.all([wrap("talk", context), wrap("talk", context)]);
});

test("a plugin gets no identities from the environment", async () => {
  const spy = emptyFolder();
  const script = `#!/bin/sh\nenv > ${join(spy, "env")}\nexec ${join(bin, "age-plugin-fake")} "$@"\n`;
  const { readFileSync } = await import("node:fs");
  writeFileSync(join(spy, "age-plugin-fake"), script, { mode: 0o755 });
  const env = {
    PATH: [spy, PATH].join(delimiter),
    SOPS_AGE_KEY: "secret",
    SOPS_AGE_KEY_CMD: "secret",
    OTHER: "kept",
  };
  await wrap("ok", contextWith(env));
  const seen = readFileSync(join(spy, "env"), "utf8");
  assert.not.match(seen, "secret");
  assert.match(seen, "OTHER=kept");
});

test("names of plugins", () => {
  assert.is(pluginName(encodeBech32("age1yubikey", Buffer.of(1))), "yubikey");
  assert.is(pluginName(encodeBech32("age-plugin-se-", Buffer.of(1)).toUpperCase()), "se");
  for (const prefix of ["age1", "age-plugin--", "age1../x", "age-plugin-x", "bge1x"]) {
    assert.throws(() => pluginName(encodeBech32(prefix, Buffer.of(1))), /does not name an age plugin/);
  }
});

// The plugins of age's own authors, where they are installed.
const real = join(homedir(), ".cache", "tsops-test", "bin");
const realPath = [real, process.env.PATH].join(delimiter);

if (existsSync(join(real, "age-plugin-pq"))) {
  test("age-plugin-pq wraps for us, and unwraps what age-encryption wrapped", async () => {
    const { text, recipient: to } = await generateIdentity(new Date(0), true);
    const [stanza] = await wrapByPlugin(to, Buffer.alloc(16, 1), contextWith({ PATH: realPath }));
    assert.is(stanza?.args[0], "mlkem768x25519");
    const key = await age.wrap(age.parse(to)[0]!, dataKey, contextWith());
    const converted = execFileSync(join(real, "age-plugin-pq"), ["-identity"], { input: text }).toString();
    assert.match(converted, /AGE-PLUGIN-PQ-1/);
    assert.equal(await age.unwrap(key, contextWith({ PATH: realPath, SOPS_AGE_KEY: converted })), dataKey);
  });
}

if (existsSync(join(real, "age-plugin-batchpass"))) {
  test("age-plugin-batchpass opens what age wrapped with it", async () => {
    const secrets = { AGE_PASSPHRASE: "a passphrase", AGE_PASSPHRASE_WORK_FACTOR: "10" };
    const options = { input: dataKey, env: { ...secrets, PATH: realPath } };
    const enc = execFileSync(join(real, "age"), ["-e", "-a", "-j", "batchpass"], options).toString();
    const key: MasterKey = { kind: "age", id: "x", fields: TreeMap.of([["enc", enc]]) };
    const batchpass = encodeBech32("age-plugin-batchpass-", Buffer.alloc(0)).toUpperCase();
    const env = { ...secrets, PATH: realPath, SOPS_AGE_KEY: batchpass };
    assert.equal(await age.unwrap(key, contextWith(env)), dataKey);
    assert.is(await age.unwrap(key, contextWith({ ...env, AGE_PASSPHRASE: "another" })), null);
  });
}

test.run();
