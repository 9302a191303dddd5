import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { flatBlock, flatten } from "../../../src/formats/flatten.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { textField, withFields } from "../../../src/keys/fields.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { groupsFromMetadata, groupsToMetadata, ownKeysToMetadata } from "../../../src/keys/metadata.ts";
import { wrappedPart } from "../../../src/keys/stores/secret.ts";
import { kindOfUri } from "../../../src/keys/table.ts";
import { contextWith, goldenKey } from "../../support/keys/contexts.ts";
import { age, env } from "../../support/keys/in-use.ts";
import { failure, newMaster } from "../../support/keys/stores.ts";

/** Master keys in environment variables, and how keys of a store are rotated. */

const URI = "env://MASTER";
const [KEY] = env.parse(URI);
const RECIPIENT = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
const DATA_KEY = randomBytes(32);

test("the identifier is the URI, and a list of them has commas", () => {
  assert.equal(
    env.parse("env://A, env://_b2 ").map(({ kind, id, fields }) => [kind, id, textField(fields, "uri")]),
    [
      ["env", "env://A", "env://A"],
      ["env", "env://_b2", "env://_b2"],
    ],
  );
  assert.is(kindOfUri(URI).name, "env");
  for (const text of ["env://", "env://1A", "env://A-B", "env://A/B", "env://A=B", "ENV://A", "env://A#x"]) {
    assert.throws(() => env.parse(text), /does not name an environment variable/, text);
  }
  assert.throws(() => env.parse("env://A,,env://B"), /is empty/);
});

test("a data key and a share come back", async () => {
  const { text, id } = newMaster();
  const context = contextWith({ MASTER: text });
  for (const secret of [DATA_KEY, randomBytes(33)]) {
    const wrapped = await env.wrap(KEY!, secret, context);
    assert.equal(
      wrapped.fields.entries().map(({ key }) => key),
      ["created_at", "enc", "key_id", "uri"],
    );
    assert.is(textField(wrapped.fields, "key_id"), id);
    assert.is(textField(wrapped.fields, "created_at"), "2025-01-02T03:04:05Z");
    assert.equal(await env.unwrap(wrapped, context), secret);
  }
});

test("the wrapped key does not depend on the variable's name", async () => {
  const { text } = newMaster();
  const wrapped = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: text }));
  const moved = { ...withFields(wrapped, { uri: "env://ELSEWHERE" }), id: "env://ELSEWHERE" };
  assert.equal(await env.unwrap(moved, contextWith({ ELSEWHERE: text })), DATA_KEY);
});

test("rotation: old files open, new files get the newest key", async () => {
  const [old, now] = [newMaster(), newMaster()];
  const before = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: old.text }));
  const both = contextWith({ MASTER: `${now.text}\n${old.text}\n` });
  assert.equal(await env.unwrap(before, both), DATA_KEY);
  const after = await env.wrap(before, DATA_KEY, both);
  assert.is(textField(after.fields, "key_id"), now.id);
  assert.equal(await env.unwrap(after, contextWith({ MASTER: now.text })), DATA_KEY);

  const { message, hint } = await failure(env.unwrap(before, contextWith({ MASTER: now.text })));
  assert.match(message, `env://MASTER does not hold the master key whose id is ${old.id}`);
  assert.match(message, `it holds ${now.id}`);
  assert.match(hint!, /put that master key back/);
  assert.not.ok(`${message}${hint}`.includes(now.text));
});

test("a variable that is not set is passed over, and the report says what is due", async () => {
  const { text, id } = newMaster();
  const wrapped = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: text }));
  for (const [value, state] of [
    [undefined, "not set"],
    ["", "empty"],
  ] as const) {
    const context = contextWith({ MASTER: value });
    assert.is(await env.unwrap(wrapped, context), null);
    assert.equal(env.whyNot!(wrapped, context), [
      `the variable MASTER is ${state}`,
      "set it to a master key; `tsops keygen --master` makes a new one",
      `the file was encrypted with the master key whose id is ${id}`,
    ]);
    assert.match(
      (await failure(env.wrap(KEY!, DATA_KEY, context))).message,
      `the variable MASTER is ${state}`,
    );
    assert.is((await env.examine(wrapped, context)).usable, false);
  }
});

test("what is no master key is refused, and not shown", async () => {
  const { text } = newMaster();
  const wrapped = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: text }));
  for (const value of ["hunter2!", "c2hvcnQ=", `${text} hunter2!`]) {
    const context = contextWith({ MASTER: value });
    for (const work of [() => env.unwrap(wrapped, context), () => env.wrap(KEY!, DATA_KEY, context)]) {
      const { message, hint } = await failure(work());
      assert.match(message, /env:\/\/MASTER holds is not a master key/);
      assert.not.match(`${message}${hint}`, /hunter2|c2hvcnQ/);
    }
    const { usable, lines } = await env.examine(wrapped, context);
    assert.is(usable, false);
    assert.not.match(lines.join("\n"), /hunter2|c2hvcnQ/);
  }
});

