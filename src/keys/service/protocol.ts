import type { ServiceDefinition } from "@grpc/grpc-js";
import type { KindName } from "../kind.ts";

/**
 * The gRPC services that key services speak: SOPS's own (SPEC section 7) with one more kind of key, and gRPC's
 * standard health check (grpc.health.v1). Names and numbers are SOPS's; SOPS itself answers "unknown" to ours.
 */

/** One kind of key in the oneof of the message `Key`. */
export interface Member {
  readonly kind: KindName;
  readonly name: keyof WireKey & string;
  readonly number: number;
  /** In the order of their numbers, from 1: the name on the wire, and the one in the metadata (SPEC section 5). */
  readonly fields: readonly { readonly wire: string; readonly own: string; readonly map?: true }[];
}

/** Fields with the same name on the wire and in the metadata. */
const same = (...names: string[]) => names.map((name) => ({ wire: name, own: name }));

export const MEMBERS: readonly Member[] = [
  {
    kind: "kms",
    name: "kms_key",
    number: 1,
    fields: [...same("arn", "role"), { wire: "context", own: "context", map: true }, ...same("aws_profile")],
  },
  { kind: "pgp", name: "pgp_key", number: 2, fields: [{ wire: "fingerprint", own: "fp" }] },
  { kind: "gcp_kms", name: "gcp_kms_key", number: 3, fields: same("resource_id") },
  { kind: "azure_kv", name: "azure_keyvault_key", number: 4, fields: same("vault_url", "name", "version") },
  {
    kind: "hc_vault",
    name: "vault_key",
    number: 5,
    fields: same("vault_address", "engine_path", "key_name"),
  },
  { kind: "age", name: "age_key", number: 6, fields: same("recipient") },
  { kind: "hckms", name: "hckms_key", number: 7, fields: same("key_id") },
  // ours, with a number that SOPS will not come to soon (docs/keyservice.md)
  { kind: "cluster", name: "cluster_key", number: 100, fields: same("key_id") },
];

export type WireFields = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The message `Key`: at most one member is there. */
export interface WireKey {
  readonly kms_key?: WireFields;
  readonly pgp_key?: WireFields;
  readonly gcp_kms_key?: WireFields;
  readonly azure_keyvault_key?: WireFields;
  readonly vault_key?: WireFields;
  readonly age_key?: WireFields;
  readonly hckms_key?: WireFields;
  readonly cluster_key?: WireFields;
}

export interface EncryptRequest {
  readonly key: WireKey | null;
  readonly plaintext: Buffer;
}
export interface EncryptResponse {
  readonly ciphertext: Buffer;
}
export interface DecryptRequest {
  readonly key: WireKey | null;
  readonly ciphertext: Buffer;
}
export interface DecryptResponse {
  readonly plaintext: Buffer;
}

/** Bytes in a message. The longest wrapped keys, those for several kilobytes of public key, have a tenth of it. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

/** The name by which clients ask for the health of the key service. */
export const SERVICE = "KeyService";
export const HEALTH = "grpc.health.v1.Health";

export interface Protocol {
  readonly keyService: ServiceDefinition;
  readonly health: ServiceDefinition;
}

/** Loads the package that encodes messages, which most runs do not need. */
export async function loadProtocol(): Promise<Protocol> {
  const { fromJSON } = await import("@grpc/proto-loader");
  const services = fromJSON(DEFINITION, { bytes: Buffer, defaults: true, oneofs: true, enums: String });
  return {
    keyService: services[SERVICE] as ServiceDefinition,
    health: services[HEALTH] as ServiceDefinition,
  };
}

type Field = { type: string; id: number; keyType?: string };

const message = (fields: Readonly<Record<string, Field>>) => ({ fields });
const method = (name: string, more = {}) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  comment: "",
  ...more,
});
const bytes = { type: "bytes", id: 1 };
const key = { type: "Key", id: 1 };

/** What a .proto file would say, as protobufjs writes it in JSON. */
const DEFINITION = {
  nested: {
    [SERVICE]: { methods: { Encrypt: method("Encrypt"), Decrypt: method("Decrypt") } },
    EncryptRequest: message({ key, plaintext: { type: "bytes", id: 2 } }),
    EncryptResponse: message({ ciphertext: bytes }),
    DecryptRequest: message({ key, ciphertext: { type: "bytes", id: 2 } }),
    DecryptResponse: message({ plaintext: bytes }),
    Key: {
      oneofs: { key_type: { oneof: MEMBERS.map(({ name }) => name) } },
      fields: Object.fromEntries(
        MEMBERS.map(({ name, number }) => [name, { type: messageOf(name), id: number }]),
      ),
    },
    ...Object.fromEntries(
      MEMBERS.map(({ name, fields }) => [
        messageOf(name),
        message(Object.fromEntries(fields.map(({ wire, map }, i) => [wire, textField(i + 1, map)]))),
      ]),
    ),
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                Health: {
                  methods: {
                    Check: method("HealthCheck"),
                    Watch: method("HealthCheck", { responseStream: true }),
                  },
                },
                HealthCheckRequest: message({ service: { type: "string", id: 1 } }),
                HealthCheckResponse: {
                  fields: { status: { type: "ServingStatus", id: 1 } },
                  nested: {
                    ServingStatus: {
                      values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

/** `kms_key` → `KmsKey`: messages have names only in descriptions, never on the wire. */
function messageOf(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function textField(id: number, map: true | undefined): Field {
  return map ? { keyType: "string", type: "string", id } : { type: "string", id };
}
