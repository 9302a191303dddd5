import { test } from "uvu";
import * as assert from "uvu/assert";
import type { OptionTable } from "../../src/cli/options.ts";
import { TreeList, TreeMap } from "../../src/formats/tree.ts";
import { defineKind } from "../../src/keys/define.ts";
import { neededField, sortedFields, splitList, textField, withFields } from "../../src/keys/fields.ts";
import type { KeyKind } from "../../src/keys/kind.ts";
import { KINDS } from "../../src/keys/table.ts";

/**
 * A kind that nobody has, in a few lines: all that has to be known of it stands here. Everything that lists kinds is
 * made from the table, so it must appear everywhere (CONTRIBUTING.md, how to add a kind of key).
 */
const MOON_SERVERS = {
  name: "moon",
  field: "moon",
  what: "the moon",
  about: "Moons.",
  example: "luna",
  named: ({ id }: { id: string }) => id.split("/")[0],
};
const moon = defineKind({
  name: "moon",
  title: "Moon KMS",
  uris: [{ scheme: "moonkms://", stands: "", example: "moonkms://luna/k", rest: "[a-z]+/[a-z]+" }],
  sops: {
    field: "moon_kms",
    option: "moon-kms",
    listed: "Moon KMS keys",
    variable: "SOPS_MOON_KMS",
    rule: "moon_kms",
    group: "moon_kms",
    place: { option: 8, rule: 8 },
  },
  wire: { name: "moon_key", number: 50, fields: [{ wire: "id", own: "id" }] },
  triedFirst: 3,
  names: [MOON_SERVERS],
  secrets: { prefixes: ["MOON_"], credentials: ["MOON_TOKEN"] },
  parse: (list) =>
    splitList(list, "Moon KMS").map((id) => ({ kind: "moon", id, fields: sortedFields([["id", id]]) })),
  fromMetadata: (fields) => ({ kind: "moon", id: neededField(fields, "id", "Moon KMS"), fields }),
  use: async () => ({
    wrap: async (key, dataKey) => withFields(key, { enc: Buffer.from(dataKey).toString("base64") }),
    unwrap: async ({ fields }) => ({ key: Buffer.from(textField(fields, "enc"), "base64") }),
    examine: async () => ({ usable: true, lines: ["the moon is up"] }),
  }),
});
(KINDS as KeyKind[]).push(moon);

test("a kind in the table wraps, is read from metadata, and is tried in its place", async () => {
  const [
    { groupsFromMetadata, groupsToMetadata, unwrapDataKey, wrapDataKey },
    { parseDecryptionOrder },
    help,
  ] = await Promise.all([
    import("../../src/keys/groups.ts"),
    import("../../src/keys/table.ts"),
    import("../support/keys/contexts.ts"),
  ]);
  const dataKey = Buffer.alloc(32, 7);
  const wrapped = await wrapDataKey(dataKey, [moon.parse("luna/k")], 0, { context: help.contextWith() });
  const metadata = groupsToMetadata(wrapped, 0);
  assert.ok(metadata.get("moon_kms") instanceof TreeList);
  const { groups, threshold } = groupsFromMetadata(metadata);
  const order = parseDecryptionOrder("");
  assert.equal(order, ["age", "pgp", "moon"]);
  assert.equal(await unwrapDataKey(groups, threshold, { order, context: help.contextWith() }), dataKey);
});

test("its option, its variable and its URI name keys, and its help is made", async () => {
  const [{ keysFrom, keysOfEnvironment }, { KEYS, GLOBAL, ADD_REMOVE }, { valuesOf }, uris] =
    await Promise.all([
      import("../../src/cli/creation.ts"),
      import("../../src/cli/options.ts"),
      import("../../src/cli/args.ts"),
      import("../../src/keys/uri.ts"),
    ]);
  const ids = (keys: readonly { id: string }[]): string[] => keys.map(({ id }) => id);
  const given = valuesOf({ ...GLOBAL, ...KEYS }, { "moon-kms": "luna/a,luna/b" });
  assert.equal(ids(keysFrom(given)), ["luna/a", "luna/b"]);
  assert.equal(ids(keysOfEnvironment({ SOPS_MOON_KMS: "luna/c" })), ["luna/c"]);
  const { keysOfUri, uriOf, uriPattern } = uris;
  assert.equal(ids(keysOfUri("moonkms://luna/d")), ["luna/d"]);
  assert.is(uriOf({ kind: "moon", id: "luna/d" }), "moonkms://luna/d");
  assert.match("moonkms://luna/k", new RegExp(`^(?:${uriPattern()})$`));
  const options: OptionTable = { ...KEYS, ...ADD_REMOVE };
  assert.is(options["moon-kms"]?.describe, "Moon KMS keys, separated by commas");
  assert.ok(options["add-moon-kms"] && options["rm-moon-kms"]);
});

