/**
 * Variables that an editor does not get: an editor runs plugins, some of which talk to servers, and what opens files
 * is of no use to it. These are the identities, and the credentials that tsops itself needs to ask key services.
 * Names of files, profiles and regions stay, since they are no secrets.
 */
const HIDDEN: ReadonlySet<string> = new Set([
  // age
  "SOPS_AGE_KEY",
  "SOPS_AGE_KEY_CMD",
  "SOPS_AGE_KEY_FILE",
  "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
  "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
  // PGP
  "TSOPS_PGP_KEY",
  "TSOPS_PGP_KEY_FILE",
  "TSOPS_PGP_PASSPHRASE",
  // HashiCorp Vault
  "VAULT_TOKEN",
  "VAULT_SECRET_ID",
  "VAULT_JWT",
  // AWS
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  // Google: the first may hold the key itself
  "GOOGLE_CREDENTIALS",
  "GOOGLE_OAUTH_ACCESS_TOKEN",
  // Azure
  "AZURE_CLIENT_SECRET",
  "AZURE_CLIENT_CERTIFICATE_PASSWORD",
  "AZURE_PASSWORD",
  "AZURE_STORAGE_KEY",
  "AZURE_STORAGE_CONNECTION_STRING",
  "AZURE_STORAGE_SAS_TOKEN",
  // containers of AWS and Huawei Cloud
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  // Huawei Cloud
  "HUAWEICLOUD_SDK_SK",
  "HUAWEICLOUD_SDK_SECURITY_TOKEN",
  // tokens that CI gives out for all of these
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
]);

/** The environment for an editor: without what opens files. `more` are variables that hold master keys of the file. */
export function editorEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  more: readonly string[] = [],
): Record<string, string | undefined> {
  const shown = (name: string): boolean => !HIDDEN.has(name.toUpperCase()) && !more.includes(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => shown(name)));
}
