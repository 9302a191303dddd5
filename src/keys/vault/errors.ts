import { TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { throttleBy } from "../../net/service.ts";
import { printable } from "../../printable.ts";

/** What Vault answered with a status that says no: 400, 403, 404, 429, 5xx, … */
export class VaultError extends Error {
  readonly status: number;
  /** Vault's own words, fit for a message: control characters show, and nothing that was sent is in them. May be empty. */
  readonly texts: readonly string[];

  /** What came with it: the KV engine says here when a version was deleted. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
  /** The header of that name. */
  readonly retryAfter?: string;

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
export function vaultError(
  { status, body, retryAfter }: { status: number; body?: unknown; retryAfter?: string },
  sent: readonly string[],
): VaultError {
  const { errors, data } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const secrets = sent.filter((value) => value.length >= SHORTEST_SECRET);
  const texts = (Array.isArray(errors) ? errors : [])
    .filter((text): text is string => typeof text === "string" && text.trim() !== "")
    .filter((text) => !secrets.some((secret) => text.includes(secret)))
    .map((text) => printable(text.slice(0, LONGEST)));
  const more = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined;
  return Object.assign(new VaultError(status, texts, more), { retryAfter });
}

/** Whether Vault says that there are too many requests. */
export function throttle(error: unknown): Throttle | undefined {
  if (!(error instanceof VaultError) || isSealed(error)) return undefined;
  return throttleBy(error.status, error.retryAfter);
}

/** Whether another try may help: throttling, a failure of the server itself. Sealed, it stays so until a person comes. */
export function passesByItself(error: unknown): boolean {
  if (error instanceof VaultError) {
    if (isSealed(error) || error.status === 501) return false;
    // 412: a standby that has not caught up yet
    return error.status === 412 || statusPasses(error.status);
  }
  return networkPasses(error);
}

export function isSealed({ status, texts }: VaultError): boolean {
  return status === 503 && texts.some((text) => /sealed/i.test(text));
}

/** A failure of the network or of TLS as an error with a next step; other errors come back as they are. */
export function unreachable(error: unknown, address: string): unknown {
  const failure = failureOf(error, {
    address: "VAULT_ADDR, or the one in the file",
    authority: "VAULT_CACERT",
    client: "VAULT_CLIENT_CERT and VAULT_CLIENT_KEY",
    name: "VAULT_TLS_SERVER_NAME",
  });
  if (!failure || error instanceof TsopsError) return error;
  const { why, hint } = failure;
  return new TsopsError("service-unreachable", `the Vault server ${address} cannot be reached: ${why}`, {
    hint,
    cause: error,
  });
}
