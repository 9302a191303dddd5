import type { ServiceDefinition } from "@grpc/grpc-js";
import type { WireForm } from "../kind.ts";

/**
 * The gRPC services that key services speak: SOPS's own (docs/internals/sops.md §7) with one more kind of key, and
 * gRPC's standard health check (grpc.health.v1). Names and numbers are SOPS's; SOPS itself answers "unknown" to ours.
 */

export type WireFields = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The message `Key`: at most one of the kinds' members is there. */
export type WireKey = Readonly<Record<string, WireFields>>;

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

/**
 * Loads the package that encodes messages, which most runs do not need.
 * @param forms how the kinds are named that may be asked for.
 */
export async function loadProtocol(forms: readonly WireForm[]): Promise<Protocol> {
  const { fromJSON } = await import("../../net/grpc/sdk.ts");
  const services = fromJSON(definition(forms), {
    bytes: Buffer,
    defaults: true,
    oneofs: true,
    enums: String,
  });
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
const definition = (forms: readonly WireForm[]) => ({
  nested: {
    [SERVICE]: { methods: { Encrypt: method("Encrypt"), Decrypt: method("Decrypt") } },
    EncryptRequest: message({ key, plaintext: { type: "bytes", id: 2 } }),
    EncryptResponse: message({ ciphertext: bytes }),
    DecryptRequest: message({ key, ciphertext: { type: "bytes", id: 2 } }),
    DecryptResponse: message({ plaintext: bytes }),
    Key: {
      oneofs: { key_type: { oneof: forms.map(({ name }) => name) } },
      fields: Object.fromEntries(
        forms.map(({ name, number }) => [name, { type: messageOf(name), id: number }]),
      ),
    },
    ...Object.fromEntries(
      forms.map(({ name, fields }) => [
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
});

/** `kms_key` → `KmsKey`: messages have names only in descriptions, never on the wire. */
function messageOf(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function textField(id: number, map: true | undefined): Field {
  return map ? { keyType: "string", type: "string", id } : { type: "string", id };
}
