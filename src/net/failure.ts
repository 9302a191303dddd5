import type { ErrorCode } from "../errors.ts";

/**
 * What it means that a server gave no answer, in the same words for all kinds of keys and all places to publish to. The
 * services' own codes are told apart where the services are (`errors.ts` of each).
 */
export interface Failure {
  readonly kind: FailureKind;
  /** Follows "… cannot be reached: ". */
  readonly why: string;
  readonly hint: string;
  /** Whether it may pass by itself: then the call is worth another try. */
  readonly passes: boolean;
}

export type FailureKind =
  | "name"
  | "network"
  | "broke"
  | "certificate"
  | "client"
  | "tls"
  | "http"
  | "proxy"
  | "room";

/** What a service's users can set, for hints. */
export interface Settings {
  /** Where its address comes from. */
  readonly address?: string;
  /** The variable for authorities that its certificate may come from. */
  readonly authority?: string;
  /** The variables for the certificate that a client shows. */
  readonly client?: string;
  /** The variable for the name that its certificate is for. */
  readonly name?: string;
}

type Row = readonly [codes: RegExp, kind: FailureKind, why: string, passes?: "passes"];

const NOT_TRUSTED = "its certificate is not trusted";

/** By the codes of Node (libuv, llhttp, undici) and OpenSSL. */
const ROWS: readonly Row[] = [
  [/^ENOTFOUND$/, "name", "its name cannot be resolved"],
  [/^EAI_AGAIN$/, "name", "its name cannot be resolved", "passes"],
  [/^ECONNREFUSED$/, "network", "nothing listens there"],
  [/^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL)$/, "network", "there is no route to it"],
  [/^(?:PROXY_)?(?:EMFILE|ENFILE)$/, "room", "too many files and connections are open here", "passes"],
  [/^(ETIMEDOUT|UND_ERR_\w+_TIMEOUT)$/, "network", "it does not answer"],
  [
    /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_SOCKET)$/,
    "broke",
    "the connection broke",
    "passes",
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "certificate", "its certificate is for another name"],
  [/^CERT_HAS_EXPIRED$/, "certificate", "its certificate has expired"],
  [/^CERT_NOT_YET_VALID$/, "certificate", "its certificate is not valid yet"],
  [/ALERT|HANDSHAKE/, "client", "it requires a client certificate that it trusts, or breaks off TLS"],
  [/^ERR_OSSL_/, "client", "a certificate or key that is set for it is none, or has a passphrase"],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH/, "tls", "it does not speak TLS"],
  [/CERT|SELF_SIGNED|UNABLE_TO_|SIGNATURE/, "certificate", NOT_TRUSTED],
  [/^(EPROTO|ERR_SSL_|ERR_TLS_)/, "tls", "it and this machine cannot agree on TLS"],
  [/^HPE_/, "http", "it does not answer in HTTP"],
];

/** The failure in an error; undefined if the error is of another kind. */
export function failureOf(error: unknown, settings: Settings = {}): Failure | undefined {
  return failureBy(codeOf(error), settings);
}

/** The same, where there is only a text, as in gRPC's details. */
export function failureIn(text: string, settings: Settings = {}): Failure | undefined {
  return failureBy(codeIn(text), settings);
}

/** Whether a call that failed is worth another try, as far as the network goes. */
export function networkPasses(error: unknown): boolean {
  return failureOf(error)?.passes ?? false;
}

/** Whether an answer of HTTP with such a status is worth another try: too many requests, or a failure of the service. */
export function statusPasses(status: number | undefined): boolean {
  return status !== undefined && (status === 408 || status === 429 || status >= 500);
}

/** What an answer of HTTP that says no means, where its status is all that is known. */
export function codeOfStatus(status: number | undefined): ErrorCode {
  if (status === 401) return "bad-credentials";
  if (status === 403) return "access-denied";
  return status === 404 ? "no-such-key" : "service-failed";
}

function failureBy(code: string, settings: Settings): Failure | undefined {
  if (code.startsWith("PROXY_") && !/_E[MN]FILE$/.test(code))
    return failureOfProxy(code.slice("PROXY_".length));
  const row = ROWS.find(([codes]) => codes.test(code));
  if (!row) return undefined;
  // OpenSSL also reads keys that are not for connections
  if (code.startsWith("ERR_OSSL_") && !settings.client) return undefined;
  const [, kind, why, passes] = row;
  return { kind, why: `${why} (${code})`, hint: hintFor(kind, why, settings), passes: passes !== undefined };
}

