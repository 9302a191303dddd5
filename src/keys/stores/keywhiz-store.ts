import { type ErrorCode, TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { strictBase64 } from "../../net/base64.ts";
import { codeOfStatus } from "../../net/failure.ts";
import type { HttpAnswer } from "../../net/http.ts";
import { printable, shortened } from "../../printable.ts";
import { checkAllowed } from "../allow.ts";
import type { KeyContext } from "../kind.ts";
import { KEYWHIZ_SERVERS } from "./allow.ts";
import { type KeywhizAddress, parseKeywhiz } from "./keywhiz-address.ts";
import { getSecret, passes, throttle, unreachable } from "./keywhiz-client.ts";
import { loadCredentials } from "./keywhiz-credentials.ts";
import type { Secret, Store } from "./store.ts";

/** A Keywhiz server as a store. */
export const keywhizStore: Store = {
  async read(uri, context) {
    if (!(await keywhizStore.ready!(uri, context))) return null;
    const address = parseKeywhiz(uri);
    const credentials = await loadCredentials(context);
    const answer = await attempt(context, (signal) => getSecret(address, credentials, context, signal), {
      service: `keywhiz ${address.host}:${address.port}`,
      passes,
      throttle,
    })
      .catch((error: unknown) => Promise.reject(unreachable(error, `${address.host}:${address.port}`)))
      .finally(() => credentials.key.fill(0));
    return secretOf(answer, uri);
  },

  async ready(uri, context) {
    if (missing(context).length > 0) return false;
    await checkAddress(parseKeywhiz(uri), context);
    return true;
  },

  whyNot(uri, context) {
    return [
      `no client certificate for ${shortened(uri)}: ${missing(context).join(" and ")} not set`,
      "KEYWHIZ_CLIENT_CERT and KEYWHIZ_CLIENT_KEY name the PEM files of the client's certificate and its private key",
    ];
  },

  describe(uri, { env }) {
    const { host, port } = parseKeywhiz(uri);
    const authority = env.KEYWHIZ_CA ? printable(env.KEYWHIZ_CA) : "the system's authorities";
    const certificate = env.KEYWHIZ_CLIENT_CERT ? printable(env.KEYWHIZ_CLIENT_CERT) : "none";
    return [`Keywhiz at ${host}:${port}, trusted by ${authority}`, `client certificate: ${certificate}`];
  },
};

function missing({ env }: KeyContext): string[] {
  return ["KEYWHIZ_CLIENT_CERT", "KEYWHIZ_CLIENT_KEY"].filter((name) => !env[name]);
}

async function checkAddress({ host, port }: KeywhizAddress, context: KeyContext): Promise<void> {
  const name = host.includes(":") ? `[${host}]` : host;
  await checkAllowed(context, KEYWHIZ_SERVERS, `${name}:${port}`);
}

/**
 * The secret in an answer. `checksum` cannot be verified: it is an HMAC with a key of the server's. What the answer must
 * agree with is the name that was asked for and its own length; and a master key is known by its id in any case.
 */
function secretOf({ status, body }: HttpAnswer, uri: string): Secret {
  try {
    if (status !== 200) throw refused(status, uri);
    const answer = JSON.parse(body.toString("utf8")) as Record<string, unknown> | null;
    const text = typeof answer?.secret === "string" ? strictBase64(answer.secret) : undefined;
    const { secret: name } = parseKeywhiz(uri);
    // the name may have a version behind it
    if (text && (answer?.name === name || String(answer?.name).startsWith(`${name}..`))) {
      if (text.length === answer?.secretLength) return { text };
      text.fill(0);
      throw broken(uri, `it has ${text.length} bytes, and the server says ${Number(answer?.secretLength)}`);
    }
    text?.fill(0);
    throw broken(uri, "the answer is not one of Keywhiz for this secret");
  } catch (error) {
    // the parser's message would quote the body
    throw error instanceof TsopsError ? error : broken(uri, "the answer is not JSON");
  } finally {
    body.fill(0);
  }
}

function broken(uri: string, why: string): TsopsError {
  return new TsopsError("service-failed", `Keywhiz did not deliver ${shortened(uri)}: ${why}`, {
    hint: "check whether a Keywhiz server listens at that address, and whether there is a proxy before it",
  });
}

function refused(status: number, uri: string): TsopsError {
  const known: Readonly<Record<number, readonly [ErrorCode, string, string]>> = {
    401: [
      "bad-credentials",
      "it does not know this client (401)",
      "the certificate's common name must be that of a client which Keywhiz knows, and enabled",
    ],
    403: [
      "access-denied",
      "this client may not have the secret (403)",
      "assign the secret to a group that the client is in",
    ],
    404: [
      "no-such-key",
      "it has no such secret (404)",
      "look for a typing error in the name, or add the secret again",
    ],
  };
  const [code, why, hint] = known[status] ?? [
    codeOfStatus(status),
    `it answered with status ${status}`,
    "see the log of the server for the reason, and try again later",
  ];
  return new TsopsError(code, `Keywhiz did not deliver ${shortened(uri)}: ${why}`, { hint });
}
