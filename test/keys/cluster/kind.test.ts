import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { ALLOW_NOTHING } from "../../../src/keys/allow-lists.ts";
import { textField, withFields } from "../../../src/keys/fields.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { keyServices } from "../../../src/keys/service/client.ts";
import { kindOfUri } from "../../../src/keys/table.ts";
import { contextWith } from "../../support/keys/contexts.ts";
import { cluster } from "../../support/keys/in-use.ts";
import { DATA_KEY, OTHER_SECRET, SECRET, serving } from "../../support/servers/keyservice.ts";

const keyAt = (port: number, id = "team/prod"): MasterKey =>
  cluster.parse(`cluster://127.0.0.1:${port}/${id}`)[0]!;
const allowing = (port: number, env = {}): KeyContext =>
  contextWith({ TSOPS_ALLOW: `cluster=127.0.0.1:${port}`, ...env });

async function failure(work: Promise<unknown>): Promise<TsopsError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, TsopsError);
    return error as TsopsError;
  }
  throw new Error("it should have failed");
}

test("a cluster's key wraps and unwraps, and has its URI in the metadata", async () => {
  const log = await serving({ secrets: [SECRET] }, async ({ port }) => {
    const key = keyAt(port);
    const wrapped = await cluster.wrap(key, DATA_KEY, allowing(port));
    assert.equal(
      wrapped.fields.entries().map(({ key: name }) => name),
      ["created_at", "enc", "uri"],
    );
    assert.is(textField(wrapped.fields, "created_at"), "2025-01-02T03:04:05Z");
    assert.match(
      textField(wrapped.fields, "enc"),
      new RegExp(`^tsops-cluster:v1:${SECRET.id}:[A-Za-z0-9+/=]+$`),
    );
    assert.is(kindOfUri(key.id).name, "cluster");
    const read = cluster.fromMetadata(wrapped.fields);
    assert.equal(await cluster.unwrap(read, allowing(port)), DATA_KEY);
    const share = Buffer.alloc(33, 9);
    const ofShare = await cluster.wrap(key, share, allowing(port));
    assert.equal(await cluster.unwrap(ofShare, allowing(port)), share);
  });
  assert.equal(
    log.filter(({ event }) => event === "request").map(({ kind, key, result }) => [kind, key, result])[0],
    ["cluster", "team/prod", "ok"],
  );
});

test("an address that only a file names is not connected to, not even to wrap", async () => {
  const log = await serving({ secrets: [SECRET] }, async ({ port }) => {
    const wrapped = await cluster.wrap(keyAt(port), DATA_KEY, allowing(port));
    for (const context of [contextWith(), allowing(port + 1)]) {
      for (const work of [
        () => cluster.wrap(keyAt(port), DATA_KEY, context),
        () => cluster.unwrap(wrapped, context),
      ]) {
        const error = await failure(work());
        assert.is(error.code, "not-allowed");
        assert.match(error.hint ?? "", new RegExp(`cluster=127\\.0\\.0\\.1:${port}`));
      }
      assert.is((await cluster.examine(wrapped, context)).usable, false);
    }
    const allow = async () => ({ ...ALLOW_NOTHING, cluster: [`127.0.0.1:${port}`] });
    assert.equal(await cluster.unwrap(wrapped, contextWith({}, { allow })), DATA_KEY);
  });
  assert.is(log.filter(({ event }) => event === "request").length, 2);
});

