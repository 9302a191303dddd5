import type { IncomingMessage } from "node:http";
import { TsopsError } from "../../errors.ts";
import type { KeywhizAddress } from "./keywhiz-address.ts";
import type { KeywhizCredentials } from "./keywhiz-credentials.ts";

export interface KeywhizAnswer {
  readonly status: number;
  /** Holds the secret: who reads it clears it. */
  readonly body: Buffer;
}

/** Far above what Keywhiz stores in a secret that holds keys. */
const MAX_BYTES = 1 << 20;

/** `GET /secret/NAME` over mutual TLS. Nothing of the process's own TLS settings counts. */
export async function getSecret(
  { host, port, secret }: KeywhizAddress,
  credentials: KeywhizCredentials,
  signal: AbortSignal,
): Promise<KeywhizAnswer> {
  const [{ Agent, request }, { createSecureContext }] = await Promise.all([
    import("node:https"),
    import("node:tls"),
  ]);
  const secureContext = secured(() => createSecureContext({ ...credentials, minVersion: "TLSv1.2" }));
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 0 });
  const { promise, resolve, reject } = withResolvers<KeywhizAnswer>();
  const options = {
    ...{ host, port, path: `/secret/${encodeURIComponent(secret)}`, method: "GET", signal, agent },
    ...{ secureContext, rejectUnauthorized: true, headers: { accept: "application/json" } },
  };
  const call = request(options, (response) => {
    readBody(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  });
  call.on("error", reject).end();
  const answer = await promise;
  if (answer.status === 429 || answer.status >= 500) throw new Busy(answer.status);
  return answer;
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BYTES) {
        const hint = "check whether a Keywhiz server listens there, and not something else";
        throw new TsopsError("generic", "its answer is too long", { hint });
      }
    }
    return Buffer.concat(chunks);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

/** The server says that it cannot answer now. */
class Busy extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

/** Whether an error will pass by itself. */
export function passes(error: unknown): boolean {
  return error instanceof Busy || ["ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(codeOf(error));
}

function secured<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const mismatch = codeOf(cause) === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    const why = mismatch
      ? "the client certificate is not for the key in KEYWHIZ_CLIENT_KEY"
      : "the files that KEYWHIZ_CLIENT_CERT, KEYWHIZ_CLIENT_KEY and KEYWHIZ_CA name cannot be used";
    throw new TsopsError("generic", why, {
      hint: "they must be PEM, the key without a passphrase and the one that belongs to the certificate",
      cause,
    });
  }
}

const CERTIFICATE_CODES: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is not signed by an authority that is trusted here",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is not signed by an authority that is trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not signed by an authority that is trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is not signed by an authority that is trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not signed by an authority that is trusted here",
  CERT_SIGNATURE_FAILURE: "its certificate is not signed by an authority that is trusted here",
};

/** What a call failed with, in a sentence. */
export function unreachable(error: unknown, server: string): TsopsError {
  const fail = (why: string, hint?: string) =>
    new TsopsError("generic", `Keywhiz at ${server}: ${why}`, { hint, cause: error });
  if (error instanceof TsopsError) return error.code === "generic" ? fail(error.message, error.hint) : error;
  if (error instanceof Busy) {
    return fail(`it cannot answer now (${error.status})`, "try again later, or see the log of the server");
  }
  const code = codeOf(error);
  const untrusted = CERTIFICATE_CODES[code];
  if (untrusted) return fail(untrusted, "KEYWHIZ_CA names the authority's certificate, a PEM file");
  if (/ALERT|HANDSHAKE/.test(code)) {
    return fail(
      `it refuses the client's certificate (${code})`,
      "use a certificate that is signed by the authority which Keywhiz trusts for its clients",
    );
  }
  if (code === "ECONNRESET") {
    return fail(
      "it closes the connection, as it does where it does not accept the client's certificate",
      "use a certificate that is signed by the authority which Keywhiz trusts for its clients",
    );
  }
  const why = code === "ENOTFOUND" || code === "EAI_AGAIN" ? "its name is not known" : "it cannot be reached";
  return fail(`${why} (${code || "no reason given"})`, "check the address, the network and the server");
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
