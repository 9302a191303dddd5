import { isIP } from "node:net";
import { checkServerIdentity as checkIdentity } from "node:tls";
import type { ChannelCredentials, ChannelOptions, ServiceError } from "@grpc/grpc-js";
import type { AuthClient } from "google-auth-library";
import { TsopsError } from "../../errors.ts";
import { limitSeconds } from "../../net/attempt.ts";
import { proxyFor, proxyLogin } from "../../net/proxy.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { type Address, addressOf } from "./address.ts";
import { type GoogleCredentials, googleCredentials, login } from "./credentials.ts";
import { authorities, reach } from "./network.ts";
import { type FailureDetails, type Method, protocolWith } from "./protocol.ts";

/** What the keys of Google Cloud KMS need of it. */
const SCOPES: readonly string[] = ["https://www.googleapis.com/auth/cloud-platform"];

type Message = Readonly<Record<string, unknown>>;

/** One call of a method, by whichever way. */
type Call = (method: Method, request: Message, how: How) => Promise<Message>;

interface How {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly timeout: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Google Cloud KMS, for one set of credentials at one address. */
export interface KmsService {
  readonly address: Address;
  readonly credentials: GoogleCredentials;
  /** Calls a method of google.cloud.kms.v1.KeyManagementService or google.iam.v1.IAMPolicy. */
  call(method: Method, request: Message, signal: AbortSignal): Promise<Message>;
  /** Shows the credentials to Google, if they have to be exchanged for a token. */
  login(): Promise<unknown>;
}

/**
 * The service, made once a run; null without credentials. Nothing has to be closed: its connections do not keep the
 * process alive while nothing is asked, and are dropped after a while.
 * @throws TsopsError("bad-setting") if credentials or address are malformed.
 */
export async function kmsService(context: KeyContext): Promise<KmsService | null> {
  const credentials = await googleCredentials(context, SCOPES);
  if (!credentials) return null;
  return once(context, "google kms", () => make(credentials, context));
}

async function make(credentials: GoogleCredentials, context: KeyContext): Promise<KmsService> {
  const address = addressOf(context);
  checkUniverse(address, credentials);
  const send = await (address.rest ? overRest : overGrpc)(address, credentials.client, context);
  // later than the signal, which says in words that there was no answer
  const timeout = (limitSeconds(context) + 5) * 1000;
  return {
    address,
    credentials,
    login: () => login(credentials, context, `https://${address.host}/`),
    call(method, request, signal) {
      const key = method === "testIamPermissions" ? "resource" : "name";
      const headers = { "x-goog-request-params": `${key}=${encodeURIComponent(String(request[key]))}` };
      return send(method, request, { signal, timeout, headers });
    },
  };
}

/**
 * Credentials of one universe are not shown to another; tokens do not say where they are from. The server that the
 * environment names itself gets what there is.
 */
function checkUniverse({ universe }: Address, { client, owner, where, bare }: GoogleCredentials): void {
  if (universe === undefined) return;
  if (bare) client.universeDomain = universe;
  if (client.universeDomain === universe) return;
  const own = printable(client.universeDomain);
  throw new TsopsError(
    "bad-setting",
    `${owner} (${where}) belongs to ${own}, but ${universe} would be asked`,
    {
      hint: `set SOPS_GCP_KMS_UNIVERSE_DOMAIN=${own}, or use other credentials`,
    },
  );
}

/**
 * By Google's client. Its public methods are not used: with its debug log turned on they print what they decrypt, and
 * what goes wrong when they connect becomes an unhandled rejection.
 */
async function overRest({ host, port, protocol }: Address, authClient: AuthClient): Promise<Call> {
  const { KeyManagementServiceClient } = await import("./sdk-rest.ts");
  const { GoogleAuth } = await import("./sdk.ts");
  const { universeDomain } = authClient;
  const auth = new GoogleAuth({ authClient, universeDomain });
  const where = { fallback: true, protocol: protocol.slice(0, -1), apiEndpoint: host, port };
  type Options = ConstructorParameters<typeof KeyManagementServiceClient>[0];
  const kms = new KeyManagementServiceClient({ auth, universeDomain, ...where } as unknown as Options);
  return async (method, request, { signal, timeout, headers }) => {
    const part = method === "testIamPermissions" ? kms.iamClient : kms;
    await part.initialize();
    const call = (part.innerApiCalls as Readonly<Record<string, InnerCall>>)[method]!;
    const running = call(request, { timeout, retry: { retryCodes: [] }, otherArgs: { headers } });
    const stop = () => running.cancel?.();
    signal.addEventListener("abort", stop);
    try {
      const [response] = await running;
      return response;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}

type InnerCall = (
  request: Message,
  options: Message,
) => Promise<readonly [Message]> & { cancel?: () => void };

/** By gRPC's own client, with the vendor's definitions: see protocol.ts. */
async function overGrpc(address: Address, authClient: AuthClient, context: KeyContext): Promise<Call> {
  const grpc = await import("../../net/grpc/sdk.ts");
  const { target, security, options } = await channelTo(address, authClient, context);
  const client = new grpc.Client(target, security, options);
  const { methods, detailsIn } = protocolWith(grpc.fromJSON);
  return async (method, request, { signal, timeout, headers }) => {
    const connected = client.getChannel().getConnectivityState(false) === grpc.connectivityState.READY;
    if (!connected) await reach(address.host, address.port, context, signal);
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const { path, requestSerialize, responseDeserialize } = methods[method];
    return new Promise((resolve, reject) => {
      const answer = (error: ServiceError | null, response?: object): void => {
        signal.removeEventListener("abort", stop);
        if (response) resolve(response as Message);
        else reject(withDetails(error, detailsIn));
      };
      const deadline = Date.now() + timeout;
      const running = client.makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, request, metadata, { deadline }] as const),
        answer,
      );
      const stop = (): void => running.cancel();
      signal.addEventListener("abort", stop);
    });
  };
}

