/*
 * Files with one key of one kind, which nothing here can open. The keys are real enough for the SDK to be asked, and every
 * address is one where nothing listens.
 */

const CREATED = '"created_at": "2026-01-01T00:00:00Z"';
const NOWHERE = "127.0.0.1:9";

export interface OneKey {
  readonly keys: string;
  readonly env?: Record<string, string>;
  /** The parts of dist/parts that may be loaded: the first one has to be. */
  readonly parts: readonly string[];
}

export const FILES_OF_ONE_KEY: Readonly<Record<string, OneKey>> = {
  "AWS KMS": {
    keys: `"kms": [{"arn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "aws_profile": "", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_ENDPOINT_URL: `http://${NOWHERE}`,
    },
    parts: ["aws"],
  },
  "Google Cloud KMS": {
    keys: `"gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", ${CREATED}, "enc": "AAAA"}]`,
    env: { GOOGLE_OAUTH_ACCESS_TOKEN: "t", SOPS_GCP_KMS_ENDPOINT: NOWHERE },
    parts: ["grpc", "google"],
  },
  "Azure Key Vault": {
    keys: `"azure_kv": [{"vault_url": "https://${NOWHERE}", "name": "k", "version": "v", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      TSOPS_ALLOW: `azure=https://${NOWHERE}`,
      AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001",
      AZURE_CLIENT_ID: "c",
      AZURE_CLIENT_SECRET: "s",
      AZURE_AUTHORITY_HOST: `https://${NOWHERE}`,
    },
    parts: ["azure"],
  },
  "Vault transit": {
    keys: `"hc_vault": [{"vault_address": "http://${NOWHERE}", "engine_path": "transit", "key_name": "k", ${CREATED}, "enc": "vault:v1:AAAA"}]`,
    env: { VAULT_ADDR: `http://${NOWHERE}`, VAULT_TOKEN: "t" },
    parts: ["vault"],
  },
  "HuaweiCloud KMS": {
    keys: `"hckms": [{"key_id": "tr-west-1:abc12345-abcd-1234-abcd-1234567890ab", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      HUAWEICLOUD_SDK_AK: "a",
      HUAWEICLOUD_SDK_SK: "s",
      HUAWEICLOUD_SDK_PROJECT_ID: "p",
      HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://${NOWHERE}`,
    },
    parts: [],
  },
  "a master key in a variable": {
    keys: `"tsops": {"keys": [{"uri": "env://MASTER", "key_id": "0011223344556677", ${CREATED}, "enc": "v1:AAAA"}]}`,
    env: { MASTER: Buffer.alloc(32, 7).toString("base64") },
    parts: [],
  },
  "a key of a cluster": {
    keys: `"tsops": {"keys": [{"uri": "cluster://${NOWHERE}/team", ${CREATED}, "enc": "v1:AAAA"}]}`,
    env: { TSOPS_ALLOW: `cluster=${NOWHERE}` },
    parts: ["grpc"],
  },
  age: {
    keys: `"age": [{"recipient": "age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx", "enc": "-----BEGIN AGE ENCRYPTED FILE-----\\nYWdl\\n-----END AGE ENCRYPTED FILE-----\\n"}]`,
    parts: [],
  },
};

/** Such a file, in JSON. */
export function withKeys(keys: string): string {
  return `{"a": "x", "sops": {${keys}, "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}}`;
}
