import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { TABLE_OF_KINDS } from "../../src/keys/context.ts";
import { textField, withFields } from "../../src/keys/fields.ts";
import { wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { keyServices } from "../../src/keys/service/client.ts";
import { loadProtocol } from "../../src/keys/service/protocol.ts";
import { wireForms } from "../../src/keys/service/wire.ts";
import { kindNamed } from "../../src/keys/table.ts";
import type { LogEntry } from "../../src/keyservice/log.ts";
import { QUESTIONS_EACH, Questions } from "../../src/keyservice/questions.ts";
import { startServer } from "../../src/keyservice/server.ts";
import { contextWith, GOLDEN, goldenKey } from "../support/keys/contexts.ts";
import { hcVault } from "../support/keys/in-use.ts";
import { gate, until } from "../support/pace.ts";
import {
  ageKey,
  DATA_KEY,
  requestsIn,
  SECRET,
  scratch,
  serving,
  withIdentity,
} from "../support/servers/keyservice.ts";

const at = (uri: string, context: KeyContext = contextWith()) => keyServices([uri], context)[0]!;

/** A client that goes away as soon as it is told to, and another one with the same connection. */
function leaving(uri: string) {
  const gone = new AbortController();
  const context = contextWith();
  const service = at(uri, { ...context, signal: gone.signal });
  return { service, leave: () => gone.abort(), another: at(uri, context) };
}

const withResult = (log: readonly LogEntry[], result: string): LogEntry[] =>
  log.filter((entry) => entry.result === result);

async function failure(work: Promise<unknown>): Promise<TsopsError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, TsopsError);
    return error as TsopsError;
  }
  throw new Error("it should have failed");
}

