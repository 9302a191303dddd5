/**
 * Which environment variables hold secrets of tsops and of the services that it asks, a row for each kind of key, and
 * which of them the programs that tsops starts do not get (docs/programs.md).
 */
interface Row {
  /** What the names of all its variables begin with. */
  readonly prefixes: readonly string[];
  /** Words in the name of an age plugin that belongs to the service: such a plugin may need its credentials. */
  readonly words?: readonly string[];
  /** What opens files by itself, or says how to get it. No program gets them. */
  readonly identities?: readonly string[];
  /** Files with identities. Their names are no secrets, but of no use to an editor either. */
  readonly places?: readonly string[];
  /** What logs in to a service, and is of no use to an editor. */
  readonly credentials?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    prefixes: ["SOPS_AGE_"],
    identities: ["SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"],
    places: ["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"],
  },
  {
    prefixes: ["TSOPS_PGP_"],
    identities: ["TSOPS_PGP_KEY", "TSOPS_PGP_PASSPHRASE"],
    places: ["TSOPS_PGP_KEY_FILE"],
  },
  {
    prefixes: ["VAULT_", "BAO_"],
    words: ["vault", "bao"],
    credentials: ["VAULT_TOKEN", "VAULT_SECRET_ID", "VAULT_JWT", "BAO_TOKEN"],
  },
  { prefixes: ["KEYWHIZ_"], words: ["keywhiz"], places: ["KEYWHIZ_CLIENT_KEY"] },
  {
    prefixes: ["AWS_"],
    words: ["aws"],
    credentials: [
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_SECURITY_TOKEN",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ],
  },
  {
    prefixes: ["GOOGLE_", "CLOUDSDK_"],
    words: ["gcp", "google"],
    // the first may hold the key itself
    credentials: ["GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"],
  },
  {
    // the last two are those of its managed identities
    prefixes: ["AZURE_", "IDENTITY_HEADER", "MSI_SECRET"],
    words: ["azure"],
    credentials: [
      "AZURE_CLIENT_SECRET",
      "AZURE_CLIENT_CERTIFICATE_PASSWORD",
      "AZURE_PASSWORD",
      "AZURE_STORAGE_KEY",
      "AZURE_STORAGE_CONNECTION_STRING",
      "AZURE_STORAGE_SAS_TOKEN",
      "IDENTITY_HEADER",
      "MSI_SECRET",
    ],
  },
  {
    prefixes: ["HUAWEICLOUD_", "HC_CONTAINER_"],
    words: ["huawei", "hckms"],
    credentials: ["HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"],
  },
  // tokens that CI gives out for all of these
  { prefixes: ["ACTIONS_ID_TOKEN_REQUEST_"], credentials: ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] },
];

/** What a program is for, which says what it needs. */
export type Purpose =
  /** What the person runs with secrets, and what gets identities or tokens for tsops: it may log in to a service. */
  | "logs in"
  /** An editor: it runs plugins, some of which talk to servers. Names of files, profiles and regions stay. */
  | "edits"
  /** gpg: it asks no service. */
  | "gpg"
  /** An age plugin, by its name: it may ask the service that its name speaks of. */
  | { readonly plugin: string };

/** Whether a program for that purpose does not get a variable. */
export function isHidden(name: string, purpose: Purpose): boolean {
  // Windows does not tell upper case from lower case
  const upper = name.toUpperCase();
  return ROWS.some((row) => isHiddenIn(row, upper, purpose));
}

function isHiddenIn(row: Row, name: string, purpose: Purpose): boolean {
  const { prefixes, words = [], identities = [], places = [], credentials = [] } = row;
  if (identities.includes(name)) return true;
  if (purpose === "logs in") return false;
  if (purpose === "edits") return places.includes(name) || credentials.includes(name);
  if (purpose !== "gpg" && words.some((word) => purpose.plugin.toLowerCase().includes(word))) return false;
  return prefixes.some((prefix) => name.startsWith(prefix));
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An environment without what a program for that purpose does not get. `more` are variables that hold master keys. */
export function withoutSecrets(
  env: Environment,
  purpose: Purpose,
  more: Iterable<string> = [],
): Record<string, string | undefined> {
  const masters = new Set([...more].map(same));
  const shown = ([name]: [string, unknown]): boolean => !isHidden(name, purpose) && !masters.has(same(name));
  return Object.fromEntries(Object.entries(env).filter(shown));
}

const same = (name: string): string => (process.platform === "win32" ? name.toUpperCase() : name);

/** A variable that a file or a person names: not what every object has under names such as `constructor`. */
export function variableNamed(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
