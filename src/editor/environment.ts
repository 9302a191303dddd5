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
  // Huawei Cloud
  "HUAWEICLOUD_SDK_SK",
  "HUAWEICLOUD_SDK_SECURITY_TOKEN",
  // tokens that CI gives out for all of these
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
]);

/** The environment for an editor: without what opens files. */
export function editorEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !HIDDEN.has(name.toUpperCase())));
}
