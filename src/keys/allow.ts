import { TsopsError } from "../errors.ts";
import { printable, shellQuoted } from "../printable.ts";
import type { KeyContext, KindName } from "./kind.ts";

/**
 * What files may make a person's credentials, or a data key in plaintext, be used with (docs/security.md): one list for
 * each kind of thing. Nothing else gets them.
 */
export type Allow = { readonly [Name in ListName]: readonly string[] };

export type ListName = keyof typeof LISTS;

/** All that there is to say about one list. */
interface List {
  /** Its name in `.sopsrc`, in the user's configuration and in TSOPS_ALLOW. */
  readonly field: string;
  /** What a value of it is, for messages. */
  readonly what: string;
  /** What the field holds, and a value, for the schema. */
  readonly about: string;
  readonly example: string;
  /** What it would get, where that is not credentials. */
  readonly gets?: string;
  /** A variable that names one anyway, and so vouches for it. */
  readonly variable?: string;
  /** The port of addresses `HOST` that do not say one. */
  readonly port?: number;
  /** What keys of a kind name of it. */
  readonly named: Readonly<Partial<Record<KindName, (key: NamingKey) => string | undefined>>>;
}

const LISTS = {
  /** Addresses of Vault servers, e.g. `https://vault.example.com:8200`. */
  vault: {
    field: "vault",
    what: "the Vault server",
    about: "Addresses of Vault servers.",
    example: "https://vault.example.com:8200",
    variable: "VAULT_ADDR",
    named: { hc_vault: originOf, vaultkv: originOf },
  },
  /** Addresses of Azure key vaults, e.g. `https://team.vault.azure.net`. */
  azure: {
    field: "azure",
    what: "the key vault",
    about: "Addresses of Azure key vaults.",
    example: "https://team.vault.azure.net",
    named: { azure_kv: originOf },
  },
  /** Addresses of Azure storage accounts to publish to, e.g. `https://team.blob.core.windows.net`. */
  azureStorage: {
    field: "azure_storage",
    what: "the storage account",
    about: "Addresses of Azure storage accounts to publish to.",
    example: "https://examplesecrets.blob.core.windows.net",
    named: {},
  },
  /** ARNs of AWS roles to assume. */
  awsRole: {
    field: "aws_role",
    what: "the AWS role",
    about: "ARNs of AWS roles to assume.",
    example: "arn:aws:iam::111122223333:role/sops",
    named: { kms: ({ id, role }) => role || /\+(arn:[^|]*)/.exec(id.replaceAll(" ", ""))?.[1] },
  },
  /** Names of AWS profiles. */
  awsProfile: {
    field: "aws_profile",
    what: "the AWS profile",
    about: "Names of AWS profiles.",
    example: "production",
    variable: "AWS_PROFILE",
    named: { kms: ({ profile }) => profile },
  },
  /** Addresses of Keywhiz servers, `HOST:PORT`. */
  keywhiz: {
    field: "keywhiz",
    what: "the Keywhiz server",
    about: "Addresses of Keywhiz servers.",
    example: "keywhiz.example.com:4444",
    port: 4444,
    named: { keywhiz: hostOf },
  },
  /** Addresses of cluster key services, `HOST:PORT`. */
  cluster: {
    field: "cluster",
    what: "the key service",
    about: "Addresses of cluster key services.",
    example: "keys.example.com:5000",
    named: { cluster: hostOf },
  },
  /** Names of age plugins: `yubikey` stands for the program age-plugin-yubikey. */
  plugin: {
    field: "plugin",
    what: "the age plugin",
    about: "Names of age plugins, which are programs that see the data key.",
    example: "yubikey",
    gets: "it gets no data key",
    named: { age: ({ id }) => pluginOf(id) },
  },
} satisfies Readonly<Record<string, List>>;

/** The lists with their names, in the order in which they are shown. */
export const ALLOW_LISTS = Object.entries(LISTS) as readonly (readonly [ListName, List])[];

function listOf(name: ListName): List {
  return LISTS[name];
}

function eachList(values: (name: ListName, list: List) => readonly string[]): Allow {
  return Object.fromEntries(ALLOW_LISTS.map(([name, list]) => [name, values(name, list)])) as Allow;
}

export const ALLOW_NOTHING: Allow = eachList(() => []);

/** Lists by the names that people write, such as `aws_role`. */
export function allowFrom(values: (field: string) => readonly string[]): Allow {
  return eachList((_, { field }) => values(field));
}

/** Several lists in one. */
export function allowAll(lists: readonly Partial<Allow>[]): Allow {
  return eachList((name) => [
    ...new Set(lists.flatMap((list) => list[name] ?? []).map((value) => normal(name, value))),
  ]);
}

/** What is in the first lists, and not in the others. */
export function allowBeyond(lists: Allow, known: Allow): Allow {
  return eachList((name) => lists[name].filter((value) => !holds(known, name, value)));
}

export function holds(lists: Allow, name: ListName, value: string): boolean {
  const wanted = normal(name, value);
  return lists[name].some((known) => normal(name, known) === wanted);
}

