import { type ErrorCode, TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { codeOfStatus, failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { retryAfterMs, throttleBy } from "../../net/service.ts";
import { printable, shortened } from "../../printable.ts";
import type { CredentialSource } from "./source.ts";

/** What AWS's services say, in a sentence with a next step. Their own messages are not passed on: only codes and ARNs. */

export interface CallFacts {
  readonly service: "KMS" | "STS" | "SSO" | "S3";
  readonly region: string;
  /** Its URL, fit for a message, if it is not the service's usual address. */
  readonly endpoint?: string;
  readonly source?: CredentialSource;
  /** ARN of the key that the call is about. */
  readonly arn?: string;
}

interface Explanation {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly hint: string;
}

/** The parts of an SDK's error that count, whatever class it is of. */
interface ServiceError {
  readonly name: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
}

const THROTTLED =
  /^(?:Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled|SlowDown|PriorRequestNotComplete)$/;
/** Failures of the service that pass by themselves. */
const PASSING =
  /^(?:KMSInternalException|DependencyTimeoutException|KeyUnavailableException|InternalFailure|InternalError|ServiceUnavailable|RequestTimeout|IDPCommunicationError)$/;

/** Whether AWS says that there are too many requests. Errors of our own count by their cause. */
export function throttle(error: unknown): Throttle | undefined {
  const given = toServiceError(error);
  if (!given) return undefined;
  if (error instanceof TsopsError) return throttle(error.cause);
  const { $response } = error as { $response?: { headers?: Readonly<Record<string, string>> } };
  const retryAfter = $response?.headers?.["retry-after"];
  if (THROTTLED.test(given.name)) return { afterMs: retryAfterMs(retryAfter) };
  return throttleBy(given.$metadata?.httpStatusCode, retryAfter);
}

/** Whether another try makes sense: for `attempt`. Errors of our own count by their cause. */
export function passes(error: unknown): boolean {
  const given = toServiceError(error);
  if (!given) return false;
  if (error instanceof TsopsError) return passes(error.cause);
  return (
    THROTTLED.test(given.name) ||
    PASSING.test(given.name) ||
    statusPasses(given.$metadata?.httpStatusCode) ||
    // the SDK has learned by how much this machine's clock is wrong, and signs the next request accordingly
    given.$metadata?.clockSkewCorrected === true ||
    networkPasses(given)
  );
}

/** Whether one key cannot be used at the moment, such as one in a key store of its own: others can. */
export function isOfKey(error: unknown): boolean {
  return /^(?:KeyUnavailable|DependencyTimeout)/.test(toServiceError(error)?.name ?? "");
}

/** The error for a call that failed: the cause in a sentence, and what to do. Errors of our own stay as they are. */
export function explained(error: unknown, facts: CallFacts): TsopsError {
  if (error instanceof TsopsError) return error;
  const { code, cause, hint } = explain(error, facts);
  return new TsopsError(code, cause, { hint, cause: error });
}

/**
 * Whether a failure is about what the key wrapped, or the context that came with it, and so says nothing of the key. Not
 * of AWS's own: a wrapped key that is no base64.
 */
export function isOfWrapped(error: unknown): boolean {
  if (!(error instanceof TsopsError)) return false;
  let cause: unknown = error;
  while (cause instanceof TsopsError) cause = cause.cause;
  const { name = "", message = "" } = toServiceError(cause) ?? {};
  if (error.code === "access-denied") return /ciphertext refers to/i.test(message);
  return error.code === "bad-key" && !OF_THE_KEY.test(name);
}

/** Codes that are explained as "bad-key" and are about the key itself. */
const OF_THE_KEY = /^(?:InvalidKeyUsage|InvalidArn)(?:Exception)?$/;

function explain(error: unknown, facts: CallFacts): Explanation {
  const given = toServiceError(error);
  if (!given) return { code: "generic", cause: "an internal error", hint: "report it" };
  const name = String(given.name).replace(/Exception$/, "");
  if (Object.hasOwn(CAUSES, name)) return CAUSES[name]!(facts, given);
  if (THROTTLED.test(given.name)) return throttled(facts);
  const status = given.$metadata?.httpStatusCode;
  if (status === undefined || status < 300) return unreachable(given, facts);
  if (status >= 500) return failing(facts);
  // a gateway in front of the service, which knows none of its codes
  if (status === 429) return throttled(facts);
  if (status < 400) return redirected(facts, status);
  if (status === 403) return denied(facts, given);
  return {
    code: codeOfStatus(status),
    cause: `${facts.service} refuses it: ${printable(given.name)}`,
    hint: `look the error code up in the documentation of AWS ${facts.service}`,
  };
}

function redirected({ service, endpoint }: CallFacts, status: number): Explanation {
  return {
    code: "service-failed",
    cause: `${service}${endpoint ? ` at ${endpoint}` : ""} answers with a redirect (status ${status}), which is not followed`,
    hint: "check whether this is the address of an AWS service, and whether there is a proxy in between",
  };
}

type Cause = (facts: CallFacts, error: ServiceError) => Explanation;

/** By error code, without `Exception` at its end. The codes are those of the API references of KMS, STS and SSO. */
const CAUSES: Readonly<Record<string, Cause>> = {
  AccessDenied: denied,
  Forbidden: denied,
  UnauthorizedOperation: denied,
  NotFound: ({ region, arn }) => ({
    code: "no-such-key",
    cause: `there is no such key in ${region}`,
    hint: `compare account, region and id in ${shownArn(arn)} with \`aws kms list-keys --region ${region}\`; a deleted key does not come back`,
  }),
  Disabled: ({ region, arn }) => ({
    code: "no-such-key",
    cause: "the key is disabled",
    hint: `its administrator can enable it: aws kms enable-key --region ${region} --key-id ${keyIdOf(arn)}`,
  }),
  KMSInvalidState: ({ region, arn }) => ({
    code: "no-such-key",
    cause: "the key is in a state in which it cannot be used, such as being scheduled for deletion",
    hint: `see aws kms describe-key --region ${region} --key-id ${shownArn(arn)}; aws kms cancel-key-deletion saves it while it waits`,
  }),
  KeyUnavailable: () => ({
    code: "service-failed",
    cause: "the key is not available at the moment",
    hint: "try again later",
  }),
  InvalidCiphertext: () => ({
    code: "bad-key",
    cause:
      "the encryption context is not the one that it was wrapped with, or the wrapped data key is damaged",
    hint: "compare context and enc of the key in the file's metadata with the file's last good version in git",
  }),
  IncorrectKey: () => ({
    code: "bad-key",
    cause: "the data key was wrapped with another KMS key than the one that the file names",
    hint: "if it is an alias, it may lead to another key by now: name the key itself, or point the alias back",
  }),
  InvalidKeyUsage: () => ({
    code: "bad-key",
    cause: "the key is not for encryption",
    hint: "use a symmetric key with the usage ENCRYPT_DECRYPT",
  }),
  InvalidArn: ({ region, endpoint }) => ({
    code: "bad-key",
    cause: "KMS does not accept the ARN",
    hint: endpoint
      ? `the service at ${endpoint} may be that of another region than ${region}`
      : "look for a typing error in its region, account and id",
  }),
  ExpiredToken: expired,
  RequestExpired: skewed,
  RequestTimeTooSkewed: skewed,
  UnrecognizedClient: unknownKey,
  InvalidClientTokenId: unknownKey,
  InvalidAccessKeyId: unknownKey,
  InvalidSignature: wrongSecret,
  SignatureDoesNotMatch: wrongSecret,
  IncompleteSignature: wrongSecret,
  InvalidIdentityToken: (facts) => ({
    code: "bad-credentials",
    cause: "the web identity token is not accepted",
    hint: `the role's trust policy must name the token's issuer and subject${renewal(facts)}`,
  }),
  IDPRejectedClaim: (facts) => ({
    code: "bad-credentials",
    cause: "the issuer of the web identity token rejects it",
    hint: `it may have expired${renewal(facts)}`,
  }),
  RegionDisabled: ({ region }) => ({
    code: "access-denied",
    cause: `STS is not enabled in ${region} for the account`,
    hint: "its administrator can enable the region",
  }),
  Unauthorized: expired,
  Validation: ({ service }) => ({
    code: "bad-key",
    cause: `${service} calls the request malformed`,
    hint: "look for a typing error in the ARN, the role and the encryption context",
  }),
};

/** AWS says who was denied what; nothing else of its message is passed on. */
function denied({ service, arn }: CallFacts, { message = "" }: ServiceError): Explanation {
  const [, who, action] =
    /User: (arn:[\w:+=,.@/-]+) is not authorized to perform: ([\w:*]+)/.exec(message) ?? [];
  const code = "access-denied";
  const cause = who ? `access denied: ${printable(who)} may not do ${action}` : "access denied";
  if (service === "STS") {
    return {
      code,
      cause,
      hint: "allow sts:AssumeRole on the role to these credentials, and let the role's trust policy name them",
    };
  }
  if (service !== "KMS") return { code, cause, hint: "allow it to these credentials, or use others" };
  return {
    code,
    cause: who ? cause : `${cause}, or there is no such key for these credentials`,
    hint: `allow ${action ?? "kms:Encrypt and kms:Decrypt"} on ${shownArn(arn)} in the key's policy or with IAM, or use other credentials`,
  };
}

function expired({ source }: CallFacts): Explanation {
  return {
    code: "bad-credentials",
    cause: `the credentials have expired${source ? ` (${source.where})` : ""}`,
    hint: source?.renew ?? "get new ones",
  };
}

function unknownKey({ source, region }: CallFacts): Explanation {
  return {
    code: "bad-credentials",
    cause: `AWS does not know these credentials${source ? ` (${source.where})` : ""}`,
    hint: `they may be deleted, incomplete (a session token that is missing), of another partition, or ${region} is not enabled for the account; ${source?.renew ?? "use others"}`,
  };
}

function wrongSecret({ source }: CallFacts): Explanation {
  return {
    code: "bad-credentials",
    cause: `the signature is wrong: the secret access key does not belong to the access key id${source ? ` (${source.where})` : ""}, or this machine's clock is wrong`,
    hint: source?.renew ?? "use other credentials",
  };
}

function skewed(): Explanation {
  return {
    code: "bad-setting",
    cause: "this machine's clock is wrong",
    hint: "set it: AWS refuses requests that are minutes off",
  };
}

function throttled({ service }: CallFacts): Explanation {
  return {
    code: "service-failed",
    cause: `${service} answers that there are too many requests, several times`,
    hint: "try again later, or have the account's quota raised",
  };
}

function failing({ service }: CallFacts): Explanation {
  return {
    code: "service-failed",
    cause: `${service} fails at the moment, several times`,
    hint: "see AWS's health dashboard, and try again later",
  };
}

function unreachable(error: ServiceError, { service, region, endpoint }: CallFacts): Explanation {
  const where = endpoint ? `at ${endpoint}` : `in ${region}`;
  const failure = failureOf(error, {
    address: endpoint
      ? "AWS_ENDPOINT_URL, or the profile's endpoint_url"
      : "it is made from the region in the ARN",
    authority: "AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS",
  });
  if (failure) {
    const cause = `${service} ${where} cannot be reached: ${failure.why}`;
    return { code: "service-unreachable", cause, hint: failure.hint };
  }
  return {
    code: "service-failed",
    cause: `${service} ${where} gives an answer that is not understood (${printable(error.name)})`,
    hint: endpoint
      ? "check whether the address is that of an AWS service"
      : "check whether a proxy answers for it",
  };
}

function renewal({ source }: CallFacts): string {
  return source ? `; ${source.renew}` : "";
}

function shownArn(arn = "the key"): string {
  return shortened(arn);
}

function keyIdOf(arn = ""): string {
  return printable(arn);
}

function toServiceError(error: unknown): ServiceError | undefined {
  return typeof error === "object" && error !== null ? (error as ServiceError) : undefined;
}