function withDetails(error: ServiceError | null, detailsIn: (bytes: Buffer) => FailureDetails): unknown {
  const [details] = error?.metadata.get("grpc-status-details-bin") ?? [];
  if (!Buffer.isBuffer(details)) return error;
  try {
    return Object.assign(error!, detailsIn(details));
  } catch {
    // something else than Google's status
    return error;
  }
}

interface ChannelTo {
  readonly target: string;
  readonly security: ChannelCredentials;
  readonly options: ChannelOptions;
}

async function channelTo(address: Address, authClient: AuthClient, context: KeyContext): Promise<ChannelTo> {
  const { credentials } = await import("../../net/grpc/sdk.ts");
  const signed = credentials.createFromGoogleCredential({
    getRequestHeaders: async (url) => Object.fromEntries(await authClient.getRequestHeaders(url)),
  });
  const byNumber = isIP(address.host.replace(/^\[|\]$/g, "")) !== 0;
  const checkServerIdentity: typeof checkIdentity = (_, cert) => checkIdentity(address.host, cert);
  const verify = byNumber ? { checkServerIdentity } : {};
  const tls = credentials.createSsl((await authorities(context)) ?? null, null, null, verify);
  const target = `${address.host}:${address.port}`;
  const proxy = proxyFor(new URL(`https://${target}`), context.env);
  if (proxy?.protocol === "https:") {
    throw new TsopsError("bad-setting", "gRPC cannot go through a proxy that is spoken to over TLS", {
      hint: "set SOPS_GCP_KMS_CLIENT_TYPE=rest, or name a proxy as http://HOST:PORT",
    });
  }
  return {
    target: proxy ? `${proxy.hostname}:${Number(proxy.port) || 80}` : target,
    security: credentials.combineChannelCredentials(tls, signed),
    options: {
      // the library would look for a proxy in the process's environment
      "grpc.enable_http_proxy": 0,
      ...(proxy && {
        "grpc.http_connect_target": `dns:${target}`,
        "grpc.default_authority": target,
        ...(proxyLogin(proxy) && { "grpc.http_connect_creds": proxyLogin(proxy) }),
      }),
      // Node warns on stderr if the name that TLS announces is an IP address; the certificate is checked for that
      ...(byNumber && { "grpc.ssl_target_name_override": "localhost" }),
      // the service's name needs no more records than its address
      "grpc.service_config_disable_resolution": 1,
      // a run that is over leaves nothing behind: no entry in a global table, no connection for long
      "grpc.enable_channelz": 0,
      "grpc.client_idle_timeout_ms": 10_000,
      // tries are up to `attempt`
      "grpc.enable_retries": 0,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1000,
    },
  };
}
