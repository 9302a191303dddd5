import { TsopsError } from "../../errors.ts";
import { agentFor } from "../../net/agent.ts";
import { send } from "../../net/http.ts";
import { FIRMWARE, hasSign, signsOf } from "../../net/machine.ts";
import type { KeyContext } from "../kind.ts";

/** Where every machine of Google's finds its metadata server. */
const ADDRESS = "169.254.169.254";
/** Variables that Cloud Run, its jobs, App Engine and Cloud Functions set. */
const SERVERLESS = ["K_SERVICE", "CLOUD_RUN_JOB", "GAE_SERVICE", "FUNCTION_TARGET", "FUNCTION_NAME"];

/**
 * The host of the metadata server, if there can be one: variables name it, or the firmware says that the machine is
 * Google's. Elsewhere nothing is asked over the network. METADATA_SERVER_DETECTION overrides that, as in Google's
 * own library (`none`, `assume-present`).
 */
export async function metadataHost(
  { env }: Pick<KeyContext, "env">,
  firmware = FIRMWARE,
): Promise<string | undefined> {
  const detection = env.METADATA_SERVER_DETECTION?.trim().toLowerCase();
  if (detection === "none") return undefined;
  const named = env.GCE_METADATA_HOST || env.GCE_METADATA_IP;
  if (named) return named;
  if (detection === "assume-present" || SERVERLESS.some((name) => env[name])) return ADDRESS;
  return (await hasSign(signsOf(["product_name", "bios_vendor"], /^Google/, firmware))) ? ADDRESS : undefined;
}

/**
 * An access token for the machine's own service account
 * (https://cloud.google.com/compute/docs/access/authenticate-workloads). The server is next door, so no proxy is asked.
 * @throws TsopsError("key-unavailable") if the machine has no service account, or an error of the network.
 */
export async function machineToken(
  host: string,
  scopes: readonly string[],
  signal: AbortSignal,
): Promise<{ access_token: string; expiry_date: number }> {
  const url = new URL(
    `http://${host}/computeMetadata/v1/instance/service-accounts/default/token?scopes=${scopes.join(",")}`,
  );
  const agent = agentFor(url, { env: {} });
  const request = { method: "GET", url, headers: { "Metadata-Flavor": "Google" } };
  const { status, body } = await send(request, { signal, agent }).finally(() => agent.destroy());
  const { access_token, expires_in } = fieldsOf(body);
  if (status === 200 && typeof access_token === "string") {
    return { access_token, expiry_date: Date.now() + Number(expires_in ?? 0) * 1000 };
  }
  const why = status === 404 ? "the machine has no service account" : `status ${status}`;
  throw new TsopsError("key-unavailable", `the metadata server at ${host} gives no access token: ${why}`, {
    hint: "attach a service account to the machine, or give other credentials in GOOGLE_APPLICATION_CREDENTIALS",
  });
}

function fieldsOf(body: Buffer): { access_token?: unknown; expires_in?: unknown } {
  try {
    return JSON.parse(body.toString()) ?? {};
  } catch {
    return {};
  } finally {
    body.fill(0);
  }
}
