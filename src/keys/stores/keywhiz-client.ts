import { type ErrorCode, TsopsError } from "../../errors.ts";
import { agentFor } from "../../net/agent.ts";
import type { Throttle } from "../../net/attempt.ts";
import { codeOf, failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { type HttpAnswer, send } from "../../net/http.ts";
import { throttleBy } from "../../net/service.ts";
import type { KeyContext } from "../kind.ts";
import { prefixed } from "../reasons.ts";
import type { KeywhizAddress } from "./keywhiz-address.ts";
import type { KeywhizCredentials } from "./keywhiz-credentials.ts";

/** `GET /secret/NAME` over mutual TLS. Nothing of the process's own TLS settings counts. */
export async function getSecret(
  { host, port, secret }: KeywhizAddress,
  credentials: KeywhizCredentials,
  context: KeyContext,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { createSecureContext } = await import("node:tls");
  const secureContext = secured(() => createSecureContext({ ...credentials, minVersion: "TLSv1.2" }));
  const name = host.includes(":") ? `[${host}]` : host;
  const url = new URL(`https://${name}:${port}/secret/${encodeURIComponent(secret)}`);
  const agent = agentFor(url, context, { tls: { secureContext, rejectUnauthorized: true } });
  try {
    const answer = await send(
      { method: "GET", url, headers: { accept: "application/json" } },
      { signal, agent },
    );
    if (statusPasses(answer.status)) throw new Busy(answer);
    return answer;
  } finally {
    agent.destroy();
  }
}

/** The server says that it cannot answer now. */
class Busy extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;
  constructor({ status, headers }: HttpAnswer) {
    super(`status ${status}`);
    this.status = status;
    this.retryAfter = headers["retry-after"];
  }
}

/** Whether the server says that there are too many requests. */
export function throttle(error: unknown): Throttle | undefined {
  return error instanceof Busy ? throttleBy(error.status, error.retryAfter) : undefined;
}

/** Whether an error will pass by itself. */
export function passes(error: unknown): boolean {
  return error instanceof Busy || networkPasses(error);
}

function secured<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const mismatch = codeOf(cause) === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    const why = mismatch
      ? "the client certificate is not for the key in KEYWHIZ_CLIENT_KEY"
      : "the files that KEYWHIZ_CLIENT_CERT, KEYWHIZ_CLIENT_KEY and KEYWHIZ_CA name cannot be used";
    throw new TsopsError("bad-credentials", why, {
      hint: "they must be PEM, the key without a passphrase and the one that belongs to the certificate",
      cause,
    });
  }
}

/** What a call failed with, in a sentence. */
export function unreachable(error: unknown, server: string): unknown {
  const fail = (code: ErrorCode, why: string, hint?: string) =>
    new TsopsError(code, `Keywhiz at ${server}: ${why}`, { hint, cause: error });
  if (error instanceof TsopsError) return prefixed(error, `Keywhiz at ${server}`);
  if (error instanceof Busy) {
    return fail(
      "service-failed",
      `it cannot answer now (${error.status})`,
      "try again later, or see the log of the server",
    );
  }
  const failure = failureOf(error, {
    authority: "KEYWHIZ_CA",
    client: "KEYWHIZ_CLIENT_CERT and KEYWHIZ_CLIENT_KEY",
  });
  if (failure?.kind === "broke") {
    return fail(
      "bad-credentials",
      "it closes the connection, as it does where it does not accept the client's certificate",
      "use a certificate that is signed by the authority which Keywhiz trusts for its clients",
    );
  }
  return fail("service-unreachable", `it cannot be reached: ${failure?.why ?? codeOf(error)}`, failure?.hint);
}
