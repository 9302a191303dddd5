import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import type { ChannelCredentials, ChannelOptions, Client, ServiceError } from "@grpc/grpc-js";
import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { clientTls, type ServiceAddress } from "./address.ts";
import { broke, busy, explain, passes } from "./failures.ts";
import {
  type DecryptRequest,
  type DecryptResponse,
  type EncryptRequest,
  type EncryptResponse,
  loadProtocol,
  MAX_MESSAGE_BYTES,
  type Protocol,
} from "./protocol.ts";
import { wireForms } from "./wire.ts";

/**
 * Has a key service wrap or unwrap a data key.
 * @throws TsopsError that says why the service did not and what to do next.
 */
export async function callEncrypt(
  address: ServiceAddress,
  request: EncryptRequest,
  context: KeyContext,
): Promise<EncryptResponse> {
  return await call<EncryptResponse>(address, "Encrypt", request, context);
}

/** The caller clears the plaintext. Throws as {@link callEncrypt}. */
export async function callDecrypt(
  address: ServiceAddress,
  request: DecryptRequest,
  context: KeyContext,
): Promise<DecryptResponse> {
  return await call<DecryptResponse>(address, "Decrypt", request, context);
}

async function call<T>(
  address: ServiceAddress,
  name: "Encrypt" | "Decrypt",
  request: object,
  context: KeyContext,
): Promise<T> {
  const tries: unknown[] = [];
  const noted = (error: unknown): boolean => tries.push(error) > 0 && passes(error);
  try {
    const connection = await connected(address, context);
    return await attempt(context, (signal) => send<T>(connection, name, request, signal), {
      service: `key service ${address.target}`,
      passes: noted,
      throttle: busy,
    });
  } catch (error) {
    throw explain(error, address, tries.some(broke));
  }
}

function send<T>({ client, protocol }: Connection, name: string, request: object, signal: AbortSignal) {
  const { path, requestSerialize, responseDeserialize } = protocol.keyService[name]!;
  return new Promise<T>((resolve, reject) => {
    const answer = (error: ServiceError | null, response?: T): void => {
      signal.removeEventListener("abort", stop);
      if (response) resolve(response);
      else reject(error);
    };
    const running = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, answer);
    const stop = (): void => running.cancel();
    signal.addEventListener("abort", stop);
  });
}

interface Connection {
  readonly client: Client;
  readonly protocol: Protocol;
}

/** One connection a run for each service; it does not keep the process alive. */
function connected(address: ServiceAddress, context: KeyContext): Promise<Connection> {
  return once(context, `keyservice ${address.tls} ${address.target}`, () => connect(address, context));
}

async function connect(address: ServiceAddress, context: KeyContext): Promise<Connection> {
  if (address.exposed) {
    context.warn(
      `the key service ${address.name} is used without TLS: data keys go over the network unencrypted`,
    );
  }
  const [{ Client, credentials }, protocol] = await Promise.all([
    import("../../net/grpc/sdk.ts"),
    loadProtocol(wireForms(context.kinds)),
  ]);
  const { security, more } = address.tls ? await secured(address, context, credentials) : plain(credentials);
  const client = new Client(address.target, security, {
    // proxies of the environment are for web pages, and the service's name needs no more records than its address
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0,
    // one run's connections are not another's
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // tries are counted by attempt(): a connection that was refused is not waited for
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    ...more,
  });
  return { client, protocol };
}

interface Security {
  readonly security: ChannelCredentials;
  readonly more?: ChannelOptions;
}

type Credentials = typeof import("@grpc/grpc-js").credentials;

function plain(credentials: Credentials): Security {
  return { security: credentials.createInsecure() };
}

async function secured(
  { host }: ServiceAddress,
  context: KeyContext,
  credentials: Credentials,
): Promise<Security> {
  const secure = await secureContext(context);
  if (host === undefined || isIP(host) === 0)
    return { security: credentials.createFromSecureContext(secure) };
  // gRPC would send the number as a server name, which RFC 6066 forbids and Node warns about. The certificate has to
  // be for the number all the same.
  const check = (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate);
  return {
    security: credentials.createFromSecureContext(secure, { checkServerIdentity: check }),
    more: { "grpc.ssl_target_name_override": "address.invalid" },
  };
}

async function secureContext(context: KeyContext) {
  const files = await clientTls(context);
  try {
    return createSecureContext({ ...files, minVersion: "TLSv1.2" });
  } catch (error) {
    throw new TsopsError("bad-credentials", "the certificates for key services cannot be used", {
      hint: "TSOPS_KEYSERVICE_CA, _CERT and _KEY name PEM files; the last two belong together",
      cause: error,
    });
  }
}
