import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { TsopsError } from "../../errors.ts";
import { limitSeconds } from "../../net/attempt.ts";
import { pemIn } from "../../net/tls.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { environmentProfile, sharedConfig } from "./shared-config.ts";

/** Names of services as they stand in `AWS_ENDPOINT_URL_KMS` and, in lower case, in `[services …]` sections. */
export type AwsService = "KMS" | "STS" | "S3" | "SSO";

const CONNECTION_TIMEOUT_MS = 5000;

/**
 * What every client of the SDK gets (but `credentials`): all that it would otherwise read from the process's own
 * environment and home folder is given explicitly. Retries are `attempt`'s business, so the SDK's are off.
 */
export interface AwsClientConfig {
  readonly region: string;
  readonly endpoint?: string;
  readonly ignoreConfiguredEndpointUrls: true;
  readonly maxAttempts: 1;
  readonly retryMode: "standard";
  readonly defaultsMode: "standard";
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
  readonly userAgentAppId: () => Promise<string | undefined>;
  readonly authSchemePreference: string[];
  readonly requestHandler: AwsRequestOptions;
}

export interface AwsRequestOptions {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly throwOnRequestTimeout: true;
  readonly httpAgent?: HttpAgent;
  readonly httpsAgent?: { readonly ca: string } | HttpsAgent;
}

/**
 * Configuration for a client of a service.
 * @param profile whose `endpoint_url` counts where no variable names one; default: the environment's.
 * @throws TsopsError("bad-setting") if an endpoint is malformed, or a file that is named cannot be read.
 */
export async function awsClientConfig(
  context: KeyContext,
  service: AwsService,
  { region, profile }: { region: string; profile?: string },
): Promise<AwsClientConfig> {
  const { env } = context;
  const endpoint = await endpointFor(context, service, profile);
  const standard = endpoint === undefined;
  return {
    region,
    ...(standard ? {} : { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    maxAttempts: 1,
    retryMode: "standard",
    defaultsMode: "standard",
    useFipsEndpoint: standard && env.AWS_USE_FIPS_ENDPOINT === "true",
    useDualstackEndpoint: standard && env.AWS_USE_DUALSTACK_ENDPOINT === "true",
    userAgentAppId: async () => env.AWS_SDK_UA_APP_ID || undefined,
    authSchemePreference: [],
    requestHandler: await requestOptions(
      context,
      endpoint ?? `https://${service.toLowerCase()}.${region}.amazonaws.com`,
    ),
  };
}

/** @param url an address of the service, or one like it: NO_PROXY may name it. */
async function requestOptions(context: KeyContext, url: string): Promise<AwsRequestOptions> {
  const bundle = await once(context, "aws ca bundle", () => pemIn(context.env, "AWS_CA_BUNDLE"));
  const ca = bundle?.toString("latin1");
  const limit = limitSeconds(context) * 1000;
  return {
    connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, limit),
    requestTimeout: limit,
    throwOnRequestTimeout: true,
    ...(await agentsFor(new URL(url), context, ca)),
  };
}

/** The SDK knows certificates, but no proxies. */
async function agentsFor(
  url: URL,
  context: KeyContext,
  ca: string | undefined,
): Promise<Pick<AwsRequestOptions, "httpAgent" | "httpsAgent">> {
  const [{ agentFor }, { proxyFor }] = await Promise.all([
    import("../../net/agent.ts"),
    import("../../net/proxy.ts"),
  ]);
  if (!proxyFor(url, context.env)) return ca === undefined ? {} : { httpsAgent: { ca } };
  const agent = agentFor(url, context, { tls: { ca } });
  return url.protocol === "https:" ? { httpsAgent: agent as HttpsAgent } : { httpAgent: agent };
}

/**
 * Where a service is, if not at its usual address: variables first, then the profile's settings.
 * @throws TsopsError("bad-setting") if it is not a URL of HTTP.
 */
export async function endpointFor(
  context: KeyContext,
  service: AwsService,
  profile = environmentProfile(context) ?? "default",
): Promise<string | undefined> {
  const { env } = context;
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === "true") return undefined;
  const variable = [`AWS_ENDPOINT_URL_${service}`, "AWS_ENDPOINT_URL"].find((name) => env[name]);
  if (variable !== undefined) return checkedUrl(env[variable]!, variable);
  const { profiles, services } = await sharedConfig(context);
  const settings = profiles.get(profile);
  const own = services.get(settings?.get("services") ?? "");
  const url = own?.get(`${service.toLowerCase()}.endpoint_url`) || settings?.get("endpoint_url");
  return url ? checkedUrl(url, `the endpoint_url of the AWS profile ${printable(profile)}`) : undefined;
}

function checkedUrl(url: string, where: string): string {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url;
  throw new TsopsError("bad-setting", `${where} is not a URL: ${shownUrl(url)}`, {
    hint: "write it as https://HOST or http://HOST:PORT",
  });
}

/** A URL for a message: without the password that may stand in it. */
export function shownUrl(url: string): string {
  return printable(url.replace(/^([^/]*\/\/)[^/]*@/, "$1…@"));
}

/** The SDK's ways to get credentials. */
export async function awsLogins(): Promise<typeof import("./logins.ts")> {
  const { KMSClient, logins } = await import("./sdk.ts");
  // the clients that they make are not the first ones then: see newAwsClient
  newAwsClient(() => new KMSClient({ region: "us-east-1" }));
  return logins();
}

/**
 * Makes a client of the SDK. The first one that a process makes announces which release of Node will be too old next
 * year: nothing that the person who encrypts a file can do something about, so that one warning is left out. (The clients
 * that providers of credentials make come later: see awsLogins.)
 */
export function newAwsClient<T>(make: () => T): T {
  const { emitWarning } = process;
  const passOn = emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!String(args[0]).startsWith("NodeVersionSupportWarning")) passOn(...args);
  };
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
