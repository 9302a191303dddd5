import { TsopsError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { KindName, MasterKey } from "./kind.ts";
import { refuseSecretKey } from "./secret.ts";
import { kindNamed } from "./table.ts";

/** How `.sopsrc` writes the keys of each kind, and the identifier that SOPS has for them. */
export interface UriForm {
  readonly kind: KindName;
  /** What the URI begins with. */
  readonly scheme: string;
  readonly example: string;
  /** The identifier for what stands behind the scheme. */
  readonly id: (rest: string) => string;
  /** What the rest looks like, as a regular expression: for the JSON schema; the kinds themselves say more. */
  readonly rest: string;
}

const SERVER = "[A-Za-z0-9.\\[\\]:_-]+";
const ARN = "arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[\\w/:=,.@-]+";
const ROLE = "(\\+arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+)?";

const same = (rest: string): string => rest;
/** Keys that SOPS lacks are stored by their URI, so that is their identifier. */
const whole = (scheme: string) => (rest: string) => scheme + rest;
const BY_URI: readonly KindName[] = ["env", "vaultkv", "keywhiz"];

export const URI_FORMS: readonly UriForm[] = [
  {
    kind: "age",
    scheme: "age:",
    example: "age:age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx",
    rest: "(age1[0-9a-z.+_-]+|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?)",
    id: same,
  },
  {
    kind: "pgp",
    scheme: "pgp:",
    example: "pgp:D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262",
    rest: "(0x)?([0-9A-Fa-f] *){16,64}",
    id: same,
  },
  {
    kind: "kms",
    scheme: "awskms://",
    example: "awskms://arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    // `awskms:///arn:…` is what other tools write, whose URIs have room for an endpoint
    rest: `/?${ARN}${ROLE}`,
    id: (rest) => rest.replace(/^\//, ""),
  },
  {
    kind: "gcp_kms",
    scheme: "gcpkms://",
    example: "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
    rest: "projects/[\\w:.-]+/locations/[\\w-]+/keyRings/[\\w-]+/cryptoKeys/[\\w-]+",
    id: same,
  },
  {
    kind: "azure_kv",
    scheme: "azurekms://",
    example: "azurekms://team.vault.azure.net/keys/sops/0123456789abcdef0123456789abcdef",
    rest: `${SERVER}/keys/[\\w-]+(/[\\w-]*)?`,
    id: (rest) => `https://${rest}`,
  },
  {
    kind: "hc_vault",
    scheme: "hashivault://",
    example: "hashivault://vault.example.com:8200/v1/transit/keys/sops",
    rest: `${SERVER}/v1/.+/keys/[^/]+`,
    id: (rest) => `https://${rest}`,
  },
  {
    kind: "hc_vault",
    scheme: "hashivault+http://",
    example: "hashivault+http://127.0.0.1:8200/v1/transit/keys/sops",
    rest: `${SERVER}/v1/.+/keys/[^/]+`,
    id: (rest) => `http://${rest}`,
  },
  {
    kind: "hckms",
    scheme: "hckms:",
    example: "hckms:tr-west-1:abc12345-abcd-1234-abcd-1234567890ab",
    rest: "[a-z0-9-]+:[0-9A-Fa-f-]{36}",
    id: same,
  },
  {
    kind: "env",
    scheme: "env://",
    example: "env://NAME_OF_A_VARIABLE",
    rest: "[A-Za-z_]\\w*",
    id: whole("env://"),
  },
  {
    kind: "vaultkv",
    scheme: "vaultkv://",
    example: "vaultkv://vault.example.com:8200/secret/sops/master",
    rest: `${SERVER}/.+`,
    id: whole("vaultkv://"),
  },
  {
    kind: "vaultkv",
    scheme: "vaultkv+http://",
    example: "vaultkv+http://127.0.0.1:8200/secret/sops/master",
    rest: `${SERVER}/.+`,
    id: whole("vaultkv+http://"),
  },
  {
    kind: "keywhiz",
    scheme: "keywhiz://",
    example: "keywhiz://keywhiz.example.com:4444/sops-master",
    rest: `${SERVER}/.+`,
    id: whole("keywhiz://"),
  },
  {
    kind: "cluster",
    scheme: "cluster://",
    example: "cluster://keys.example.com:5000/prod",
    rest: `${SERVER}/.+`,
    id: whole("cluster://"),
  },
];

/** The URIs of keys, as one regular expression. */
export function uriPattern(): string {
  const literal = (text: string): string => text.replace(/[+./]/g, "\\$&");
  return URI_FORMS.map(({ scheme, rest }) => `${literal(scheme)}${rest}`).join("|");
}

/** Kind and identifier of a recipient URI; undefined if it has no scheme that is known, or nothing behind it. */
export function parseUri(uri: string): { readonly kind: KindName; readonly id: string } | undefined {
  const form = URI_FORMS.find(({ scheme }) => uri.startsWith(scheme));
  const rest = form ? uri.slice(form.scheme.length).trim() : "";
  return form && rest !== "" ? { kind: form.kind, id: form.id(rest) } : undefined;
}

/**
 * The master keys of a URI; an AWS role may stand behind a `+`. @throws TsopsError("usage") if it is not the URI of a key.
 */
export function keysOfUri(uri: string): MasterKey[] {
  refuseSecretKey(uri);
  const ref = parseUri(uri);
  if (ref) return kindNamed(ref.kind).parse(ref.id);
  // the text stays out of the message: someone may have put a secret there
  throw new TsopsError("usage", "this is not the URI of a key", { hint: uriHint(uri) });
}

/** What to do about a text that is not the URI of a key. */
export function uriHint(text: string): string {
  const scheme = /^[^:]*:(?:\/\/)?/.exec(text)?.[0];
  const [, missing] = BARE.find(([form]) => form.test(text)) ?? [];
  if (missing !== undefined) return `write ${missing} before it`;
  if (scheme !== undefined) {
    const schemes = URI_FORMS.map((form) => form.scheme);
    if (schemes.includes(scheme)) return `write the key after ${scheme}`;
    const meant = nearest(scheme, schemes);
    if (meant !== undefined) return `did you mean ${meant}?`;
  }
  return `URIs of keys are: ${URI_FORMS.map((form) => `${form.scheme}…`).join(" ")}`;
}

/** Identifiers as SOPS has them, whose schemes were left out. */
const BARE: readonly (readonly [RegExp, string])[] = [
  [/^(?:age1|ssh-(?:ed25519|rsa)\s)/, "age:"],
  [/^(?:0x)?[0-9A-F ]{16,}$/i, "pgp:"],
  [/^arn:/, "awskms://"],
  [/^projects\//, "gcpkms://"],
];

/** The recipient URI of a key: what `parseUri` reads, for those who write a `.sopsrc`. */
export function uriOf({ kind, id }: { readonly kind: KindName; readonly id: string }): string {
  if (BY_URI.includes(kind)) return id;
  const forms = URI_FORMS.filter((form) => form.kind === kind);
  const scheme = forms[0]?.scheme ?? `${kind}:`;
  if (id.startsWith(scheme)) return id;
  if (kind === "hc_vault" && id.startsWith("http://"))
    return `hashivault+http://${id.slice("http://".length)}`;
  return scheme + (kind === "hc_vault" || kind === "azure_kv" ? id.replace(/^https:\/\//, "") : id);
}