/** Each value with the name of its field and with words for it: `the Vault server https://…`. */
export function allowedValues(lists: Allow): { field: string; value: string; words: string }[] {
  return ALLOW_LISTS.flatMap(([name, { field, what }]) =>
    lists[name].map((value) => ({ field, value, words: `${what} ${printable(value)}` })),
  );
}

/** A master key as far as it names servers, roles, profiles and plugins. */
export interface NamingKey {
  readonly kind: KindName;
  readonly id: string;
  readonly role?: string;
  readonly profile?: string;
}

/** What keys name. */
export function namedByKeys(keys: readonly NamingKey[]): Allow {
  return allowAll([eachList((_, { named }) => keys.flatMap((key) => named[key.kind]?.(key) || []))]);
}

/** Scheme and host of a URL; `vaultkv` and `vaultkv+http` stand for HTTPS and HTTP. */
export function originOf({ id }: Pick<NamingKey, "id">): string | undefined {
  const [, scheme = "", host] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)/i.exec(id) ?? [];
  return host && `${{ vaultkv: "https", "vaultkv+http": "http" }[scheme] ?? scheme}://${host}`;
}

/** The `HOST:PORT` of a URI. */
export function hostOf({ id }: Pick<NamingKey, "id">): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i.exec(id)?.[1];
}

/** The plugin of a recipient `age1NAME1…`; the kinds of recipients that need none have no second 1, or these names. */
function pluginOf(recipient: string): string | undefined {
  const name = /^age1([a-z0-9+._-]+)1[ac-hj-np-z02-9]+$/.exec(recipient.trim())?.[1];
  return name === undefined || /^(?:pq|tag|tagpq)$/.test(name) ? undefined : name;
}

/** What is not vouched for: who names it, and what to do. */
export interface Unvouched {
  /** "the file", or "the configuration …". */
  readonly by: string;
  readonly why: string;
  readonly hint: string;
}

/**
 * Refuses to use credentials for what only a file or an unapproved configuration names.
 * @param environment what the environment names, such as the value of VAULT_ADDR.
 * @throws TsopsError("not-allowed") that says how to allow it.
 */
export async function checkAllowed(
  context: KeyContext,
  name: ListName,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<void> {
  if (await isAllowed(context, name, value, environment)) return;
  const answer = (await context.vouch?.(name, value)) ?? unknownValue(name, value);
  if (answer === "allowed") return;
  const { what, gets = "it gets no credentials" } = listOf(name);
  const { by, why, hint } = answer;
  throw new TsopsError("not-allowed", `${by} names ${what} ${printable(value)}, and ${why}: ${gets}`, {
    hint,
  });
}

/** The answer where nothing names a value but the file. */
export function unknownValue(name: ListName, value: string): Unvouched {
  const { field, variable } = listOf(name);
  const line = allowLine([{ field, value }]);
  const places = [
    ...(variable ? [`in ${variable}`] : []),
    `in allow.${field} of your own configuration (~/.config/tsops/config.json5)`,
    line === undefined ? `in an option` : `in the environment: ${line}`,
  ];
  return {
    by: "the file",
    why: "nothing here vouches for it",
    hint: `if you know it, name it ${places.slice(0, -1).join(", ")}, or ${places.at(-1)}`,
  };
}

export async function isAllowed(
  context: KeyContext,
  name: ListName,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<boolean> {
  const named = eachList((list) => (list === name ? environment.flatMap((text) => text || []) : []));
  if (holds(named, name, value)) return true;
  if (holds(allowedByVariable(context.env.TSOPS_ALLOW), name, value)) return true;
  return holds((await context.allow?.()) ?? ALLOW_NOTHING, name, value);
}

/** What variables name that vouch for one value each, such as VAULT_ADDR. */
export function allowedByEnvironment(env: KeyContext["env"]): Allow {
  return eachList((_, { variable }) => (variable && env[variable] ? [env[variable]] : []));
}

/** `TSOPS_ALLOW`: `vault=https://…,aws_profile=prod`, in the names of `.sopsrc`. What is malformed allows nothing. */
export function allowedByVariable(text: string | undefined): Allow {
  const pairs = (text ?? "").split(/[\s,]+/).map((pair) => /^([a-z_]+)=(.+)$/.exec(pair));
  return allowAll([
    eachList((_, { field }) => pairs.flatMap((pair) => (pair?.[1] === field ? [pair[2]!] : []))),
  ]);
}

/**
 * The line to set in a shell or in CI, quoted where a shell needs it; undefined if a value cannot stand in it, because it
 * has blanks, commas or control characters.
 */
export function allowLine(values: readonly { field: string; value: string }[]): string | undefined {
  if (values.length === 0 || values.some(({ value }) => !/^[^\s,\p{C}]+$/u.test(value))) return undefined;
  const text = values.map(({ field, value }) => `${field}=${value}`).join(",");
  return `TSOPS_ALLOW=${shellQuoted(text)}`;
}

/** Addresses compare without case in scheme and host, default port and final slashes; other texts as they are. */
function normal(name: ListName, text: string): string {
  const trimmed = text.trim();
  const { port } = listOf(name);
  if (port !== undefined) return /^(?:\[[^\]]*\]|[^:]*)$/.test(trimmed) ? `${trimmed}:${port}` : trimmed;
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return trimmed;
  const { protocol, host, pathname } = new URL(trimmed);
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}
