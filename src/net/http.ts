import {
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as plainRequest,
} from "node:http";
import { request as secureRequest } from "node:https";
import { TsopsError } from "../errors.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** May hold a secret: the caller clears it. */
  readonly body: Buffer;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  /** From `agentFor`. */
  readonly agent: Agent;
  /** More bytes than this are none of the service's. */
  readonly limit?: number;
}

const MAX_ANSWER = 2 ** 20;

/**
 * One request and its answer, whatever its status, and nothing that happens by itself: no redirect, which would carry
 * credentials along, no other try, no proxy but the agent's.
 * @throws what Node says of a connection that failed (failure.ts), TsopsError("service-failed") if the answer is too long.
 */
export function send(
  { method, url, headers, body }: HttpRequest,
  { signal, agent, limit = MAX_ANSWER }: SendOptions,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const make = url.protocol === "https:" ? secureRequest : plainRequest;
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    make(url, { method, headers: { ...headers, ...length }, signal, agent }, (response) => {
      bodyOf(response, limit).then((bytes) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes });
      }, reject);
    })
      .on("error", reject)
      .end(body);
  });
}

async function bodyOf(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) {
        throw new TsopsError("service-failed", "its answer is too long", {
          hint: "check the address: something else may be there",
        });
      }
    }
    return Buffer.concat(chunks);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