test("a service wraps and unwraps, over TCP and over a Unix socket", async () => {
  for (const place of [{}, { network: "unix", address: join(scratch(), "s") } as const]) {
    const log = await serving(place, async ({ uri }) => {
      const service = at(uri);
      const wrapped = await service.wrap(ageKey(), DATA_KEY);
      assert.match(textField(wrapped.fields, "enc"), /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
      assert.equal(await service.unwrap(wrapped), { key: DATA_KEY });
      // the caller's data key is the caller's
      assert.is(DATA_KEY[0], 0x80);
    });
    assert.equal(
      requestsIn(log).map(({ method, kind, result }) => [method, kind, result]),
      [
        ["Encrypt", "age", "ok"],
        ["Decrypt", "age", "ok"],
      ],
    );
    assert.match(String(requestsIn(log)[0]!.peer), place.network ? /^unix$/ : /^127\.0\.0\.1:\d+$/);
  }
});

test("a key wrapped at a service has the fields that this machine would have given it", async () =>
  void (await serving({}, async ({ uri }) => {
    const local = await wrapDataKey(DATA_KEY, [[ageKey()]], 0, { context: withIdentity() });
    const remote = await wrapDataKey(DATA_KEY, [[ageKey()]], 0, {
      context: contextWith(),
      local: false,
      services: [at(uri)],
    });
    const names = (groups: readonly (readonly MasterKey[])[]) =>
      groups[0]![0]!.fields.entries().map(({ key }) => key);
    assert.equal(names(remote), names(local));
  })));

test("the socket is its owner's, is taken from the dead but not from the living, and goes at the end", async () => {
  const folder = scratch();
  const address = join(folder, "s");
  const options = { network: "unix", address } as const;
  // a socket that nobody listens on: what a killed process leaves
  const { spawnSync } = await import("node:child_process");
  const code = `require("net").createServer().listen(${JSON.stringify(address)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", code]);
  assert.ok(statSync(address).isSocket(), "the killed process left its socket");
  await serving(options, async ({ uri }) => {
    assert.is(statSync(address).mode & 0o777, 0o600);
    const error = await failure(serving(options, async () => undefined));
    assert.match(error.message, /another process listens on/);
    assert.ok(await at(uri).wrap(ageKey(), DATA_KEY), "the first one still serves");
  });
  assert.not(existsSync(address));
  writeFileSync(address, "mine");
  assert.match((await failure(serving(options, async () => undefined))).message, /is not a socket/);
  assert.ok(existsSync(address), "the file is left alone");
  const nowhere = { network: "unix", address: join(folder, "none", "s") } as const;
  assert.match((await failure(serving(nowhere, async () => undefined))).message, /its folder is not there/);
  mkdirSync(join(folder, "d"));
  const long = { network: "unix", address: join(folder, "d", "x".repeat(150)) } as const;
  assert.match((await failure(serving(long, async () => undefined))).message, /at most \d+ bytes/);
});

test("a port that is taken, and addresses that are none", async () =>
  void (await serving({}, async ({ port }) => {
    const refused = async (address: string) =>
      (await failure(serving({ address }, async () => undefined))).message;
    assert.match(await refused(`127.0.0.1:${port}`), /another process listens there/);
    assert.match(await refused("192.0.2.7:0"), /no such address/);
    for (const address of ["", "host", "127.0.0.1", "127.0.0.1:99999", "a b:1", "tcp://127.0.0.1:1"])
      assert.match(await refused(address), /is not an address to listen on/, address);
  })));

test("the log and what clients are told hold no secret, data key or wrapped key", async () => {
  const identity = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
  const told: string[] = [];
  const log = await serving({ verbose: true, secrets: [SECRET] }, async ({ uri }) => {
    const service = at(uri);
    const wrapped = await service.wrap(ageKey(), DATA_KEY);
    await service.unwrap(wrapped);
    const enc = textField(wrapped.fields, "enc");
    const broken = withFields(wrapped, { enc: enc.replace("\n", "\nAAAA") });
    told.push((await failure(service.unwrap(broken))).message);
    const wrong: MasterKey = {
      ...ageKey(),
      id: identity,
      fields: withFields(ageKey(), { recipient: identity }).fields,
    };
    told.push((await failure(service.wrap(wrong, DATA_KEY))).message);
    const text = JSON.stringify(told);
    for (const line of enc.split("\n").slice(1, 4)) assert.not.ok(text.includes(line));
    told.push(enc.split("\n")[3]!);
  });
  const text = JSON.stringify(log);
  const wrapped = told.pop()!;
  for (const encoding of ["hex", "base64", "latin1"] as const) {
    for (const secret of [DATA_KEY, SECRET.secret]) assert.not.ok(text.includes(secret.toString(encoding)));
  }
  assert.not.ok(text.includes(wrapped));
  assert.not.ok(text.includes("SECRET-KEY"), text);
  assert.not.ok(told.join().includes("SECRET-KEY"), told.join());
  assert.ok(text.includes('"result":"failed"'));
});

test("a service that cannot open a key says so, and keeps what it found out for its own log", async () => {
  const wrapped = await serving({}, async () => undefined).then(() =>
    wrapDataKey(DATA_KEY, [[ageKey()]], 0, { context: withIdentity() }),
  );
  const [[key]] = wrapped as [[MasterKey]];
  for (const verbose of [false, true]) {
    const context = contextWith();
    const log = await serving({ context, verbose }, async ({ uri }) => {
      const { message, hint } = await failure(at(uri).unwrap(key));
      assert.match(message, /nothing here can open it/);
      assert.not.ok(`${message}${hint}`.includes(context.home));
    });
    assert.is(JSON.stringify(log).includes(context.home), verbose);
  }
});

test("--prompt asks before the key is used, one question at a time; no means no", async () => {
  const questions: string[] = [];
  let most = 0;
  let open = 0;
  const both = gate();
  const ask = async (question: string) => {
    most = Math.max(most, ++open);
    questions.push(question);
    if (questions.length > 2) await both.opened;
    open--;
    return questions.length !== 2;
  };
  const log = await serving({ ask, verbose: true }, async ({ uri, log }) => {
    const service = at(uri);
    const wrapped = await service.wrap(ageKey(), DATA_KEY);
    const error = await failure(service.unwrap(wrapped));
    assert.match(error.message, /the key service refuses: the person who runs it said no/);
    const two = [service.wrap(ageKey(), DATA_KEY), service.wrap(ageKey(), DATA_KEY)];
    // what has begun to encrypt has put its question
    await until(() => withResult(log, "begun").length === 4, "the second of two questions");
    both.open();
    await Promise.all(two);
    assert.equal(await service.unwrap(wrapped), { key: DATA_KEY });
  });
  assert.is(most, 1, "one question at a time");
  assert.match(questions[0]!, /^Received encrypt request from 127\.0\.0\.1:\d+ using age key age14kpn/);
  assert.match(questions[1]!, /^Received decrypt request/);
  assert.is(requestsIn(log)[1]!.result, "refused");
});

test("a client that goes away takes its question with it", async () => {
  const answers: ((yes: boolean) => void)[] = [];
  const ask = () => new Promise<boolean>((resolve) => answers.push(resolve));
  const log = await serving({ ask }, async ({ uri, log }) => {
    const { service, leave } = leaving(uri);
    const left = failure(service.wrap(ageKey(), DATA_KEY));
    await until(() => answers.length === 1, "the question");
    leave();
    assert.is((await left).code, "aborted");
    await until(() => requestsIn(log).length > 0, "the end of the request");
    answers[0]!(true);
    const next = at(uri).wrap(ageKey(), DATA_KEY);
    await until(() => answers.length === 2, "the next question");
    answers[1]!(true);
    await next;
  });
  assert.equal(
    requestsIn(log).map(({ result }) => result),
    ["cancelled", "ok"],
  );
});

test("what kinds remember outlives the request that made it, and one client's end is not another's", async () => {
  const held = gate();
  let waiting = 0;
  const slow = createHttpServer(async (request, response) => {
    request.resume();
    if (request.url!.includes("/encrypt/slow")) {
      waiting++;
      await held.opened;
    }
    response.end(JSON.stringify({ data: { ciphertext: "vault:v1:eA==" } }));
  });
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const vault = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const env = { VAULT_TOKEN: "token-of-tests", VAULT_ADDR: vault };
  const [quick, waits] = ["quick", "slow"].map(
    (name) => hcVault.parse(`${vault}/v1/transit/keys/${name}`)[0]!,
  );
  slow.unref();
  const log = await serving({ context: contextWith(env) }, async ({ uri }) => {
    for (let i = 0; i < 3; i++) await at(uri).wrap(quick!, DATA_KEY);
    const { service, leave, another } = leaving(uri);
    const patient = at(uri).wrap(waits!, DATA_KEY);
    const left = failure(service.wrap(waits!, DATA_KEY));
    await until(() => waiting === 2, "both requests");
    leave();
    assert.is((await left).code, "aborted");
    // over the same connection, so that the service has seen the end of the one before
    await another.wrap(quick!, DATA_KEY);
    held.open();
    await patient;
    await at(uri).wrap(quick!, DATA_KEY);
  });
  slow.close();
  assert.equal(
    requestsIn(log)
      .map(({ result }) => result)
      .sort(),
    ["cancelled", ...Array.from({ length: 6 }, () => "ok")],
  );
});

test("what a kind remembers serves the next request, whether the one before was answered or given up", async () => {
  const held = gate();
  let asked = 0;
  const vault = createHttpServer(async (request, response) => {
    request.resume();
    if (++asked === 1) await held.opened;
    response.end(JSON.stringify({ data: { plaintext: DATA_KEY.toString("base64") } }));
  });
  await new Promise<void>((resolve) => vault.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(vault.address() as AddressInfo).port}`;
  const key = withFields(hcVault.parse(`${address}/v1/transit/keys/k`)[0]!, { enc: "vault:v1:AAAA" });
  const context = contextWith({ VAULT_ADDR: address, VAULT_TOKEN: "t" });
  try {
    const log = await serving({ context }, async ({ uri, log }) => {
      const { service, leave } = leaving(uri);
      const left = failure(service.unwrap(key));
      await until(() => asked === 1, "the request");
      leave();
      assert.is((await left).code, "aborted");
      await until(() => withResult(log, "cancelled").length === 1, "its end");
      assert.equal(await at(uri).unwrap(key), { key: DATA_KEY });
      assert.equal(await at(uri).unwrap(key), { key: DATA_KEY });
      // the answer that nobody waits for any more
      held.open();
      assert.equal(await at(uri).unwrap(key), { key: DATA_KEY });
    });
    const results = requestsIn(log).map(({ result }) => result);
    assert.equal(results.sort(), ["cancelled", "ok", "ok", "ok"]);
  } finally {
    vault.close();
  }
});

test("a KMS that did not answer is given up for a few seconds, and then asked again, by one call", async () => {
  let away = true;
  let asked = 0;
  const vault = createHttpServer((request, response) => {
    request.resume();
    asked++;
    if (away) request.socket.destroy();
    else response.end(JSON.stringify({ data: { plaintext: DATA_KEY.toString("base64") } }));
  });
  await new Promise<void>((resolve) => vault.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(vault.address() as AddressInfo).port}`;
  const [transit] = hcVault.parse(`${address}/v1/transit/keys/k`);
  let number = 0;
  // what was found out about a wrapped key holds for others that are the same
  const key = () => withFields(transit!, { enc: `vault:v1:${number++}` });
  const context = contextWith({ VAULT_ADDR: address, VAULT_TOKEN: "t", TSOPS_KMS_TIMEOUT: "2" });
  const now = performance.now.bind(performance);
  let later = 0;
  performance.now = () => now() + later;
  try {
    await serving({ context }, async ({ uri }) => {
      for (let i = 0; i < 3; i++) await failure(at(uri).unwrap(key()));
      const { message } = await failure(at(uri).unwrap(key()));
      assert.match(message, "it could not be reached 3 times in a row, and is asked again after 5 seconds");
      assert.not.match(message, "in this run");
      let before = asked;
      await failure(at(uri).unwrap(key()));
      assert.is(asked, before);
      later = 6000;
      await failure(at(uri).unwrap(key()));
      assert.ok(asked > before);
      before = asked;
      assert.match((await failure(at(uri).unwrap(key()))).message, "asked again after 5 seconds");
      assert.is(asked, before);
      away = false;
      later = 12_000;
      for (let i = 0; i < 3; i++) assert.equal(await at(uri).unwrap(key()), { key: DATA_KEY });
    });
  } finally {
    performance.now = now;
    vault.close();
  }
});

test("requests without a key, or with one of a kind that is not known, are refused", async () => {
  const { keyService } = await loadProtocol(wireForms(TABLE_OF_KINDS));
  await serving({}, async ({ port }) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const send = (bytes: Buffer) =>
      new Promise<string>((resolve) => {
        client.makeUnaryRequest(
          keyService.Decrypt!.path,
          (b: Buffer) => b,
          (b) => b,
          bytes,
          (error) => resolve(error?.details ?? "ok"),
        );
      });
    const none = /names no key/;
    assert.match(await send(Buffer.alloc(0)), none);
    // field 1, a key, with an empty message in field 99
    assert.match(await send(Buffer.from([0x0a, 3, 0x9a, 0x06, 0])), none);
    // an age key without a recipient
    assert.match(await send(Buffer.from([0x0a, 2, 0x32, 0])), /has no recipient/);
    assert.match(await send(Buffer.alloc(100 * 1024, 0x12)), /max|larger|invalid|illegal|size/i);
    client.close();
  });
});

test("too many requests at once are told to come back, and come back", async () => {
  const person = gate();
  const ask = async () => {
    await person.opened;
    return true;
  };
  const many = QUESTIONS_EACH + 4;
  const log = await serving({ ask }, async ({ uri, log }) => {
    const client = at(uri);
    const calls = Promise.allSettled(Array.from({ length: many }, () => client.wrap(ageKey(), DATA_KEY)));
    await until(() => withResult(log, "busy").length > 0, "a request too many");
    person.open();
    assert.ok((await calls).every(({ status }) => status === "fulfilled"));
  });
  assert.is(withResult(log, "ok").length, many);
});

test("finding 22: connections take turns, and one that asks much leaves room for the others", async () => {
  for (const place of [{}, { network: "unix", address: join(scratch(), "s") } as const]) {
    const asked: string[] = [];
    const person = gate();
    const ask = async (question: string) => {
      asked.push(question);
      await person.opened;
      return true;
    };
    const log = await serving({ ask, verbose: true, ...place }, async ({ uri, log }) => {
      const greedy = [at(uri), at(uri), at(uri)];
      const many = Array.from({ length: 96 }, (_, i) =>
        greedy[i % 3]!.wrap(ageKey(), DATA_KEY).catch(() => undefined),
      );
      await until(() => withResult(log, "busy").length > 0, "a request too many");
      const other = at(uri).wrap(hybridKey(), DATA_KEY);
      const arrived = () =>
        log.some(({ result, key }) => result === "begun" && String(key).startsWith("age1pq1"));
      await until(arrived, "the other one's question");
      person.open();
      await other;
      const place = asked.findIndex((question) => question.includes("age1pq1"));
      assert.ok(place > 0 && place <= 4, `asked as number ${place + 1}`);
      await Promise.all(many);
    });
    assert.ok(requestsIn(log).some(({ result }) => result === "busy"));
    assert.not.ok(
      requestsIn(log).some(({ result, key }) => result === "busy" && String(key).startsWith("age1pq1")),
    );
  }
});

test("finding 22: many connections that ask much do not lock out one that asks for the first time", async () => {
  const asked: string[] = [];
  const person = gate();
  const questions = new Questions(async (text) => {
    asked.push(text);
    await person.opened;
    return true;
  });
  const greedy = Array.from({ length: 40 }, (_, i) => `greedy ${i}`);
  const many: Promise<boolean>[] = [];
  for (let round = 0; round < QUESTIONS_EACH; round++) {
    for (const name of greedy)
      if (questions.takes(name)) many.push(questions.put(name, name, new AbortController().signal));
  }
  assert.ok(many.length < greedy.length * QUESTIONS_EACH);
  assert.ok(greedy.every((name) => !questions.takes(name)));
  assert.ok(questions.takes("other"));
  const other = questions.put("other", "other", new AbortController().signal);
  person.open();
  assert.ok(await other);
  assert.ok(asked.indexOf("other") <= greedy.length + 1, `asked as number ${asked.indexOf("other") + 1}`);
  await Promise.all(many);
});

test("finding 22: a question ends when its client goes away, and the next one is asked", async () => {
  const asked: AbortSignal[] = [];
  const ask = (_question: string, signal: AbortSignal) => {
    asked.push(signal);
    if (asked.length > 1) return Promise.resolve(true);
    return new Promise<boolean>((resolve) => signal.addEventListener("abort", () => resolve(false)));
  };
  await serving({ ask }, async ({ uri }) => {
    const { service, leave } = leaving(uri);
    const left = failure(service.wrap(ageKey(), DATA_KEY));
    await until(() => asked.length === 1, "the question");
    const patient = at(uri).wrap(ageKey(), DATA_KEY);
    leave();
    assert.is((await left).code, "aborted");
    assert.ok(await patient);
  });
  assert.is(asked.length, 2);
  assert.ok(asked[0]!.aborted);
});

test("finding 10: the question names the key that would be used, and another one is refused without asking", async () => {
  const asked: string[] = [];
  const ask = async (question: string) => asked.push(question) > 0;
  const identities = ["age1", "age2", "agepq"].map((name) => goldenKey(`${name}.txt`)).join("\n");
  const ssh = join(GOLDEN, "keys", "ssh_ed25519");
  const context = contextWith({ SOPS_AGE_KEY: identities, SOPS_AGE_SSH_PRIVATE_KEY_FILE: ssh });
  const named = (key: MasterKey, recipient: string): MasterKey => withFields(key, { recipient });
  const wrap = async (recipient: string) => {
    const [keys] = await wrapDataKey(DATA_KEY, [kindNamed("age").parse(recipient)], 0, {
      context: contextWith(),
    });
    return keys![0]!;
  };
  const [dev, prod, hybrid] = ["age1", "age2", "agepq"].map((name) => goldenKey(`${name}.pub`).trim());
  const sshLine = readFileSync(`${ssh}.pub`, "utf8").trim();
  const log = await serving({ ask, context }, async ({ uri }) => {
    const service = at(uri);
    const forProd = await wrap(prod!);
    for (const claim of [dev!, hybrid!]) {
      const error = await failure(service.unwrap(named(forProd, claim)));
      assert.match(error.message, `it is for ${prod}, and not for the recipient that is named`);
    }
    await failure(service.unwrap(named(forProd, "health-check (harmless)")));
    assert.equal(asked, []);
    for (const recipient of [prod!, hybrid!, sshLine]) {
      assert.equal(await service.unwrap(await wrap(recipient)), { key: DATA_KEY }, recipient);
    }
    const nobodys = await wrap(goldenKey("age3.pub").trim());
    assert.match((await failure(service.unwrap(nobodys))).message, /nothing here can open it/);
  });
  assert.equal(asked.length, 3);
  assert.match(asked[0]!, `using age key ${prod}. Respond`);
  assert.equal(
    requestsIn(log).map(({ result }) => result),
    ["failed", "failed", "failed", "ok", "ok", "ok", "failed"],
  );
});

test("finding 10: PGP keys, too", async () => {
  const asked: string[] = [];
  const ask = async (question: string) => asked.push(question) > 0;
  const keys = `${goldenKey("pgp1.asc")}\n${goldenKey("pgp2.asc")}`;
  const context = contextWith(
    { PATH: scratch(), TSOPS_PGP_KEY: keys },
    { now: () => new Date("2027-03-01") },
  );
  const [mine, other] = ["pgp1", "pgp2"].map((name) => goldenKey(`${name}.fp`).trim());
  await serving({ ask, context }, async ({ uri }) => {
    const [keys] = await wrapDataKey(DATA_KEY, [kindNamed("pgp").parse(mine!)], 0, { context });
    const key = keys![0]!;
    const error = await failure(at(uri).unwrap(withFields(key, { fp: other! })));
    assert.match(error.message, /which is not the key that is named/);
    assert.equal(asked, []);
    assert.equal(await at(uri).unwrap(key), { key: DATA_KEY });
    assert.match(asked[0]!, `using PGP key ${mine}. Respond`);
    // a name that whoever asks chose: the question says whose key that is
    const named = withFields(key, { fp: "pgp1@test.invalid" });
    assert.equal(await at(uri).unwrap(named), { key: DATA_KEY });
    assert.match(asked[1]!, "using PGP key pgp1@test.invalid (its id is B8BA14654D5DA8DE). Respond");
  });
});

test("finding 10: nothing of a long id is left out of the question, and one too long to read is not asked", async () => {
  const asked: string[] = [];
  const ask = async (question: string) => asked.push(question) < 0;
  await serving({ ask }, async ({ uri }) => {
    const [key] = kindNamed("kms").parse(
      `arn:aws:kms:eu-west-1:111122223333:key/${"1".repeat(300)}prod${"2".repeat(300)}`,
    );
    const wrapped = withFields(key!, { enc: "AAAA" });
    await failure(at(uri).unwrap(wrapped));
    assert.match(asked[0]!, /1prod2/);
    const long = withFields(wrapped, { arn: `arn:aws:kms:eu-west-1:111122223333:key/${"1".repeat(3000)}` });
    assert.match((await failure(at(uri).unwrap(long))).message, /more than 2000 characters/);
    assert.is(asked.length, 1);
  });
});

function hybridKey(): MasterKey {
  return kindNamed("age").parse(goldenKey("agepq.pub").trim())[0]!;
}

test("the standard health check says serving, and watchers are told when the service stops", async () => {
  const { health } = await loadProtocol(wireForms(TABLE_OF_KINDS));
  const statuses: string[] = [];
  const over = gate();
  await serving({}, async ({ port }) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const check = (service: string) =>
      new Promise<string>((resolve) => {
        const { path, requestSerialize, responseDeserialize } = health.Check!;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, response) =>
          resolve(error ? String(error.code) : (response as { status: string }).status),
        );
      });
    assert.is(await check(""), "SERVING");
    assert.is(await check("KeyService"), "SERVING");
    assert.is(await check("other"), "5");
    const { path, requestSerialize, responseDeserialize } = health.Watch!;
    const watch = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      service: "KeyService",
    });
    watch.on("data", ({ status }: { status: string }) => statuses.push(status));
    watch.on("error", over.open).on("end", over.open);
    await until(() => statuses.length > 0, "the first status");
  });
  await over.opened;
  assert.equal(statuses, ["SERVING", "NOT_SERVING"]);
});

test("stopping lets requests that run finish, and cuts off those that take too long", async () => {
  for (const [grace, outcome] of [
    [60_000, /^ok$/],
    [1, /broke before it answered, and now .*nothing listens there/],
  ] as const) {
    const person = gate();
    let asked = false;
    const ask = async () => {
      asked = true;
      await person.opened;
      return true;
    };
    const options = { network: "tcp", address: "127.0.0.1:0", secrets: [], verbose: false } as const;
    const server = await startServer({ ...options, context: withIdentity(), ask, log: () => undefined });
    const call = at(server.uri)
      .wrap(ageKey(), DATA_KEY)
      .then(
        () => "ok",
        (error: TsopsError) => error.message,
      );
    await until(() => asked, "the question");
    const stopped = server.stop(grace);
    // only who waits for requests has to see this one end; others are not taken any more
    const next = await failure(at(server.uri).wrap(ageKey(), DATA_KEY));
    assert.match(next.message, /nothing listens there/);
    if (grace > 1) person.open();
    await stopped;
    assert.match(await call, outcome);
    person.open();
  }
});

test("without TLS, a cluster's keys are served to this machine only; other keys with a warning", async () => {
  const open = { address: "0.0.0.0:0" };
  const error = await failure(serving({ ...open, secrets: [SECRET] }, async () => undefined));
  assert.match(error.message, /whoever reaches this address could use every key of the cluster/);
  for (const options of [open, { ...open, secrets: [SECRET], allowAnyone: true }]) {
    const log = await serving(options, async () => undefined);
    assert.is(log.filter(({ event }) => event === "warning").length, 2);
  }
});

test("finding 22: on an address of the machine itself its other users are warned of, on a socket there are none", async () => {
  const warnings = async (options: Parameters<typeof serving>[0]): Promise<string> =>
    (await serving(options, async () => undefined))
      .filter(({ event }) => event === "warning")
      .map(({ message }) => message)
      .join();
  assert.match(
    await warnings({}),
    /^every user of this machine can use the keys of this machine here: .*--network unix/,
  );
  assert.match(await warnings({ secrets: [SECRET] }), /can use every key of the cluster/);
  assert.is(await warnings({ secrets: [SECRET], network: "unix", address: join(scratch(), "s") }), "");
});

test("a server that is silent, and one that is something else", async () => {
  const silent = createServer((socket) => socket.unref()).listen(0, "127.0.0.1");
  const web = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
  await Promise.all([silent, web].map((server) => once(server.unref(), "listening")));
  const uriOf = (server: typeof silent) => `tcp://127.0.0.1:${(server.address() as { port: number }).port}`;
  const late = await failure(
    at(uriOf(silent), contextWith({ TSOPS_KMS_TIMEOUT: "0.5" })).wrap(ageKey(), DATA_KEY),
  );
  assert.match(late.message, /did not answer within 0.5 seconds/);
  const other = await failure(at(uriOf(web)).wrap(ageKey(), DATA_KEY));
  assert.match(other.message, /hangs up|broke before it answered/);
  silent.close();
  web.close();
});

test.run();