/** The codes are those that `openTunnel` gives: a status, or what failed on the way to the proxy. */
function failureOfProxy(code: string): Failure {
  const hint = "check HTTPS_PROXY, with a user name and a password if it needs them, and NO_PROXY";
  const [kind, passes] = ["proxy" as const, false];
  if (code === "407") return { kind, why: "the proxy needs a user name and a password", hint, passes };
  if (/^\d+$/.test(code)) return { kind, why: `the proxy answers with status ${code}`, hint, passes };
  const { why } = failureBy(code, {}) ?? { why: code };
  return { kind, why: `of the proxy, ${why}`, hint, passes };
}

function hintFor(kind: FailureKind, why: string, settings: Settings): string {
  const { address, authority = "NODE_EXTRA_CA_CERTS", client, name } = settings;
  const where = address ? `the address (${address})` : "the address";
  switch (kind) {
    case "name":
      return `check ${where} for a typing error, and the network: a name may be known in a private one only`;
    case "room":
      return "raise the limit (ulimit -n) or work on fewer files side by side (--jobs 4)";
    case "client":
      return client
        ? `${client} name PEM files: a certificate that the server trusts, and its key`
        : `check ${where}, and whether a proxy is in between`;
    case "certificate":
      if (why === NOT_TRUSTED) {
        return `if a private authority or a proxy of your company signed it, name the authority's file in ${authority}`;
      }
      return /name/.test(why)
        ? `use the name that it is for${name ? `, or give that name in ${name}` : ""}`
        : "have it renewed, or set this machine's clock";
    case "tls":
    case "http":
      return `check ${where}: the port, and whether it begins with https; a proxy may be in between`;
    default:
      return `check ${where}, whether it runs, the network, and a proxy (HTTPS_PROXY, NO_PROXY)`;
  }
}

/** The code of an error, wherever an SDK put it; where both IPv4 and IPv6 failed, it is inside. */
export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth++) {
    const { code, name, message, cause, errors } = at as Record<string, unknown> & { errors?: unknown[] };
    // OpenSSL's own reason is in the text
    if (code === "EPROTO" && typeof message === "string") return codeIn(message) || code;
    if (typeof code === "string" && /^[A-Z][A-Z\d_]*$/.test(code)) return code;
    if (name === "TimeoutError") return "ETIMEDOUT";
    at = (Array.isArray(errors) ? errors[0] : undefined) ?? cause;
  }
  return "";
}

/** BoringSSL, which bun has, writes reasons as `BAD_CERTIFICATE`. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/Name resolution failed/, "ENOTFOUND"],
  [/altnames/, "ERR_TLS_CERT_ALTNAME_INVALID"],
  [/certificate has expired/, "CERT_HAS_EXPIRED"],
  [/self.signed/i, "SELF_SIGNED_CERT_IN_CHAIN"],
  [/unable to (?:get|verify)/i, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  [/certificate[ _]required|bad[ _]certificate|unknown[ _]ca|handshake[ _]failure/i, "TLS_ALERT"],
  [/wrong[ _]version[ _]number|packet[ _]length[ _]too[ _]long/i, "ERR_SSL_WRONG_VERSION_NUMBER"],
  [/SSL routines/, "ERR_SSL_FAILURE"],
  [/TimeoutError/, "ETIMEDOUT"],
  [/Connection dropped|No connection established|socket hang up/, "ECONNRESET"],
];

const CODES =
  /\b(?:PROXY_\w+|ERR_[A-Z\d_]+|CERT_[A-Z_]+|[A-Z_]*SELF_SIGNED[A-Z_]*|UNABLE_TO_[A-Z_]+|EAI_AGAIN|E[A-Z]{4,})\b/g;

/** The code that a text names, such as the details of a gRPC status; empty if it names none. */
export function codeIn(text: string): string {
  const known = (code: string): boolean => code !== "EPROTO" && failureBy(code, {}) !== undefined;
  const found = (text.match(CODES) ?? []).find(known);
  return found ?? TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? "";
}
