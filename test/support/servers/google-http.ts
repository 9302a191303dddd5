import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { crc32c } from "../../../src/keys/google/crc32c.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { contextWith } from "../keys/contexts.ts";

/** What a small HTTP server answers: a status and a body, which becomes JSON unless it is a text. */
export interface HttpAnswer {
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly body: unknown;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface HttpServer {
  readonly host: string;
  readonly requests: HttpRequest[];
  answer: (request: HttpRequest) => HttpAnswer;
  stop(): void;
}

/** A server on a loopback port that answers as it is told, in this process. */
export async function httpServer(answer: HttpServer["answer"]): Promise<HttpServer> {
  const requests: HttpRequest[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url: path = "", headers } = request;
    const seen = { method, path, headers, body: Buffer.concat(chunks).toString() };
    requests.push(seen);
    const { status = 200, body, headers: more } = self.answer(seen);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, {
      ...more,
      "content-type": typeof body === "string" ? "text/plain" : "application/json",
    });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: HttpServer = { host, requests, answer, stop };
  return self;
}

/** Google's answer for a failure, as REST writes it. */
export function refusal(status: number, name: string, message: string, reason?: string): HttpAnswer {
  const details = reason
    ? [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com" }]
    : [];
  return { status, body: { error: { code: status, status: name, message, details } } };
}

/** A key of which the ciphertext is the plaintext backwards, with the checksums that Google sends. */
export function kmsAnswer({ path, body }: HttpRequest): HttpAnswer {
  const [, name, verb] = /^\/v1\/(projects\/[^:?]*)(?::(\w+))?/.exec(path) ?? [];
  if (verb === "encrypt" || verb === "decrypt") {
    const [from, to] = verb === "encrypt" ? ["plaintext", "ciphertext"] : ["ciphertext", "plaintext"];
    const request = JSON.parse(body) as Record<string, string>;
    const bytes = Buffer.from(request[from!] ?? "", "base64");
    const verified = request[`${from}Crc32c`] === String(crc32c(bytes));
    const result = Buffer.from(bytes.toReversed());
    const more =
      verb === "encrypt"
        ? { name: `${name}/cryptoKeyVersions/1`, verifiedPlaintextCrc32c: verified }
        : { usedPrimary: true };
    return {
      body: { [to!]: result.toString("base64"), [`${to}Crc32c`]: String(crc32c(result)), ...more },
    };
  }
  if (verb === "testIamPermissions") return { body: JSON.parse(body) as unknown };
  const primary = { name: `${name}/cryptoKeyVersions/1`, state: "ENABLED" };
  return { body: { name, primary } };
}

/** Sets what Google's library would read behind the caller's back: all of it must mean nothing. */
export function misleadByProcess(): void {
  Object.assign(process.env, {
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
    GOOGLE_APPLICATION_CREDENTIALS: "/nonexistent/of-the-process.json",
    GOOGLE_CLOUD_QUOTA_PROJECT: "of-the-process",
    GOOGLE_CLOUD_UNIVERSE_DOMAIN: "of-the-process.example",
    GCE_METADATA_HOST: "127.0.0.1:9",
    GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "1",
    AWS_REGION: "of-the-process-1",
    AWS_ACCESS_KEY_ID: "OF-THE-PROCESS",
    AWS_SECRET_ACCESS_KEY: "of-the-process",
  });
}

/** A context with a token, for REST at a small server. */
export function restContext(
  server: HttpServer,
  env: Record<string, string | undefined> = {},
  more: Partial<KeyContext> = {},
): KeyContext {
  const all = {
    SOPS_GCP_KMS_CLIENT_TYPE: "REST",
    SOPS_GCP_KMS_ENDPOINT: `http://${server.host}`,
    GOOGLE_OAUTH_ACCESS_TOKEN: "the-token",
    METADATA_SERVER_DETECTION: "none",
    ...env,
  };
  return contextWith(all, more);
}

export async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}
