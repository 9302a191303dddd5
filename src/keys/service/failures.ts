import { type ErrorCode, TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { failureIn } from "../../net/failure.ts";
import { printable } from "../../printable.ts";
import { withoutIdentities } from "../secret.ts";
import type { ServiceAddress } from "./address.ts";

/** What goes wrong between a client and a key service, by the numbers of gRPC's status codes. */
export const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** An error with a status code, as gRPC gives it. */
interface Failure {
  readonly code: number;
  readonly details: string;
}

function isFailure(error: unknown): error is Failure {
  const { code, details } = (error ?? {}) as Partial<Failure>;
  return typeof code === "number" && typeof details === "string";
}

/** Whether another try may help: the service is busy, or the connection broke. A refused one stays refused. */
export function passes(error: unknown): boolean {
  if (!isFailure(error)) return false;
  return error.code === STATUS.resourceExhausted || broke(error);
}

/** Whether the key service says that it has too much to do. */
export function busy(error: unknown): Throttle | undefined {
  return isFailure(error) && error.code === STATUS.resourceExhausted ? {} : undefined;
}

/** Whether a connection broke, or the service was stopped, after it had been reached. */
export function broke(error: unknown): boolean {
  if (!isFailure(error)) return false;
  if (error.code === STATUS.cancelled) return true;
  if (error.code !== STATUS.unavailable) return false;
  return !/^(No connection established|Name resolution failed)/.test(error.details);
}

/**
 * Says what a failed call means.
 * @param brokeBefore whether the connection broke at an earlier try.
 */
export function explain(error: unknown, address: Pick<ServiceAddress, "tls">, brokeBefore: boolean): unknown {
  if (!isFailure(error)) return error;
  const { code, what, hint } = meaning(error, address);
  const first = brokeBefore && !broke(error) ? `${BROKE.what}, and now ` : "";
  return new TsopsError(code, first + what, { hint, cause: error });
}

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
}

function meaning(failure: Failure, address: Pick<ServiceAddress, "tls">): Meaning {
  const { code: status, details } = failure;
  if (broke(failure)) return BROKE;
  switch (status) {
    case STATUS.unavailable:
      return unreachable(details, address);
    case STATUS.unimplemented:
      return {
        code: "service-failed",
        what: "there is no key service at the address",
        hint: "check the address: something else answers there",
      };
    case STATUS.resourceExhausted:
      return {
        code: "service-failed",
        what: `the key service is busy${told(details)}`,
        hint: "try again later",
      };
    case STATUS.permissionDenied:
      return {
        code: "access-denied",
        what: `the key service refuses${told(details)}`,
        hint: "ask the person who runs it",
      };
    default:
      return {
        code: status === STATUS.notFound ? "key-unavailable" : "service-failed",
        what: `the key service cannot do it${told(details)}`,
        hint: "what it found out about the key is in its log, with --verbose if it is tsops",
      };
  }
}

const BROKE: Meaning = {
  code: "service-unreachable",
  what: "the connection to the key service broke before it answered",
  hint: "check whether it is still running; if it requires client certificates, set TSOPS_KEYSERVICE_CERT and _KEY",
};

/** Causes that only sockets of the file system have. */
const SOCKETS: readonly (readonly [RegExp, string, string])[] = [
  [/ENOENT/, "there is no such socket", "start it, or check the path"],
  [/EACCES|EPERM/, "the socket may not be used by this user", "run it as the same user"],
];

const SETTINGS = {
  authority: "TSOPS_KEYSERVICE_CA",
  client: "TSOPS_KEYSERVICE_CERT and TSOPS_KEYSERVICE_KEY",
};

function unreachable(details: string, { tls }: Pick<ServiceAddress, "tls">): Meaning {
  const socket = SOCKETS.find(([pattern]) => pattern.test(details));
  const failure = failureIn(details, SETTINGS);
  const [, cause = failure?.why, hint = failure?.hint] = socket ?? [];
  const code = "service-unreachable";
  if (cause === undefined || (!socket && failure?.kind === "broke")) {
    return tls
      ? {
          code,
          what: "the key service hangs up",
          hint: "check whether it accepts the certificate that TSOPS_KEYSERVICE_CERT names",
        }
      : {
          code,
          what: "the key service hangs up",
          hint: "check whether it needs TLS: tls://HOST:PORT, or TSOPS_KEYSERVICE_CA for a cluster's key",
        };
  }
  return {
    code,
    what: `the key service cannot be reached: ${cause}`,
    hint: hint!,
  };
}

const MAX_TOLD = 300;

/** What the service says. It is another program's text: cut, printable, and without what looks like an identity. */
function told(details: string): string {
  const text = printable(withoutIdentities(details).slice(0, MAX_TOLD));
  return text === "" ? "" : `: ${text}`;
}
