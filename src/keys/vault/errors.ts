import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";

/** What Vault answered with a status that says no: 400, 403, 404, 429, 5xx, … */
export class VaultError extends Error {
  readonly status: number;
  /** Vault's own words, fit for a message: control characters show, and nothing that was sent is in them. May be empty. */
  readonly texts: readonly string[];

  /** What came with it: the KV engine says here when a version was deleted. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(status: number, texts: readonly string[], data?: Readonly<Record<string, unknown>>) {
    super(texts.join("; ") || `status ${status}`);
    this.name = "VaultError";
    this.status = status;
    this.texts = texts;
    this.data = data;
  }
}

const LONGEST = 300;
/** Shorter values are words such as a role's name, which may stand in any sentence. */
const SHORTEST_SECRET = 8;

/** An answer as an error. A server may repeat what it was sent, so texts with a sent value in them are left out. */
export function vaultError(status: number, body: unknown, sent: readonly string[]): VaultError {
  const { errors, data } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const secrets = sent.filter((value) => value.length >= SHORTEST_SECRET);
  const texts = (Array.isArray(errors) ? errors : [])
    .filter((text): text is string => typeof text === "string" && text.trim() !== "")
    .filter((text) => !secrets.some((secret) => text.includes(secret)))
    .map((text) => printable(text.slice(0, LONGEST)));
  const more = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined;
  return new VaultError(status, texts, more);
}

/** Whether another try may help: throttling, a failure of the server itself. Sealed, it stays so until a person comes. */
export function passesByItself(error: unknown): boolean {
  if (error instanceof VaultError) {
    if (isSealed(error) || error.status === 501) return false;
    return error.status === 412 || error.status === 429 || error.status >= 500;
  }
  return BROKEN.includes(codeOf(error));
}

export function isSealed({ status, texts }: VaultError): boolean {
  return status === 503 && texts.some((text) => /sealed/i.test(text));
}

const BROKEN: readonly string[] = ["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"];

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up now",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "there is no route to that host",
  ENETUNREACH: "there is no route to that network",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
};

const TRUST =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)$/;

/** A failure of the network or of TLS as an error with a next step; other errors come back as they are. */
export function unreachable(error: unknown, address: string): unknown {
  const code = codeOf(error);
  const fail = (why: string, hint: string): TsopsError =>
    new TsopsError("generic", `the Vault server ${address} ${why}`, { hint, cause: error });
  if (Object.hasOwn(CAUSES, code)) {
    return fail(
      `cannot be reached: ${CAUSES[code]}`,
      "check the address, the network and a proxy, and whether it runs",
    );
  }
  if (TRUST.test(code)) {
    return fail(
      "has a certificate that is not trusted here",
      "name the file of its certificate authority in VAULT_CACERT",
    );
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return fail("has a certificate that is not valid now", "renew it, or set this machine's clock");
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return fail(
      "has a certificate for another name",
      "use the name that it is for, or give that name in VAULT_TLS_SERVER_NAME",
    );
  }
  if (code.startsWith("ERR_OSSL_")) {
    return fail(
      "cannot be asked: a file that the environment names is not a certificate or key",
      "VAULT_CACERT, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY name files in PEM; the key has no passphrase",
    );
  }
  if (/^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(code)) {
    return fail(
      `and this machine cannot agree on TLS (${printable(code)})`,
      "check whether the address should begin with https, and whether the server needs VAULT_CLIENT_CERT and VAULT_CLIENT_KEY",
    );
  }
  if (code.startsWith("HPE_")) {
    return fail("does not answer in HTTP", "check the port, and whether the address begins with https");
  }
  return error;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}
