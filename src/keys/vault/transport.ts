import type { Agent, IncomingHttpHeaders, RequestOptions } from "node:http";
import { TsopsError } from "../../errors.ts";
import { JsonText } from "./api.ts";
import type { TlsOptions } from "./tls.ts";

/** One request and its answer, and nothing that happens by itself: no redirect, no other try, no proxy of the process. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the answer is empty. */
  readonly body: unknown;
}

export type Transport = (exchange: Exchange) => Promise<Answer>;

const MAX_ANSWER = 2 ** 25;

/** Connections to one server, kept open between requests. */
export async function transportWith(tls: TlsOptions): Promise<Transport> {
  const [http, https] = await Promise.all([import("node:http"), import("node:https")]);
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true, ...tls }),
  };
  return ({ method, url, headers, json, signal }) => {
    const secure = url.protocol === "https:";
    const agent: Agent = agents[secure ? "https:" : "http:"];
    const body =
      json === undefined
        ? undefined
        : Buffer.from(json instanceof JsonText ? json.text : JSON.stringify(json));
    const options: RequestOptions = {
      method,
      agent,
      signal,
      headers: { ...headers, ...bodyHeaders(method, body) },
    };
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > MAX_ANSWER)
            response.destroy(new TsopsError("generic", "its answer has more than 32 MiB"));
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, body: parsed(Buffer.concat(chunks)) });
          for (const chunk of chunks) chunk.fill(0);
        });
      });
      request.on("error", reject);
      // the body may be a data key
      request.on("close", () => body?.fill(0));
      request.end(body);
    });
  };
}

function bodyHeaders(method: string, body: Buffer | undefined): Record<string, string> {
  if (!body) return {};
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  return { "Content-Type": type, "Content-Length": String(body.length) };
}

/** Text that is not JSON comes from something else than Vault; the caller tells by its type. */
function parsed(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  bytes.fill(0);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
