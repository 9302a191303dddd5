import { TsopsError } from "../../errors.ts";
import type { HttpAnswer as Answer, HttpRequest } from "../../net/http.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import type { Loaded } from "./credentials.ts";
import { NoAnswer, send } from "./http.ts";
import { refusal } from "./refusal.ts";
import { iamEndpoint, kmsEndpoints } from "./region.ts";
import { signedHeaders, type UnsignedRequest } from "./sign.ts";

/** The calls of HuaweiCloud's KMS that keys need (API reference of Data Encryption Workshop, v1.0). */

type Operation = "encrypt-data" | "decrypt-data" | "describe-key";

/** Which region's service is called, and as whom. */
interface Account {
  readonly region: string;
  readonly credentials: Loaded;
}

/**
 * Calls the KMS of a region. The fields of its answer come back; the answer itself is cleared.
 * @throws Refusal, NoAnswer, TsopsError if the answer cannot be read, TsopsError("aborted").
 */
export async function callKms(
  context: KeyContext,
  { region, credentials }: Account,
  operation: Operation,
  body: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const endpoints = await kmsEndpoints(region, context);
  const project = credentials.projectId ?? (await projectOf(context, region, credentials));
  const path = `/v1.0/${encodeURIComponent(project)}/kms/${operation}`;
  const answer = await firstOf(endpoints, (endpoint) =>
    send(context, () => {
      const url = new URL(path, endpoint);
      return signed(
        { method: "POST", url, body: JSON.stringify(body) },
        { ...credentials, projectId: project },
        context,
      );
    }),
  );
  try {
    if (answer.status >= 300) throw refusal(answer, "the KMS", operation === "decrypt-data");
    return fieldsOf(answer);
  } finally {
    answer.body.fill(0);
  }
}

/** Other addresses count only where the name of one is unknown or its certificate is not trusted, as in the vendor's SDK. */
async function firstOf(endpoints: readonly URL[], call: (endpoint: URL) => Promise<Answer>): Promise<Answer> {
  for (const [i, endpoint] of endpoints.entries()) {
    try {
      return await call(endpoint);
    } catch (error) {
      if (!(error instanceof NoAnswer && error.wrongAddress) || i === endpoints.length - 1) throw error;
    }
  }
  throw new TsopsError("bad-setting", "the region has no address");
}

function signed(
  request: Pick<UnsignedRequest, "method" | "url" | "body">,
  credentials: Loaded,
  { now }: KeyContext,
): HttpRequest {
  const { projectId, securityToken } = credentials;
  const headers: Record<string, string> = {};
  if (projectId) headers["x-project-id"] = projectId;
  if (securityToken) headers["x-security-token"] = securityToken;
  const { method, url, body } = request;
  return {
    method,
    url,
    // the type is not signed: proxies change it
    headers: {
      ...signedHeaders({ ...request, headers }, credentials, now()),
      "content-type": "application/json;charset=UTF-8",
    },
    ...(method === "POST" && { body }),
  };
}

function fieldsOf(answer: Answer): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(answer.body.toString());
    if (typeof fields === "object" && fields !== null) return fields as Record<string, unknown>;
  } catch {
    // the parser's message would quote the answer
  }
  throw new TsopsError("service-failed", "it does not answer like a KMS", {
    hint: "check whether the endpoint that is set for the region is one, and whether there is a proxy in between",
  });
}

/** The project of the region, where the credentials do not say: IAM has one by the region's name. */
async function projectOf(context: KeyContext, region: string, credentials: Loaded): Promise<string> {
  const name = `hckms project ${JSON.stringify([region, credentials.accessKey])}`;
  return once(context, name, () => findProject(context, region, credentials));
}

async function findProject(context: KeyContext, region: string, credentials: Loaded): Promise<string> {
  const url = new URL("/v3/projects", iamEndpoint(context, region, credentials.iamEndpoint));
  url.searchParams.set("name", region);
  const answer = await send(context, () => signed({ method: "GET", url, body: "" }, credentials, context));
  const hint = "set HUAWEICLOUD_SDK_PROJECT_ID, or project_id in the credentials file";
  if (answer.status >= 300) {
    const { code, message } = refusal(answer, "IAM");
    throw new TsopsError(code, `the project of the region cannot be found out: ${message}`, { hint });
  }
  const { projects } = fieldsOf(answer);
  const ids = (Array.isArray(projects) ? projects : []).map((project) => project?.id);
  const [id] = ids;
  if (ids.length === 1 && typeof id === "string") return id;
  const many = ids.length > 1 ? `${ids.length} projects` : "no project";
  throw new TsopsError("bad-setting", `the account has ${many} for the region ${printable(region)}`, {
    hint,
  });
}
