import { type ErrorCode, TsopsError } from "../../errors.ts";
import { codeOfStatus } from "../../net/failure.ts";
import type { HttpAnswer as Answer } from "../../net/http.ts";
import { printable } from "../../printable.ts";

/** What a service of HuaweiCloud says that went wrong, in words for a person. Its own text is never shown: it may quote the request. */

/** A refusal by the service, for the sentence and the next step. */
export class Refusal extends TsopsError {
  readonly status: number;
  /** The service's code, such as `KMS.0209`; empty if it gave none. */
  readonly serviceCode: string;

  constructor(status: number, serviceCode: string, { code, message, hint }: Words) {
    super(code, message, { hint });
    this.status = status;
    this.serviceCode = serviceCode;
  }
}

interface Words {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

const DENIED: Words = {
  code: "access-denied",
  message: "the credentials may not use the key",
  hint: "grant them kms:cmk:crypto on the key, or give other credentials",
};
const NOT_FOUND: Words = {
  code: "no-such-key",
  message: "there is no such key in this region and project",
  hint: "check the region and the id of the key, and the project of the credentials (HUAWEICLOUD_SDK_PROJECT_ID)",
};
const DISABLED: Words = {
  code: "no-such-key",
  message: "the key is disabled",
  hint: "enable it in the console of the KMS",
};
const EXPIRED: Words = {
  code: "bad-credentials",
  message: "the credentials have expired",
  hint: "get new temporary credentials, and set the security token with them",
};
const THROTTLED: Words = {
  code: "service-failed",
  message: "there were too many requests",
  hint: "wait a minute, or ask for a higher quota",
};
const DAMAGED: Words = {
  code: "bad-key",
  message: "the wrapped data key is damaged, or another key wrapped it",
  hint: "compare the file's sops metadata with the last good version in git",
};

/** By "Error Codes" of the vendor's API references (Data Encryption Workshop, API Gateway, IAM). */
const BY_CODE: Readonly<Record<string, Words>> = {
  "KMS.0205": NOT_FOUND,
  "KMS.0207": NOT_FOUND,
  "KMS.0209": DISABLED,
  "KMS.0210": {
    code: "no-such-key",
    message: "the key is going to be deleted, and cannot be used until then",
    hint: "cancel its deletion in the console of the KMS, and enable it",
  },
  "KMS.0301": { code: "bad-credentials", message: "the credentials are not valid", hint: "set them again" },
  "KMS.0303": EXPIRED,
  "KMS.0306": DENIED,
  "KMS.0307": DENIED,
  "KMS.2201": DAMAGED,
  "APIGW.0101": {
    code: "service-failed",
    message: "there is no KMS at this address",
    hint: "check the endpoint that is set for the region",
  },
  "APIGW.0302": DENIED,
  "APIGW.0308": THROTTLED,
  "PAP5.0001": DENIED,
};

/** The code and text of an answer, in any of the forms that the services have. */
function details(answer: Answer): { code: string; text: string } {
  try {
    const body = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    const inner = (typeof body.error === "object" && body.error !== null ? body.error : body) as Record<
      string,
      unknown
    >;
    const code = inner.error_code ?? inner.code ?? "";
    const text = inner.error_msg ?? inner.message ?? "";
    return { code: typeof code === "string" ? code : "", text: typeof text === "string" ? text : "" };
  } catch {
    return { code: "", text: "" };
  }
}

/** @param opening whether the request was to unwrap, where a parameter that is not valid can only be the wrapped key. */
export function refusal(answer: Answer, service: string, opening = false): Refusal {
  const { code, text } = details(answer);
  const shown = /^[\w.-]{1,40}$/.test(code) ? code : "";
  const words = wordsFor(answer.status, shown, text, opening);
  const message = `${words.message} (${service} answered ${answer.status}${shown && `, ${shown}`})`;
  return new Refusal(answer.status, shown, { ...words, message });
}

function wordsFor(status: number, code: string, text: string, opening: boolean): Words {
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known) return known;
  if (status === 401) return badCredentials(text);
  if (status === 403) return DENIED;
  if (status === 429) return THROTTLED;
  if (status >= 500)
    return { code: "service-failed", message: "the service failed", hint: "try again later" };
  if (/\bdisabled\b/i.test(text)) return DISABLED;
  if (opening && /cipher_?text/i.test(text)) return DAMAGED;
  return {
    code: codeOfStatus(status),
    message: "the request was refused",
    hint: `look ${printable(code) || "the status"} up among the error codes of HuaweiCloud's KMS`,
  };
}

/** The gateway has one code for all that is wrong with credentials, and tells more in its text. */
function badCredentials(text: string): Words {
  if (/expire/i.test(text)) return /date/i.test(text) ? CLOCK : EXPIRED;
  if (/signature/i.test(text)) {
    return {
      code: "bad-credentials",
      message: "the secret key does not belong to the access key",
      hint: "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK again, from the same pair",
    };
  }
  return {
    code: "bad-credentials",
    message: "the credentials are not valid",
    hint: "check whether the access key exists and is enabled; temporary ones need their security token, and expire",
  };
}

const CLOCK: Words = {
  code: "bad-setting",
  message: "the request is too old or too new",
  hint: "set this machine's clock",
};