test("an entry that was changed", async () => {
  const [one, other] = [newMaster(), newMaster()];
  const context = contextWith({ MASTER: `${one.text} ${other.text}` });
  const wrapped = await env.wrap(KEY!, DATA_KEY, context);
  const cases: [changes: Record<string, string>, why: RegExp][] = [
    [{ key_id: other.id }, /changed, or wrapped with another key/],
    [{ key_id: "" }, /key_id of env:\/\/MASTER is not 16 hexadecimal digits/],
    [{ key_id: `${one.id}0` }, /not 16 hexadecimal digits/],
    [{ key_id: "0123456789abcdef" }, /does not hold the master key whose id is 0123456789abcdef/],
    [{ enc: "" }, /does not begin with a version/],
    [{ enc: "v9:AAAA" }, /version v9/],
    [{ enc: "v1:AAAA" }, /not base64 of the right length/],
  ];
  for (const [changes, why] of cases) {
    assert.match((await failure(env.unwrap(withFields(wrapped, changes), context))).message, why);
  }
});

test("what doctor says", async () => {
  const [one, other] = [newMaster(), newMaster()];
  const wrapped = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: one.text }));
  const at = (MASTER: string, key: MasterKey = wrapped) => env.examine(key, contextWith({ MASTER }));
  const good = await at(`${other.text},${one.text}`);
  assert.is(good.usable, true);
  assert.equal(good.lines, [
    "the variable MASTER is set",
    `it holds the master key ${other.id}`,
    `it holds the master key ${one.id}`,
  ]);
  const gone = await at(other.text);
  assert.is(gone.usable, false);
  assert.match(gone.lines.join("\n"), `the file needs the master key ${one.id}`);
  const without = await at(`age:${RECIPIENT}#LS0t`);
  assert.is(without.usable, false);
  assert.match(without.lines.join("\n"), `a master key that is wrapped by age ${RECIPIENT}`);
  assert.match(without.lines.join("\n"), `the file needs the master key ${one.id}`);
  assert.is((await at(one.text, KEY!)).usable, true, "a key that has wrapped nothing yet");
});

test("what doctor says of a master key that is wrapped: whether that can be undone, not which one it is", async () => {
  const [wrapping] = age.parse(RECIPIENT);
  const { fields } = await age.wrap(wrapping!, randomBytes(32), contextWith());
  const MASTER = wrappedPart(`age:${RECIPIENT}`, textField(fields, "enc"));
  const wrapped = withFields(KEY!, { key_id: "0123456789abcdef", enc: "v1:" });
  const { usable, lines } = await env.examine(
    wrapped,
    contextWith({ MASTER, SOPS_AGE_KEY: goldenKey("age1.txt") }),
  );
  assert.is(usable, undefined);
  assert.match(lines.join("\n"), "an identity for it is here");
  const blind = await env.examine(wrapped, contextWith({ MASTER }));
  assert.is(blind.usable, false);
  assert.match(blind.lines.join("\n"), "no identity for it");
});

test("it stands in tsops.keys with its fields, those of later versions too", async () => {
  const wrapped = await env.wrap(KEY!, DATA_KEY, contextWith({ MASTER: newMaster().text }));
  const key = withFields(wrapped, { future: "x" });
  assert.equal(groupsToMetadata([[key]], 0), new TreeMap());
  const keys = ownKeysToMetadata([[key]])!;
  const { groups } = groupsFromMetadata(TreeMap.of([["tsops", TreeMap.of([["keys", keys]])]]));
  assert.equal(groups, [[key]]);
  const bad = TreeMap.of([["keys", TreeMap.of([["uri", "env://not a name"]])]]);
  assert.throws(
    () => groupsFromMetadata(TreeMap.of([["tsops", bad]])),
    /cannot be read.*does not name an env/,
  );
});

test("a group with no other key is marked, since formats without nesting leave empty lists out", () => {
  const [known] = age.parse(RECIPIENT);
  const tree = groupsToMetadata([[known!], [KEY!], [known!, KEY!]], 2);
  const items = flatten(tree).map(({ key }) => key);
  assert.equal(
    items.filter((key) => key.includes("tsops")),
    ["key_groups__list_1__map_tsops"],
  );
  const lines = flatten(tree).map(({ key, value }) => ({
    key,
    value: String(value),
    keyStart: 0,
    start: 0,
    end: 0,
  }));
  const keys = ownKeysToMetadata([[known!], [KEY!], [known!, KEY!]])!;
  const read = TreeMap.of([
    ...flatBlock("", lines)
      .tree.entries()
      .map(({ key, value }) => [key, value] as const),
    ["tsops", TreeMap.of([["keys", keys]])],
  ]);
  assert.equal(
    groupsFromMetadata(read).groups.map((group) => group.map(({ id }) => id)),
    [[RECIPIENT], [URI], [RECIPIENT, URI]],
  );
});

test.run();