test("another key id, another master secret, damage: each is said as what it is", async () => {
  await serving({ secrets: [SECRET] }, async ({ port }) => {
    const context = allowing(port);
    const wrapped = await cluster.wrap(keyAt(port), DATA_KEY, context);
    const enc = textField(wrapped.fields, "enc");
    const moved = withFields(keyAt(port, "other"), { enc });
    assert.match((await failure(cluster.unwrap(moved, context))).message, /changed, or is of another key id/);
    const broken = withFields(wrapped, { enc: enc.replace(/.{8}$/, "AAAAAAAA") });
    assert.match(
      (await failure(cluster.unwrap(broken, context))).message,
      /cannot be opened: it was changed/,
    );
    const rubbish = withFields(wrapped, { enc: "rubbish" });
    assert.match((await failure(cluster.unwrap(rubbish, context))).message, /does not have the form/);
    await serving({ secrets: [OTHER_SECRET] }, async (second) => {
      const there = withFields(keyAt(second.port), { enc });
      const { message } = await failure(cluster.unwrap(there, allowing(second.port)));
      assert.match(message, new RegExp(`needs the master secret ${SECRET.id}, which is not held here`));
    });
    await serving({}, async (second) => {
      const { message } = await failure(cluster.wrap(keyAt(second.port), DATA_KEY, allowing(second.port)));
      assert.match(message, /holds no master secret/);
    });
  });
  const gone = await failure(cluster.wrap(keyAt(1), DATA_KEY, allowing(1)));
  assert.match(gone.message, /cannot be reached: nothing listens there/);
});

test("rotation: the newest secret wraps, older ones still open", async () => {
  let old: MasterKey | undefined;
  await serving({ secrets: [SECRET] }, async ({ port }) => {
    old = await cluster.wrap(keyAt(port), DATA_KEY, allowing(port));
  });
  await serving({ secrets: [OTHER_SECRET, SECRET] }, async ({ port }) => {
    const context = allowing(port);
    const before = withFields(keyAt(port), { enc: textField(old!.fields, "enc") });
    assert.equal(await cluster.unwrap(before, context), DATA_KEY);
    const young = await cluster.wrap(keyAt(port), DATA_KEY, context);
    assert.ok(textField(young.fields, "enc").includes(`:${OTHER_SECRET.id}:`));
    const doctor = await cluster.examine(before, context);
    assert.is(doctor.usable, undefined);
    assert.match(doctor.lines.join("\n"), /another master secret/);
    assert.is((await cluster.examine(young, context)).usable, true);
  });
});

test("a key service that the person names opens a cluster's keys, wherever the cluster is", async () => {
  await serving({ secrets: [SECRET] }, async ({ port, uri }) => {
    const wrapped = await cluster.wrap(keyAt(port), DATA_KEY, allowing(port));
    const elsewhere = { ...wrapped, id: "cluster://keys.example.com:5000/team/prod" };
    assert.equal(await keyServices([uri], contextWith())[0]!.unwrap(elsewhere), { key: DATA_KEY });
  });
});

test("doctor: nothing is unwrapped, and a service that is not there is said so in time", async () => {
  const log = await serving({ secrets: [SECRET] }, async ({ port }) => {
    const wrapped = await cluster.wrap(keyAt(port), DATA_KEY, allowing(port));
    const { usable, lines } = await cluster.examine(wrapped, allowing(port));
    assert.is(usable, true);
    assert.match(lines[0]!, new RegExp(`127\\.0\\.0\\.1:${port}, without TLS`));
  });
  assert.not.ok(log.some(({ method }) => method === "Decrypt"));
  const gone = await cluster.examine(keyAt(1), allowing(1));
  assert.is(gone.usable, false);
  assert.match(gone.lines.join("\n"), /nothing listens there/);
});

test("identifiers that are none", async () => {
  for (const text of ["cluster://h/a", "cluster://h:1/", "cluster://h:1/a b", "h:1/a"])
    assert.throws(() => cluster.parse(text), /is not the URI of a cluster's key/);
  assert.equal(cluster.parse(""), []);
  assert.throws(() => cluster.fromMetadata(new TreeMap()), /has no uri/);
  const key = cluster.fromMetadata(TreeMap.of([["uri", "cluster://evil host/a"]]));
  const { message } = await failure(cluster.unwrap(key, contextWith({ TSOPS_ALLOW: "cluster=evil" })));
  assert.match(message, /is not the URI of a cluster's key/);
});

test.run();
