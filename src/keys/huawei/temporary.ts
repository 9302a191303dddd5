import { readFileSync } from "node:fs";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { statusPasses } from "../../net/failure.ts";
import type { HttpAnswer as Answer, HttpRequest } from "../../net/http.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { send } from "./http.ts";
import { iamEndpoint } from "./region.ts";
import type { Credentials } from "./sign.ts";

/** Temporary credentials, as the vendor's SDK for Go gets them. */

/** A metadata service is next door. */
const METADATA_SECONDS = 3;
/** How long they are to be valid. */
const LIFETIME_SECONDS = 6 * 60 * 60;
const JSON_TYPE = { "content-type": "application/json;charset=UTF-8" };

/** Those of the agency that a HuaweiCloud machine has. */
export async function instanceCredentials(context: KeyContext, address: string): Promise<Credentials> {
  const ask = (request: HttpRequest): Promise<Answer> =>
    send(context, () => request, { seconds: METADATA_SECONDS, direct: true });
  const token = await ask({
    method: "PUT",
    url: new URL("/meta-data/latest/api/token", address),
    headers: { "X-Metadata-Token-Ttl-Seconds": String(LIFETIME_SECONDS) },
  });
  // machines with the first version of the service have no tokens
  const headers: Record<string, string> =
    token.status === 200 ? { "X-Metadata-Token": token.body.toString() } : {};
  const answer = await ask({
    method: "GET",
    url: new URL("/openstack/latest/securitykey", address),
    headers,
  });
  checkAble(answer, "the machine's metadata service");
  if (answer.status !== 200) {
    throw new TsopsError(
      "bad-credentials",
      `the machine's metadata service gives no credentials (${answer.status})`,
      {
        hint: "give the machine an agency that may use the key, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
      },
    );
  }
  return parse(answer, "credential", "the machine's metadata service");
}

/** Those that a pod of the Cloud Container Engine gets for its service account. */
export async function podCredentials(
  context: KeyContext,
  uri: string,
  tokenFile: string,
): Promise<Credentials> {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TsopsError("bad-setting", "HC_CONTAINER_CREDENTIALS_FULL_URI holds no address");
  }
  const authorization = await readToken(tokenFile, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  const headers = { ...JSON_TYPE, authorization };
  const answer = await send(context, () => ({ method: "POST", url, headers, body: "{}" }));
  checkAble(answer, "the pod's identity service");
  if (answer.status !== 200) {
    throw new TsopsError("bad-credentials", `the pod's identity gives no credentials (${answer.status})`, {
      hint: "check whether the service account of the pod is bound to an agency",
    });
  }
  return parse(answer, "credentials", "the pod's identity");
}

/** Those that IAM gives for a token of an identity provider. */
export async function federatedCredentials(
  context: KeyContext,
  idp: string,
  tokenFile: string,
  iam: string | undefined,
): Promise<Credentials> {
  const base = iamEndpoint(context, undefined, iam);
  const idToken = await readToken(tokenFile, "the identity token's file");
  const post = (path: string, headers: Record<string, string>, body: unknown): Promise<Answer> =>
    send(context, () => ({
      method: "POST",
      url: new URL(path, base),
      headers: { ...JSON_TYPE, ...headers },
      body: JSON.stringify(body),
    }));
  const login = await post(
    "/v3.0/OS-AUTH/id-token/tokens",
    { "X-Idp-Id": idp },
    { auth: { id_token: { id: idToken } } },
  );
  checkAble(login, "IAM");
  const subject = login.headers["x-subject-token"];
  if (login.status >= 300 || !subject) {
    throw new TsopsError(
      "bad-credentials",
      `IAM does not take the identity token for ${printable(idp)} (${login.status})`,
      {
        hint: "check whether the token has expired, and whether its issuer and audience are those of the identity provider",
      },
    );
  }
  const answer = await post(
    "/v3.0/OS-CREDENTIAL/securitytokens",
    {},
    {
      auth: { identity: { methods: ["token"], token: { id: subject, duration_seconds: LIFETIME_SECONDS } } },
    },
  );
  checkAble(answer, "IAM");
  if (answer.status >= 300) {
    throw new TsopsError("bad-credentials", `IAM gives no temporary credentials (${answer.status})`, {
      hint: "check whether the group that the identity provider maps to has permissions",
    });
  }
  return parse(answer, "credential", "IAM");
}

/** What is wrong with the service itself says nothing of the credentials. */
function checkAble({ status }: Answer, what: string): void {
  if (!statusPasses(status)) return;
  const why = status === 429 ? "gets too many requests" : "cannot answer now";
  throw new TsopsError("service-failed", `${what} ${why} (${status})`, { hint: "try again later" });
}

async function readToken(path: string, what: string): Promise<string> {
  try {
    return (await withRoom(() => readFileSync(path, "utf8"))).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown cause";
    throw new TsopsError("bad-credentials", `${what}, ${printable(path)}, cannot be read (${code})`);
  }
}

/** The services spell the fields in two ways. */
function parse(answer: Answer, field: string, what: string): Credentials {
  try {
    const credential = JSON.parse(answer.body.toString())[field] as Record<string, unknown>;
    const pick = (...names: string[]): string => {
      const value = names
        .map((name) => credential[name])
        .find((text) => typeof text === "string" && text !== "");
      if (typeof value !== "string") throw new Error("a field is missing");
      return value;
    };
    const expires = Date.parse(pick("expires_at", "expiration"));
    return {
      accessKey: pick("access", "accessKeyId"),
      secretKey: pick("secret", "secretAccessKey"),
      securityToken: pick("securitytoken", "securityToken"),
      expires: Number.isNaN(expires) ? undefined : expires,
    };
  } catch {
    throw new TsopsError("service-failed", `${what} does not answer with credentials`);
  } finally {
    answer.body.fill(0);
  }
}
