import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { TreeMap } from "../../src/formats/tree.ts";
import { ageUse } from "../../src/keys/age/use.ts";
import { keepForRun } from "../../src/keys/cache.ts";
import { forgetKeys, groupsFromMetadata, unwrapDataKey, wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyContext, KeyGroup, KeyService, MasterKey } from "../../src/keys/kind.ts";
import { contextWith, GOLDEN, goldenKey, sopsTreeOf } from "../support/keys/contexts.ts";
import { age, gcpKms, kms } from "../support/keys/in-use.ts";

const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7));
const group = (...names: string[]): KeyGroup =>
  age.parse(names.map((n) => goldenKey(`${n}.pub`).trim()).join(","));
const context = (...names: string[]): KeyContext =>
  contextWith({ SOPS_AGE_KEY: names.map((name) => goldenKey(`${name}.txt`)).join("\n") });
const order = ["age", "pgp"];

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

test("one group: any of its keys gives the data key", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1", "age2", "agepq")], 0, { context: contextWith() });
  for (const name of ["age1", "age2", "agepq"]) {
    assert.equal(await unwrapDataKey(groups, 0, { order, context: context(name) }), dataKey);
  }
});

test("several groups: as many as the threshold says", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1"), group("age2"), group("age3", "age4")], 2, {
    context: contextWith(),
  });
  for (const names of [
    ["age1", "age2"],
    ["age2", "age4"],
    ["age1", "age3"],
    ["age1", "age2", "age3"],
  ]) {
    assert.equal(await unwrapDataKey(groups, 2, { order, context: context(...names) }), dataKey);
  }
  const error = await failure(unwrapDataKey(groups, 2, { order, context: context("age3", "age4") }));
  assert.is(
    error.message,
    "Failed to get the data key required to decrypt the SOPS file: 2 of 3 key groups are needed, 1 could be opened",
  );
  assert.is(error.exitCode, 128);
});

test("without a threshold all groups are needed", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1"), group("age2"), group("age3")], 0, {
    context: contextWith(),
  });
  assert.equal(await unwrapDataKey(groups, 0, { order, context: context("age1", "age2", "age3") }), dataKey);
  const error = await failure(unwrapDataKey(groups, 0, { order, context: context("age1", "age3") }));
  assert.match(error.message, "3 of 3 key groups are needed, 2 could be opened");
});

test("shares are numbered by the group that they belong to", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1"), group("age2"), group("age1")], 2, {
    context: contextWith(),
  });
  for (const [i, name] of ["age1", "age2", "age1"].entries()) {
    const share = await age.unwrap(groups[i]![0]!, context(name));
    assert.equal([share?.length, share?.[32]], [33, i + 1]);
  }
});

test("groups and thresholds that do not fit", async () => {
  for (const [groups, threshold, reason] of [
    [[], 0, "there is no master key"],
    [[group("age1"), []], 0, "a key group is empty"],
    [[group("age1"), group("age2")], 1, "a threshold of 1 does not fit 2 key groups"],
    [[group("age1"), group("age2")], 3, "a threshold of 3 does not fit 2 key groups"],
  ] as const) {
    const error = await failure(wrapDataKey(dataKey, groups, threshold, { context: contextWith() }));
    assert.is(error.message, reason);
    assert.is(error.exitCode, 1);
  }
});

test("a threshold means nothing to one group", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 5, { context: contextWith() });
  assert.equal(await unwrapDataKey(groups, 5, { order, context: context("age1") }), dataKey);
});

test("keys that cannot be wrapped for are all named", async () => {
  const bad = [...gcpKms.parse("projects/a,projects/b"), ...group("age1")];
  const error = await failure(wrapDataKey(dataKey, [bad], 0, { context: contextWith() }));
  assert.match(
    error.message,
    /^cannot wrap the data key for Google Cloud KMS projects\/a: .*; Google Cloud KMS projects\/b: /,
  );
  assert.is(error.exitCode, 1);
});

