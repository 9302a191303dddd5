import { changed, type ErrorCode, TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { type Failure, failureIn, failureOf } from "../../net/failure.ts";
import { retryAfterMs, throttleBy } from "../../net/service.ts";
import { printable } from "../../printable.ts";
import type { Address } from "./address.ts";
import type { GoogleCredentials } from "./credentials.ts";
import { stripped } from "./stripped.ts";

/** What Google Cloud KMS answers, in sentences. Codes: google.rpc.Code, https://grpc.io/docs/guides/status-codes. */
export const CODES = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** Codes by HTTP status, for answers of REST that do not say it (google.rpc.Code's own table). */
const BY_STATUS: Readonly<Record<number, number>> = {
  400: CODES.INVALID_ARGUMENT,
  401: CODES.UNAUTHENTICATED,
  403: CODES.PERMISSION_DENIED,
  404: CODES.NOT_FOUND,
  409: CODES.ABORTED,
  429: CODES.RESOURCE_EXHAUSTED,
  501: CODES.UNIMPLEMENTED,
  503: CODES.UNAVAILABLE,
  504: CODES.DEADLINE_EXCEEDED,
};

const PASSING: readonly number[] = [
  // a server that goes away in the middle of a call; what is stopped here does not come this far
  CODES.CANCELLED,
  CODES.RESOURCE_EXHAUSTED,
  CODES.ABORTED,
  CODES.INTERNAL,
  CODES.UNAVAILABLE,
  CODES.DEADLINE_EXCEEDED,
];

const SETTINGS = { address: "SOPS_GCP_KMS_ENDPOINT, if it is set", authority: "SSL_CERT_FILE" };

export interface Answer {
  readonly code?: number;
  /** google.rpc.ErrorInfo's reason, such as SERVICE_DISABLED. */
  readonly reason?: string;
  /** The server's words, not fit for messages: to look for states in. */
  readonly text: string;
  /** google.rpc.RetryInfo: for how long the service wants to be left alone. */
  readonly afterMs?: number;
  /** A broken or impossible connection. */
  readonly network?: Failure;
}

/** Data that did not arrive as it was sent (https://cloud.google.com/kms/docs/data-integrity-guidelines). */
export class Garbled extends Error {}

/** Whether Google says that there are too many requests. */
export function throttle(error: unknown): Throttle | undefined {
  const { response } = (error ?? {}) as {
    response?: { status?: number; headers?: { get?(name: string): string | null } };
  };
  const header = response?.headers?.get?.("retry-after");
  const { code, afterMs = retryAfterMs(header) } = answerOf(error);
  if (code === CODES.RESOURCE_EXHAUSTED) return { afterMs };
  // as with a Retry-After: who is busy and says for how long is left alone
  if (code === CODES.UNAVAILABLE && afterMs !== undefined) return { afterMs };
  return throttleBy(response?.status, header);
}

/** Whether an error passes by itself. */
export function passes(error: unknown): boolean {
  if (error instanceof Garbled) return true;
  const { code, network } = answerOf(error);
  return network ? network.passes : code !== undefined && PASSING.includes(code);
}

/** Who was asked, and with what. */
interface Asked {
  readonly address: Address;
  readonly credentials: Pick<GoogleCredentials, "owner" | "where">;
}

/** What a call failed with: its cause in a sentence, and the next step. Errors of our own stay as they are. */
export function explained(
  error: unknown,
  key: string,
  purpose: "encrypt" | "decrypt",
  service: Asked,
): TsopsError {
  const cause = stripped(error);
  if (error instanceof TsopsError) return changed(error, { cause });
  const make = (code: ErrorCode, why: string, hint: string) => new TsopsError(code, why, { hint, cause });
  if (error instanceof Garbled) {
    return make(
      "service-failed",
      "data did not arrive as it was sent, several times",
      "check the network for a faulty device",
    );
  }
  const answer = answerOf(error);
  const { owner, where } = service.credentials;
  switch (answer.code) {
    case CODES.PERMISSION_DENIED:
      return make("access-denied", ...denied(answer, key, purpose, service));
    case CODES.UNAUTHENTICATED:
      return make(
        "bad-credentials",
        `Google does not accept ${owner} (${where}): expired, revoked or not meant for it`,
        "get a new token (`gcloud auth print-access-token`), or log in with `gcloud auth application-default login`",
      );
    case CODES.NOT_FOUND:
      return make(
        "no-such-key",
        "there is no such key",
        "check project, location, key ring and name, each of them; a key of another location is another key",
      );
    case CODES.FAILED_PRECONDITION:
      return make("no-such-key", ...unusable(answer, key));
    case CODES.INVALID_ARGUMENT:
      return purpose === "decrypt"
        ? make(
            "bad-key",
            "Google says that the wrapped data key is damaged, or that another key wrapped it",
            "compare the file's sops metadata with its last good version in git",
          )
        : make(
            "bad-key",
            "Google does not take the request",
            "check that the key's purpose is ENCRYPT_DECRYPT",
          );
    case CODES.RESOURCE_EXHAUSTED:
      return make(
        "service-failed",
        "Google's quota is used up, and stayed so over several tries",
        "try again in a minute, or raise the project's quota for cryptographic requests",
      );
    default:
      return make(answer.network ? "service-unreachable" : "service-failed", ...failed(answer, service));
  }
}

function denied(
  { reason }: Answer,
  key: string,
  purpose: "encrypt" | "decrypt",
  { credentials: { owner, where } }: Asked,
): [string, string] {
  const [, project, location, ring, name] =
    /^projects\/(.+)\/locations\/(.+)\/keyRings\/(.+)\/cryptoKeys\/(.+)$/.exec(printable(key)) ?? [];
  if (reason === "SERVICE_DISABLED") {
    return [
      `the Cloud KMS API is not enabled in the project that pays for ${owner}`,
      `enable it: gcloud services enable cloudkms.googleapis.com --project=${project}`,
    ];
  }
  if (reason === "BILLING_DISABLED") {
    return ["the project has no billing account", "attach one to the project in Google's console"];
  }
  const permission = `cloudkms.cryptoKeyVersions.useTo${purpose === "encrypt" ? "Encrypt" : "Decrypt"}`;
  const member = /^the service account (\S+@\S+)$/.exec(owner)?.[1];
  return [
    `${owner} (${where}) may not ${purpose} with it, or it does not exist (permission ${permission})`,
    `let its owner run: gcloud kms keys add-iam-policy-binding ${name} --project=${project} --location=${location} --keyring=${ring} --member=${member ? `serviceAccount:${member}` : "MEMBER"} --role=roles/cloudkms.cryptoKeyEncrypterDecrypter`,
  ];
}

const STATES: Readonly<Record<string, [string, string]>> = {
  DISABLED: ["is disabled", "enable it: gcloud kms keys versions enable"],
  DESTROY_SCHEDULED: [
    "is about to be destroyed",
    "restore it while that is possible: gcloud kms keys versions restore",
  ],
  DESTROYED: ["was destroyed for good", "use another key of the file; what only this key opens is lost"],
};

/** The key's version is disabled or destroyed: Google says so in words only. */
function unusable({ text }: Answer, key: string): [string, string] {
  const state = /current state is:? (\w+)/.exec(text)?.[1];
  const version = /cryptoKeyVersions\/(\d+)/.exec(text)?.[1];
  const which = version ? `version ${version} of the key` : "the key";
  const [why, step] = (state && STATES[state]) || ["cannot be used now: disabled or destroyed", "see"];
  if (state === "DESTROYED") return [`${which} ${why}`, step];
  const list = `gcloud kms keys versions list --key=${printable(key)}`;
  return [`${which} ${why}`, step === "see" ? list : `${step} ${version} --key=${printable(key)}`];
}

function failed({ code, network }: Answer, { address }: Asked): [string, string] {
  const server = `${address.host}:${address.port}`;
  if (network) {
    return [`${server} cannot be reached: ${network.why}`, network.hint];
  }
  const name = Object.entries(CODES).find(([, number]) => number === code)?.[0];
  return [
    `${server} fails${name ? ` (${name})` : ""}, and did so over several tries`,
    "try again in a few minutes; https://status.cloud.google.com says whether Google has trouble",
  ];
}

/** What an error of the client says: gRPC's status, or an answer or failure of HTTP. */
export function answerOf(error: unknown): Answer {
  const found = (error ?? {}) as {
    code?: unknown;
    details?: unknown;
    message?: unknown;
    reason?: unknown;
    afterMs?: unknown;
    status?: unknown;
    response?: { data?: unknown };
  };
  const text = [found.details, found.message].filter((part) => typeof part === "string").join(" ");
  if (typeof found.code === "number" && found.code < 100) {
    const reason = typeof found.reason === "string" ? found.reason : undefined;
    return {
      code: found.code,
      reason,
      afterMs: typeof found.afterMs === "number" ? found.afterMs : undefined,
      text,
      network: found.code === CODES.UNAVAILABLE ? failureIn(text, SETTINGS) : undefined,
    };
  }
  if (typeof found.status === "number") return httpAnswer(found.status, found.response?.data, text);
  const network = failureOf(error, SETTINGS) ?? failureIn(text, SETTINGS);
  return { code: network ? CODES.UNAVAILABLE : undefined, text, network };
}

interface HttpFailure {
  readonly error?: { status?: string; message?: string; details?: unknown };
}

/** The client reads the body of a failure as a stream, and keeps its text only as the error's message. */
function httpAnswer(status: number, data: unknown, text: string): Answer {
  const { error } = parsed(data) ?? parsed(text) ?? {};
  const word = error?.status as keyof typeof CODES | undefined;
  const code =
    (word && Object.hasOwn(CODES, word) ? CODES[word] : undefined) ??
    BY_STATUS[status] ??
    (status >= 500 ? CODES.INTERNAL : undefined);
  const details = (Array.isArray(error?.details) ? error.details : []) as {
    reason?: string;
    retryDelay?: string;
  }[];
  const reason = details.find((detail) => detail.reason)?.reason;
  // a duration in JSON: "3.5s"
  const delay = details.find((detail) => detail.retryDelay)?.retryDelay;
  const seconds = typeof delay === "string" ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
  const afterMs = seconds === undefined ? undefined : Number(seconds) * 1000;
  return { code, reason, afterMs, text: error?.message ?? text };
}

function parsed(data: unknown): HttpFailure | undefined {
  try {
    const body: unknown = typeof data === "string" ? JSON.parse(data.trim()) : data;
    return typeof body === "object" && body !== null && "error" in body ? (body as HttpFailure) : undefined;
  } catch {
    return undefined;
  }
}
