import type { Agent } from "node:http";
import { TsopsError } from "../../errors.ts";
import { agentFor } from "../../net/agent.ts";
import { attempt } from "../../net/attempt.ts";
import { codeOf, type Failure, failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { type HttpAnswer, type HttpRequest, send as sendOnce } from "../../net/http.ts";
import { throttleBy } from "../../net/service.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

export interface SendOptions {
  /** For one try; the tries together have the limit of all key management systems. */
  readonly seconds?: number;
  /** Whatever proxies the environment names: for what is next door. */
  readonly direct?: boolean;
}

/** There was no answer: the name was not found, the connection was refused or broke, TLS failed, time was up. */
export class NoAnswer extends TsopsError {
  /** Another address of the same service may do: its name is unknown, or its certificate is not trusted. */
  readonly wrongAddress: boolean;

  constructor(url: URL, { why, hint, kind }: Failure, cause: unknown) {
    super("service-unreachable", `${printable(url.host)} cannot be reached: ${why}`, { hint, cause });
    this.wrongAddress = kind === "name" || kind === "certificate";
  }
}

/**
 * Sends a request in bounded time, and again where there were too many or the service failed by itself. `make` is
 * called for each try, since signatures hold the time.
 * @throws NoAnswer, TsopsError("aborted"); any status is an answer.
 */
export async function send(
  context: KeyContext,
  make: () => HttpRequest,
  { seconds, direct }: SendOptions = {},
): Promise<HttpAnswer> {
  try {
    return await attempt(
      context,
      async (signal) => {
        const limit = seconds ? AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) : signal;
        const request = make();
        const answer = await sendOnce(request, { signal: limit, agent: agent(request.url, context, direct) });
        if (statusPasses(answer.status)) throw new Busy(answer);
        return answer;
      },
      {
        service: `huawei ${make().url.host}`,
        passes: (error) => error instanceof Busy || networkPasses(error),
        throttle: (error) =>
          error instanceof Busy
            ? throttleBy(error.answer.status, error.answer.headers["retry-after"])
            : undefined,
      },
    );
  } catch (error) {
    if (error instanceof Busy) return error.answer;
    if (error instanceof TsopsError) throw error;
    // the text of an error may quote a header
    const failure = failureOf(error) ?? {
      ...UNKNOWN,
      why: `the request failed (${codeOf(error) || "unknown cause"})`,
    };
    throw new NoAnswer(make().url, failure, error);
  }
}

function agent({ origin }: URL, context: KeyContext, direct = false): Agent {
  return once(context, `huawei agent ${origin} ${direct}`, () =>
    agentFor(new URL(origin), direct ? { env: {} } : context),
  );
}

/** An answer that another try may better. */
class Busy extends Error {
  readonly answer: HttpAnswer;
  constructor(answer: HttpAnswer) {
    super("busy");
    this.answer = answer;
  }
}

const UNKNOWN = { kind: "network", hint: "check the address and the network", passes: false } as const;
