import { isIP } from "node:net";
import { checkServerIdentity as checkIdentity } from "node:tls";
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

/** What the keys of Google Cloud KMS need of it. */
const SCOPES: readonly string[] = ["https://www.googleapis.com/auth/cloud-platform"];

type Message = Readonly<Record<string, unknown>>;
type Cancellable<T> = Promise<T> & { cancel?: () => void };
type Call = (request: Message, options: Message) => Cancellable<readonly [Message]>;

/** Google Cloud KMS, for one set of credentials at one address. */
export interface KmsService {
  readonly address: Address;
  readonly credentials: GoogleCredentials;
  /** Calls a method of google.cloud.kms.v1.KeyManagementService or google.iam.v1.IAMPolicy. */
  call(method: Method, request: Message, signal: AbortSignal): Promise<Message>;
  /** Shows the credentials to Google, if they have to be exchanged for a token. */
  login(): Promise<unknown>;
}

/** What gRPC's client says of its connection (https://grpc.io/docs/guides/connection-state). */
interface Stub {
  getChannel?(): { getConnectivityState(connect: boolean): number };
}
const READY = 2;

export type Method = "encrypt" | "decrypt" | "getCryptoKey" | "testIamPermissions";

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
  const callOf = await clientCalls(address, credentials.client, context);
  // later than the signal, which says in words that there was no answer
  const timeout = (limitSeconds(context) + 5) * 1000;
  return {
    address,
    credentials,
    login: () => login(credentials, context, `https://${address.host}/`),
    async call(method, request, signal) {
      const call = await callOf(method, signal);
      const key = method === "testIamPermissions" ? "resource" : "name";
      const routing = `${key}=${encodeURIComponent(String(request[key]))}`;
      const headers = { "x-goog-request-params": routing };
      const running = call(request, { timeout, retry: { retryCodes: [] }, otherArgs: { headers } });
      const stop = () => running.cancel?.();
      signal.addEventListener("abort", stop);
      try {
        const [response] = await running;
        return response;
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}

/**
 * The calls that Google's client makes. Its public methods are not used: with its debug log turned on they print
 * what they decrypt, and what goes wrong when they connect becomes an unhandled rejection.
 */
async function clientCalls(
  address: Address,
  authClient: AuthClient,
  context: KeyContext,
): Promise<(method: Method, signal: AbortSignal) => Promise<Call>> {
  const { KeyManagementServiceClient } = await import("@google-cloud/kms");
  const { GoogleAuth } = await import("google-auth-library");
  const universeDomain = authClient.universeDomain;
  const auth = new GoogleAuth({ authClient, universeDomain });
  const options = address.rest ? restOptions(address) : await grpcOptions(address, authClient, context);
  type Options = ConstructorParameters<typeof KeyManagementServiceClient>[0];
  const kms = new KeyManagementServiceClient({ auth, universeDomain, ...options } as unknown as Options);
  return async (method, signal) => {
    const part = method === "testIamPermissions" ? kms.iamClient : kms;
    const stub = (await part.initialize()) as Stub;
    const connected = address.rest || stub.getChannel?.().getConnectivityState(false) === READY;
    if (!connected) await reach(address.host, address.port, context, signal);
    return (part.innerApiCalls as Readonly<Record<string, Call>>)[method]!;
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

function restOptions({ host, port, protocol }: Address): Message {
  return { fallback: true, protocol: protocol.slice(0, -1), apiEndpoint: host, port };
}

async function grpcOptions(address: Address, authClient: AuthClient, context: KeyContext): Promise<Message> {
  const grpc = await import("@grpc/grpc-js");
  const signed = grpc.credentials.createFromGoogleCredential({
    getRequestHeaders: async (url) => Object.fromEntries(await authClient.getRequestHeaders(url)),
  });
  const byNumber = isIP(address.host.replace(/^\[|\]$/g, "")) !== 0;
  const checkServerIdentity: typeof checkIdentity = (_, cert) => checkIdentity(address.host, cert);
  const verify = byNumber ? { checkServerIdentity } : {};
  const tls = grpc.credentials.createSsl((await authorities(context)) ?? null, null, null, verify);
  const target = `${address.host}:${address.port}`;
  const proxy = proxyFor(new URL(`https://${target}`), context.env);
  if (proxy?.protocol === "https:") {
    throw new TsopsError("bad-setting", "gRPC cannot go through a proxy that is spoken to over TLS", {
      hint: "set SOPS_GCP_KMS_CLIENT_TYPE=rest, or name a proxy as http://HOST:PORT",
    });
  }
  return {
    // one copy of the library for all that is handed over
    grpc,
    fallback: false,
    sslCreds: grpc.credentials.combineChannelCredentials(tls, signed),
    apiEndpoint: proxy?.hostname ?? address.host,
    port: proxy ? Number(proxy.port) || 80 : address.port,
    // the library would look for a proxy in the process's environment
    "grpc.enable_http_proxy": 0,
    ...(proxy && {
      "grpc.http_connect_target": `dns:${target}`,
      "grpc.default_authority": target,
      ...(proxyLogin(proxy) && { "grpc.http_connect_creds": proxyLogin(proxy) }),
    }),
    // Node warns on stderr if the name that TLS announces is an IP address; the certificate is checked for that
    ...(byNumber && { "grpc.ssl_target_name_override": "localhost" }),
    // a run that is over leaves nothing behind: no entry in a global table, no connection for long
    "grpc.enable_channelz": 0,
    "grpc.client_idle_timeout_ms": 10_000,
    // tries are up to `attempt`
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
  };
}
