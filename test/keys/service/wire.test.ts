import { test } from "uvu";
import * as assert from "uvu/assert";
import { TreeMap } from "../../../src/formats/tree.ts";
import { TABLE_OF_KINDS } from "../../../src/keys/context.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { loadProtocol, type WireKey } from "../../../src/keys/service/protocol.ts";
import { fromWire, toWire, wireForms } from "../../../src/keys/service/wire.ts";
import { kindNamed } from "../../../src/keys/table.ts";
import { kms } from "../../support/keys/in-use.ts";

/** Field number and text, as protocol buffers write them; numbers above 15 take two bytes. */
const field = (number: number, content: Buffer | string): Buffer => {
  const tag = (number << 3) | 2;
  const head = tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7];
  return Buffer.concat([Buffer.from([...head, Buffer.byteLength(content)]), Buffer.from(content)]);
};
const message = (...fields: Buffer[]) => Buffer.concat(fields);

const one = (kind: MasterKey["kind"], list: string) => kindNamed(kind).parse(list)[0]!;
const context = TreeMap.of([["App", "shop"]]);

const KEYS: readonly (readonly [MasterKey, Buffer])[] = [
  [
    kms.parse("arn:aws:kms:eu-west-1:1:key/k+arn:aws:iam::1:role/r", { context, awsProfile: "dev" })[0]!,
    field(
      1,
      message(
        field(1, "arn:aws:kms:eu-west-1:1:key/k"),
        field(2, "arn:aws:iam::1:role/r"),
        field(3, message(field(1, "App"), field(2, "shop"))),
        field(4, "dev"),
      ),
    ),
  ],
  [one("pgp", "ABCD"), field(2, field(1, "ABCD"))],
  [one("gcp_kms", "projects/p"), field(3, field(1, "projects/p"))],
  [
    one("azure_kv", "https://v.vault.azure.net/keys/n/1"),
    field(4, message(field(1, "https://v.vault.azure.net"), field(2, "n"), field(3, "1"))),
  ],
  [
    one("hc_vault", "https://v:8200/v1/a/b/keys/k"),
    field(5, message(field(1, "https://v:8200"), field(2, "a/b"), field(3, "k"))),
  ],
  [one("hckms", "tr-west-1:uuid"), field(7, field(1, "tr-west-1:uuid"))],
  [one("cluster", "cluster://h:1/team/k"), field(100, field(1, "team/k"))],
];

test("every kind has SOPS's numbers on the wire, and comes back with its fields", async () => {
  const { keyService } = await loadProtocol(wireForms(TABLE_OF_KINDS));
  const { requestSerialize, requestDeserialize } = keyService.Encrypt!;
  for (const [key, expected] of KEYS) {
    const plaintext = Buffer.from([1, 2, 3]);
    const bytes = requestSerialize({ key: toWire(key, TABLE_OF_KINDS), plaintext });
    assert.is(
      bytes.toString("hex"),
      message(field(1, expected), field(2, plaintext)).toString("hex"),
      key.kind,
    );
    const { key: wire } = requestDeserialize(bytes) as { key: WireKey };
    const named = fromWire(wire, TABLE_OF_KINDS);
    assert.is(named.kind.name, key.kind);
    const fields = key.kind === "cluster" ? TreeMap.of([["key_id", "team/k"]]) : key.fields;
    assert.equal(named.fields, fields);
  }
});

test("kinds that key services do not know have no form, and no key is an error", () => {
  assert.is(toWire({ kind: "unknown", id: "x://y", fields: new TreeMap() }, TABLE_OF_KINDS), undefined);
  assert.throws(() => fromWire(null, TABLE_OF_KINDS), /names no key/);
  assert.throws(() => fromWire({}, TABLE_OF_KINDS), /names no key/);
});

test.run();