test("why a key cannot be wrapped for is said once, and what to do stands apart", async () => {
  const error = await failure(
    wrapDataKey(dataKey, [gcpKms.parse("projects/a")], 0, { context: contextWith() }),
  );
  assert.is(
    error.message,
    "cannot wrap the data key for Google Cloud KMS projects/a: projects/a is not the resource id of a Google Cloud KMS key",
  );
  assert.match(error.hint!, /^it looks like projects\/PROJECT\//);

  const aws = await failure(wrapDataKey(dataKey, [kms.parse("1234")], 0, { context: contextWith() }));
  assert.is(aws.message, "cannot wrap the data key for AWS KMS 1234: 1234 is not the ARN of a KMS key");

  const two = await failure(
    wrapDataKey(dataKey, [gcpKms.parse("projects/a,projects/b")], 0, { context: contextWith() }),
  );
  assert.is(two.hint!.split("\n").length, 1, "the same advice stands there once");
});

test("the report of one group", async () => {
  const keys = [...gcpKms.parse("projects/a"), ...group("age1")];
  const [, wrapped] = (
    await wrapDataKey(dataKey, [group("age2", "age1")], 0, { context: contextWith() })
  )[0]!;
  const error = await failure(unwrapDataKey([[keys[0]!, wrapped!]], 0, { order, context: context("age2") }));
  assert.is(error.code, "no-data-key");
  assert.is(error.exitCode, 128);
  assert.is(
    error.message,
    "Failed to get the data key required to decrypt the SOPS file: none of the file's 2 master keys can be used",
  );
  const lines = error.hint!.split("\n");
  assert.is(lines[0], `age ${goldenKey("age1.pub").trim()}`);
  assert.is(lines[1], "  - no identity for it");
  assert.is(lines[2], `  - SOPS_AGE_KEY holds the identity of ${goldenKey("age2.pub").trim()}`);
  assert.is(lines.indexOf("Google Cloud KMS projects/a"), lines.length - 3);
  assert.match(lines.at(-2)!, "projects/a is not the resource id of a Google Cloud KMS key");
  assert.match(lines.at(-1)!, "it looks like projects/PROJECT/");
});

test("the report of several groups", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1"), group("age2")], 0, { context: contextWith() });
  const error = await failure(unwrapDataKey(groups, 0, { order, context: context("age1") }));
  const lines = error.hint!.split("\n");
  assert.is(lines[0], "key group 1 of 2: opened");
  assert.is(lines[1], "key group 2 of 2: not opened");
  assert.is(lines[2], `  age ${goldenKey("age2.pub").trim()}`);
  assert.is(lines[3], "    - no identity for it");
});

/** A service that holds the identities of another place, and notes what it is asked. */
function service(name: string, there: KeyContext, asked: string[]): KeyService {
  return {
    name,
    unwrap: (key) => {
      asked.push(`${name} unwrap`);
      return ageUse.unwrap(key, there);
    },
    wrap: (key, part) => {
      asked.push(`${name} wrap`);
      return age.wrap(key, part, there);
    },
  };
}

test("key services are asked after this program, in their order", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const asked: string[] = [];
  const services = [service("one", context("age2"), asked), service("two", context("age1"), asked)];
  assert.equal(await unwrapDataKey(groups, 0, { order, context: context("age1"), services }), dataKey);
  assert.equal(asked, []);
  assert.equal(await unwrapDataKey(groups, 0, { order, context: context("age3"), services }), dataKey);
  assert.equal(asked, ["one unwrap", "two unwrap"]);
});

test("without this program only the services are asked", async () => {
  const asked: string[] = [];
  const services = [service("one", context("age1"), asked)];
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, {
    context: contextWith(),
    local: false,
    services,
  });
  const options = { order, context: context("age1"), local: false };
  assert.equal(await unwrapDataKey(groups, 0, { ...options, services }), dataKey);
  assert.equal(asked, ["one wrap", "one unwrap"]);
  const error = await failure(unwrapDataKey(groups, 0, options));
  assert.match(error.hint!, "no key service may be used");
  assert.match(error.hint!, "name one with --keyservice");
  await failure(wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith(), local: false }));
});

test("a service that fails is named, and the next one asked", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const broken: KeyService = {
    name: "tcp://far:1",
    unwrap: async () => {
      throw new TsopsError("generic", "the connection is refused");
    },
    wrap: async () => {
      throw new Error("dial tcp: SECRET");
    },
  };
  const error = await failure(
    unwrapDataKey(groups, 0, { order, context: contextWith(), services: [broken] }),
  );
  assert.match(error.hint!, "  - tcp://far:1: the connection is refused");
  const named: KeyService = {
    ...broken,
    wrap: async () => {
      throw new TsopsError("generic", "the connection is refused", { hint: "start it" });
    },
  };
  const options = { local: false, services: [named, broken] };
  const refused = await failure(
    wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith(), ...options }),
  );
  assert.match(
    refused.message,
    /: tcp:\/\/far:1: the connection is refused; tcp:\/\/far:1: an internal error$/,
  );
  assert.is(refused.hint, "start it");
  const services = [broken, service("two", contextWith(), [])];
  const wrapped = await wrapDataKey(dataKey, [group("age1")], 0, {
    context: contextWith(),
    local: false,
    services,
  });
  assert.equal(
    await unwrapDataKey(wrapped, 0, { order, context: context("age1"), services: [broken] }),
    dataKey,
  );
});

test("a wrapped key is unwrapped once a run, and everybody gets a buffer of his own", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const asked: string[] = [];
  const options = {
    order,
    context: contextWith(),
    local: false,
    services: [service("one", context("age1"), asked)],
  };
  const copy: MasterKey = { ...groups[0]![0]!, fields: new TreeMap([...groups[0]![0]!.fields.items]) };
  const [a, b] = await Promise.all([unwrapDataKey(groups, 0, options), unwrapDataKey([[copy]], 0, options)]);
  a.fill(0);
  assert.equal(b, dataKey);
  assert.equal(await unwrapDataKey(groups, 0, options), dataKey);
  assert.equal(asked, ["one unwrap"]);
});