test("configurations of both forms know it, and their schema", async () => {
  const [{ readSopsYaml }, { readSopsrc }, { SOPSRC }] = await Promise.all([
    import("../../src/config/sops-yaml.ts"),
    import("../../src/config/sopsrc.ts"),
    import("../../src/config/schema.ts"),
  ]);
  const flat = await readSopsYaml("creation_rules:\n  - moon_kms: luna/a\n", ".sops.yaml");
  assert.equal(flat.errors, []);
  assert.is(flat.rules?.[0]?.groups[0]?.[0]?.kind, "moon");
  const grouped = await readSopsYaml(
    "creation_rules:\n  - key_groups:\n      - moon_kms: [luna/a]\n",
    ".sops.yaml",
  );
  assert.is(grouped.rules?.[0]?.groups[0]?.[0]?.id, "luna/a");
  const own = await readSopsrc(
    '{ rules: [{ recipients: ["moonkms://luna/a"] }], allow: { moon: ["luna"] } }',
    ".sopsrc",
  );
  assert.equal(own.errors, []);
  assert.match(JSON.stringify(SOPSRC), /"moon"/);
});

test("what its keys name has to be allowed", async () => {
  const { namedByKeys, allowedByVariable } = await import("../../src/keys/allow-lists.ts");
  const named: Readonly<Record<string, readonly string[]>> = namedByKeys([{ kind: "moon", id: "luna/a" }]);
  assert.equal(named.moon, ["luna"]);
  const allowed: Readonly<Record<string, readonly string[]>> = allowedByVariable("moon=luna");
  assert.equal(allowed.moon, ["luna"]);
});

test("a key service can be asked for it", async () => {
  const [{ fromWire, toWire, wireForms }, { loadProtocol }, { TABLE_OF_KINDS }] = await Promise.all([
    import("../../src/keys/service/wire.ts"),
    import("../../src/keys/service/protocol.ts"),
    import("../../src/keys/context.ts"),
  ]);
  const key = toWire(moon.parse("luna/a")[0]!, TABLE_OF_KINDS);
  const { Encrypt } = (await loadProtocol(wireForms(TABLE_OF_KINDS))).keyService;
  const sent = Encrypt!.requestDeserialize(Encrypt!.requestSerialize({ key, plaintext: Buffer.of(1) }));
  assert.is(fromWire((sent as { key: never }).key, TABLE_OF_KINDS).kind.name, "moon");
});

test("its variables do not reach editors and gpg", async () => {
  const { withoutSecrets } = await import("../../src/programs/secret-variables.ts");
  const env = { MOON_TOKEN: "t", MOON_URL: "u", HOME: "/h" };
  assert.equal(withoutSecrets(env, "edits", KINDS), { MOON_URL: "u", HOME: "/h" });
  assert.equal(withoutSecrets(env, "gpg", KINDS), { HOME: "/h" });
});

test("its recipients are sealed, at the top and in groups", async () => {
  const [{ yaml }, { box, codeOf }, { SOPS_VERSION }] = await Promise.all([
    import("../../src/formats/yaml/index.ts"),
    import("../support/sealed.ts"),
    import("../../src/sops/metadata.ts"),
  ]);
  const keys = new TreeList([sortedFields([["id", "luna/a"]])]);
  const group = TreeMap.of([["moon_kms", keys]]);
  for (const holder of [
    { moon_kms: keys },
    { key_groups: new TreeList([group, group]) },
    { moon_kms: keys, key_groups: new TreeList([TreeMap.of([["moon_kms", new TreeList([])]])]) },
  ]) {
    const { encrypt, decrypt } = await box(yaml);
    const metadata = TreeMap.of([...Object.entries(holder), ["version", SOPS_VERSION]]);
    const text = encrypt("a: secret\n", { metadata });
    assert.is(decrypt(text).text, "a: secret\n");
    assert.is(
      codeOf(() => decrypt(text.replace("luna/a", "mars/a"))),
      "seal-broken",
    );
    const added = text.replace(/^(\s*)- id: luna\/a\n/m, "$&$1- id: mars/a\n");
    assert.not.equal(added, text);
    assert.is(
      codeOf(() => decrypt(added)),
      "seal-broken",
    );
  }
});

test.run();
