import type { MessageTypeDefinition, ServiceDefinition } from "@grpc/proto-loader";

/**
 * What is asked of Google Cloud KMS over gRPC: of the vendor's own definitions (google.cloud.kms.v1, google.iam.v1,
 * google.rpc) the methods that are called, and of their messages the fields that are written or read. A test compares
 * names, types and numbers with those that @google-cloud/kms ships. Loading all that it ships, with google-gax, costs
 * three times as much as the rest of decrypting a small file.
 */

interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: "repeated";
}

const field = (id: number, type: string): Field => ({ type, id });
const repeated = (id: number, type: string): Field => ({ rule: "repeated", type, id });
const message = (fields: Readonly<Record<string, Field>>) => ({ fields });
const method = (requestType: string, responseType: string) => ({ requestType, responseType, comment: "" });
const SUM = "google.protobuf.Int64Value";

const KMS = {
  KeyManagementService: {
    methods: {
      Encrypt: method("EncryptRequest", "EncryptResponse"),
      Decrypt: method("DecryptRequest", "DecryptResponse"),
      GetCryptoKey: method("GetCryptoKeyRequest", "CryptoKey"),
    },
  },
  EncryptRequest: message({
    name: field(1, "string"),
    plaintext: field(2, "bytes"),
    plaintextCrc32c: field(7, SUM),
  }),
  EncryptResponse: message({
    name: field(1, "string"),
    ciphertext: field(2, "bytes"),
    ciphertextCrc32c: field(4, SUM),
    verifiedPlaintextCrc32c: field(5, "bool"),
  }),
  DecryptRequest: message({
    name: field(1, "string"),
    ciphertext: field(2, "bytes"),
    ciphertextCrc32c: field(5, SUM),
  }),
  DecryptResponse: message({ plaintext: field(1, "bytes"), plaintextCrc32c: field(2, SUM) }),
  GetCryptoKeyRequest: message({ name: field(1, "string") }),
  CryptoKey: message({ name: field(1, "string"), primary: field(2, "CryptoKeyVersion") }),
  CryptoKeyVersion: {
    ...message({ name: field(1, "string"), state: field(3, "CryptoKeyVersionState") }),
    nested: {
      CryptoKeyVersionState: {
        values: {
          CRYPTO_KEY_VERSION_STATE_UNSPECIFIED: 0,
          ENABLED: 1,
          DISABLED: 2,
          DESTROYED: 3,
          DESTROY_SCHEDULED: 4,
          PENDING_GENERATION: 5,
          PENDING_IMPORT: 6,
          IMPORT_FAILED: 7,
          GENERATION_FAILED: 8,
          PENDING_EXTERNAL_DESTRUCTION: 9,
          EXTERNAL_DESTRUCTION_FAILED: 10,
        },
      },
    },
  },
};

const IAM = {
  IAMPolicy: {
    methods: { TestIamPermissions: method("TestIamPermissionsRequest", "TestIamPermissionsResponse") },
  },
  TestIamPermissionsRequest: message({
    resource: field(1, "string"),
    permissions: repeated(2, "string"),
  }),
  TestIamPermissionsResponse: message({ permissions: repeated(1, "string") }),
};

/** How what there is to say of a failure is packed. */
const RPC = {
  Status: message({ details: repeated(3, "google.protobuf.Any") }),
  ErrorInfo: message({ reason: field(1, "string") }),
  RetryInfo: message({ retryDelay: field(1, "google.protobuf.Duration") }),
};

const PROTOBUF = {
  Any: message({ type_url: field(1, "string"), value: field(2, "bytes") }),
  Int64Value: message({ value: field(1, "int64") }),
  Duration: message({ seconds: field(1, "int64"), nanos: field(2, "int32") }),
};

const named = (nested: object) => ({ nested });

/** What .proto files would say, as protobufjs writes it in JSON. */
export const DEFINITION = named({
  google: named({
    cloud: named({ kms: named({ v1: named(KMS) }) }),
    iam: named({ v1: named(IAM) }),
    rpc: named(RPC),
    protobuf: named(PROTOBUF),
  }),
});

interface Duration {
  readonly seconds: number;
  readonly nanos: number;
}

type Message = Readonly<Record<string, unknown>>;

export type Method = "encrypt" | "decrypt" | "getCryptoKey" | "testIamPermissions";

export interface Protocol {
  readonly methods: Readonly<Record<Method, ServiceDefinition[string]>>;
  /** What `grpc-status-details-bin` says of a failure. */
  detailsIn(bytes: Buffer): FailureDetails;
}

export interface FailureDetails {
  /** google.rpc.ErrorInfo's reason. */
  readonly reason?: string;
  /** google.rpc.RetryInfo: the service wants to be left alone for so many milliseconds. */
  readonly afterMs?: number;
}

/** @param fromJSON of @grpc/proto-loader. */
export function protocolWith(fromJSON: typeof import("@grpc/proto-loader").fromJSON): Protocol {
  const all = fromJSON(DEFINITION as Parameters<typeof fromJSON>[0], {
    longs: Number,
    enums: String,
    bytes: Buffer,
    defaults: true,
  });
  const kms = all["google.cloud.kms.v1.KeyManagementService"] as ServiceDefinition;
  const iam = all["google.iam.v1.IAMPolicy"] as ServiceDefinition;
  const status = all["google.rpc.Status"] as MessageTypeDefinition<Message, Message>;
  const info = all["google.rpc.ErrorInfo"] as MessageTypeDefinition<Message, Message>;
  const retry = all["google.rpc.RetryInfo"] as MessageTypeDefinition<Message, Message>;
  return {
    methods: {
      encrypt: kms.Encrypt!,
      decrypt: kms.Decrypt!,
      getCryptoKey: kms.GetCryptoKey!,
      testIamPermissions: iam.TestIamPermissions!,
    },
    detailsIn(bytes) {
      const found = status.deserialize(bytes).details as { type_url: string; value: Buffer }[];
      const packed = (name: string) => found.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`));
      const [why, when] = [packed("ErrorInfo"), packed("RetryInfo")];
      const delay = when && (retry.deserialize(when.value).retryDelay as Duration | null);
      return {
        reason: why && ((info.deserialize(why.value).reason as string) || undefined),
        afterMs: delay ? delay.seconds * 1000 + delay.nanos / 1e6 : undefined,
      };
    },
  };
}