test("at a run's end the keys are forgotten", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const kept: Buffer[] = [];
  const keeper: KeyService = {
    ...service("one", contextWith(), []),
    unwrap: async (key) => {
      const opened = await ageUse.unwrap(key, context("age1"));
      if ("key" in opened) kept.push(opened.key);
      return opened;
    },
  };
  const options = { order, context: contextWith(), local: false, services: [keeper] };
  const opened = await unwrapDataKey(groups, 0, options);
  await forgetKeys(options.context);
  assert.equal(opened, dataKey);
  assert.equal(kept, [Buffer.alloc(32)]);
  await unwrapDataKey(groups, 0, options);
  assert.is(kept.length, 2);
});

test("secrets of a run are cleared at its end, also where a service never answers", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const silent: KeyService = {
    ...service("one", contextWith(), []),
    unwrap: () => new Promise(() => undefined),
  };
  const options = { order, context: contextWith(), local: false, services: [silent] };
  const secret = Buffer.alloc(32, 7);
  keepForRun(options.context, "secret", secret);
  void unwrapDataKey(groups, 0, options);
  await Promise.resolve();
  void forgetKeys(options.context);
  assert.equal(secret, Buffer.alloc(32));
});

test("what is no data key is not taken for one", async () => {
  const [key] = group("age1");
  const short = await age.wrap(key!, Buffer.alloc(16), contextWith());
  const good = await age.wrap(key!, dataKey, contextWith());
  const error = await failure(unwrapDataKey([[short]], 0, { order, context: context("age1") }));
  assert.match(error.hint!, "it opens to 16 bytes instead of 32");
  assert.equal(await unwrapDataKey([[short, good]], 0, { order, context: context("age1") }), dataKey);
});

test("a run that is stopped stops", async () => {
  const groups = await wrapDataKey(dataKey, [group("age1")], 0, { context: contextWith() });
  const stopped = { ...context("age1"), signal: AbortSignal.abort() };
  assert.is((await failure(unwrapDataKey(groups, 0, { order, context: stopped }))).code, "aborted");
});

test("a thousand wrapped keys of one identity take well under two seconds of CPU", async () => {
  const wraps = await Promise.all(
    Array.from({ length: 1000 }, () => age.wrap(group("age1")[0]!, dataKey, contextWith())),
  );
  const run = context("age1");
  const before = process.cpuUsage();
  for (const key of wraps) assert.is((await unwrapDataKey([[key]], 0, { order, context: run })).length, 32);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 2_000_000, `${(user + system) / 1000} ms`);
});

test("shares that SOPS wrote, in every choice of groups", async () => {
  const file = join(GOLDEN, "keys-groups-2of3-yaml", "in", "golden.enc.yaml");
  const { groups, threshold } = groupsFromMetadata(sopsTreeOf(file));
  assert.is(threshold, 2);
  const all = context("age1", "age2", "age3", "age4", "age5", "age6");
  const keys = [
    await unwrapDataKey(groups, 2, { order, context: all }),
    await unwrapDataKey(groups.slice(1), 2, { order, context: all }),
    await unwrapDataKey([groups[0]!, groups[2]!], 2, { order, context: all }),
    await unwrapDataKey(groups, 3, { order, context: all }),
  ];
  for (const key of keys) assert.equal(key, keys[0]);
});

test("the parts that SOPS wrote have the numbers 1 to that of the groups; 0 is refused, and another key tried", async () => {
  for (const name of ["keys-groups-2of3-yaml", "keys-groups-2x3-mixed", "keys-groups-cli-threshold"]) {
    const file = join(GOLDEN, name, "in", "golden.enc.yaml");
    const { groups } = groupsFromMetadata(sopsTreeOf(file));
    const all = context("age1", "age2", "age3", "age4", "age5", "age6");
    for (const [i, keys] of groups.entries()) {
      const mine = keys.find(({ kind }) => kind === "age");
      if (mine) assert.is((await age.unwrap(mine, all))?.[32], i + 1, name);
    }
  }
  const [one, two] = await wrapDataKey(dataKey, [group("age1", "age2"), group("age3")], 2, {
    context: contextWith(),
  });
  const forged = await age.wrap(one![0]!, Buffer.alloc(33), contextWith());
  const both = [[forged, one![1]!], two!];
  assert.equal(await unwrapDataKey(both, 2, { order, context: context("age1", "age2", "age3") }), dataKey);
  const error = await failure(unwrapDataKey(both, 2, { order, context: context("age1", "age3") }));
  assert.match(error.hint!, /a part of the data key with the number 0, which no group has/);
});

test.run();
