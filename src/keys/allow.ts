import { TsopsError } from "../errors.ts";
import type { KeyContext, KindName } from "./kind.ts";
import { printable } from "./printable.ts";

/** What files may make a person's credentials be used with (docs/security.md): nothing else gets them. */
export interface Allow {
  /** Addresses of Vault servers, e.g. `https://vault.example.com:8200`. */
  readonly vault: readonly string[];
  /** Addresses of Azure key vaults, e.g. `https://team.vault.azure.net`. */
  readonly azure: readonly string[];
  /** ARNs of AWS roles to assume. */
  readonly awsRole: readonly string[];
  /** Names of AWS profiles. */
  readonly awsProfile: readonly string[];
  /** Addresses of Keywhiz servers, `HOST:PORT`. */
  readonly keywhiz: readonly string[];
  /** Addresses of cluster key services, `HOST:PORT`. */
  readonly cluster: readonly string[];
}

export const ALLOW_NOTHING: Allow = {
  vault: [],
  azure: [],
  awsRole: [],
  awsProfile: [],
  keywhiz: [],
  cluster: [],
};

/** Several lists in one. */
export function allowAll(lists: readonly Partial<Allow>[]): Allow {
  const all = (name: keyof Allow): string[] => [
    ...new Set(lists.flatMap((list) => list[name] ?? []).map(normal)),
  ];
  return {
    vault: all("vault"),
    azure: all("azure"),
    awsRole: all("awsRole"),
    awsProfile: all("awsProfile"),
    keywhiz: all("keywhiz"),
    cluster: all("cluster"),
  };
}

/** A master key as far as it names servers, roles and profiles. */
export interface NamingKey {
  readonly kind: KindName;
  readonly id: string;
  readonly role?: string;
  readonly profile?: string;
}

/** What keys name that the person or the configuration named. */
export function namedByKeys(keys: readonly NamingKey[]): Allow {
  const from = (kind: KindName, get: (key: NamingKey) => string | undefined) =>
    keys.flatMap((key) => (key.kind === kind ? get(key) || [] : []));
  return allowAll([
    {
      vault: [...from("hc_vault", originOf), ...from("vaultkv", originOf)],
      azure: from("azure_kv", originOf),
      awsRole: from("kms", ({ id, role }) => role || /\+(arn:[^|]*)/.exec(id.replaceAll(" ", ""))?.[1]),
      awsProfile: from("kms", ({ profile }) => profile),
      keywhiz: from("keywhiz", hostOf),
      cluster: from("cluster", hostOf),
    },
  ]);
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

/**
 * Refuses to use credentials for what only a file names.
 * @param environment what the environment names, such as the value of VAULT_ADDR.
 * @throws TsopsError("not-allowed") that says how to allow it.
 */
export async function checkAllowed(
  context: KeyContext,
  list: keyof Allow,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<void> {
  if (await isAllowed(context, list, value, environment)) return;
  const { what, field, variable } = WORDS[list];
  const places = [
    `in the configuration (a key of a rule, or allow.${field} of .sopsrc; one that lies only beside the file does not count)`,
    ...(variable ? [`in ${variable}`] : []),
    `in TSOPS_ALLOW (${field}=${printable(value)})`,
  ];
  throw new TsopsError(
    "not-allowed",
    `the file names ${what} ${printable(value)}, and nothing here vouches for it: it gets no credentials`,
    {
      hint: `if you know it, name it ${places.slice(0, -1).join(", ")}, or ${places.at(-1)}`,
    },
  );
}

export async function isAllowed(
  context: KeyContext,
  list: keyof Allow,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<boolean> {
  const wanted = normal(value);
  const named = environment.flatMap((text) => (text ? [normal(text)] : []));
  const { [list]: variable } = allowedByVariable(context.env.TSOPS_ALLOW);
  if (named.includes(wanted) || variable.includes(wanted)) return true;
  return ((await context.allow?.())?.[list] ?? []).some((known) => normal(known) === wanted);
}

/** `TSOPS_ALLOW`: `vault=https://…,aws_profile=prod`, in the names of `.sopsrc`. What is malformed allows nothing. */
export function allowedByVariable(text: string | undefined): Allow {
  const pairs = (text ?? "").split(/[\s,]+/).map((pair) => /^([a-z_]+)=(.+)$/.exec(pair));
  const lists = pairs.flatMap((pair) => {
    const list =
      pair && (Object.keys(WORDS) as (keyof Allow)[]).find((name) => WORDS[name].field === pair[1]);
    return list ? [{ [list]: [pair![2]!] }] : [];
  });
  return allowAll(lists);
}

/** `variable` is one that names the thing anyway, and so vouches for it. */
const WORDS: Readonly<Record<keyof Allow, { what: string; field: string; variable?: string }>> = {
  vault: { what: "the Vault server", field: "vault", variable: "VAULT_ADDR" },
  azure: { what: "the key vault", field: "azure" },
  awsRole: { what: "the AWS role", field: "aws_role" },
  awsProfile: { what: "the AWS profile", field: "aws_profile", variable: "AWS_PROFILE" },
  keywhiz: { what: "the Keywhiz server", field: "keywhiz" },
  cluster: { what: "the key service", field: "cluster" },
};

/** Addresses compare without case in scheme and host, default port and final slashes; other texts as they are. */
function normal(text: string): string {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return trimmed;
  const { protocol, host, pathname } = new URL(trimmed);
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}
