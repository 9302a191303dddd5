import type { KindName } from "../keys/kind.ts";

/** What the command line knows of a kind of key: its option, and the variable that stands in for it. */
interface KindOption {
  /** Also behind `--add-` and `--rm-`. */
  readonly option: string;
  readonly alias?: string;
  readonly variable: string;
  readonly kind: KindName;
  /** What its values are, in the words of help. */
  readonly what: string;
  /** Where SOPS puts keys of this kind among those of others (SPEC section 7). */
  readonly place: number;
}

const ROWS = [
  { option: "kms", alias: "k", variable: "SOPS_KMS_ARN", kind: "kms", what: "AWS KMS ARNs", place: 1 },
  {
    option: "gcp-kms",
    variable: "SOPS_GCP_KMS_IDS",
    kind: "gcp_kms",
    what: "Google Cloud KMS resource ids",
    place: 2,
  },
  {
    option: "hckms",
    variable: "SOPS_HUAWEICLOUD_KMS_IDS",
    kind: "hckms",
    what: "HuaweiCloud KMS key ids",
    place: 3,
  },
  {
    option: "azure-kv",
    variable: "SOPS_AZURE_KEYVAULT_URLS",
    kind: "azure_kv",
    what: "Azure Key Vault key URLs",
    place: 4,
  },
  {
    option: "hc-vault-transit",
    variable: "SOPS_VAULT_URIS",
    kind: "hc_vault",
    what: "Vault transit key URIs",
    place: 6,
  },
  { option: "pgp", alias: "p", variable: "SOPS_PGP_FP", kind: "pgp", what: "PGP fingerprints", place: 5 },
  {
    option: "age",
    alias: "a",
    variable: "SOPS_AGE_RECIPIENTS",
    kind: "age",
    what: "age recipients",
    place: 7,
  },
] as const satisfies readonly KindOption[];

export type KeyOption = (typeof ROWS)[number]["option"];

/** In the order of help. */
export const KEY_OPTIONS: readonly (KindOption & { readonly option: KeyOption })[] = ROWS;
