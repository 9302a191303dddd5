/** One list of things that files may make a person's credentials, or a data key in plaintext, be used with. */
export interface AllowList {
  /** Its name in the library's options. */
  readonly name: string;
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
  /** What a key names of it. */
  readonly named?: (key: NamingKey) => string | undefined;
}

/** A master key as far as it names servers, roles, profiles and plugins. */
export interface NamingKey {
  readonly kind: string;
  readonly id: string;
  readonly role?: string;
  readonly profile?: string;
}

/** What is allowed, by the names of the lists. */
export type AllowedValues = Readonly<Record<string, readonly string[]>>;

/** What is not vouched for: who names it, and what to do. */
export interface Unvouched {
  /** "the file", or "the configuration …". */
  readonly by: string;
  readonly why: string;
  readonly hint: string;
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
