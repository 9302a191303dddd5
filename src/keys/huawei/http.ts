import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";

/** What answers here are small; more than this is none of the service's. */
const MAX_ANSWER_BYTES = 2 ** 20;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** May hold a secret: the caller clears it. */
  readonly body: Buffer;
}

export interface SendOptions {
  /** For one try; the tries together have the limit of all key management systems. */
  readonly seconds?: number;
}

/** There was no answer: the name was not found, the connection was refused or broke, TLS failed, time was up. */
export class NoAnswer extends TsopsError {
  /** Another address of the same service may do: its name is unknown, or its certificate is not trusted. */
  readonly wrongAddress: boolean;

  constructor(url: URL, cause: string, wrongAddress: boolean, error: unknown) {
    super("generic", `${printable(url.host)} cannot be reached: ${cause}`, {
      hint: "check the network, a firewall, and the address",
      cause: error,
    });
    this.wrongAddress = wrongAddress;
  }
}

/**
 * Sends a request in bounded time, and again where there were too many or the service failed by itself. `make` is
 * called for each try, since signatures hold the time. Redirects are not followed: they would carry credentials along.
 * @throws NoAnswer, TsopsError("aborted"); any status is an answer.
 */
export async function send(
  context: KeyContext,
  make: () => HttpRequest,
  { seconds }: SendOptions = {},
): Promise<Answer> {
  try {
    return await attempt(
      context,
      async (signal) => {
        const limit = seconds ? AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) : signal;
        const answer = await sendOnce(make(), limit);
        if (answer.status === 429 || answer.status >= 500) throw new Busy(answer);
        return answer;
      },
      { passes: (error) => error instanceof Busy || broke(error) },
    );
  } catch (error) {
    if (error instanceof Busy) return error.answer;
    if (error instanceof TsopsError) throw error;
    throw noAnswer(make().url, error);
  }
}

/** An answer that another try may better. */
class Busy extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super("busy");
    this.answer = answer;
  }
}

async function sendOnce({ method, url, headers, body }: HttpRequest, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, { method, headers, body, signal, redirect: "manual" });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER_BYTES)
      throw new TsopsError("generic", `${printable(url.host)} sent too long an answer`);
    chunks.push(Buffer.from(chunk as Uint8Array));
  }
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return { status: response.status, headers: response.headers, body: whole };
}

/** The code that Node gives for what happened below HTTP. Messages are not used: they may quote a header. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
    if (cause.name === "TimeoutError") return "ETIMEDOUT";
  }
  return "";
}

const BROKEN = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "EAI_AGAIN"];

function broke(error: unknown): boolean {
  return BROKEN.includes(codeOf(error));
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no network",
  ETIMEDOUT: "it did not answer in time",
  UND_ERR_CONNECT_TIMEOUT: "it did not answer in time",
  UND_ERR_HEADERS_TIMEOUT: "it did not answer in time",
};

function noAnswer(url: URL, error: unknown): NoAnswer {
  const code = codeOf(error);
  const tls = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/.test(code);
  const cause = tls
    ? `its certificate is not trusted (${code})`
    : (CAUSES[code] ?? `the request failed (${code || "unknown cause"})`);
  return new NoAnswer(url, cause, tls || code === "ENOTFOUND" || code === "EAI_AGAIN", error);
}
