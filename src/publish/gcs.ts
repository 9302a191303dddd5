import type { File, Storage, StorageOptions } from "@google-cloud/storage";
import type { Destination } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import { once } from "../keys/cache.ts";
import {
  type GoogleCredentials,
  googleCredentials,
  login,
  missedPlaces,
} from "../keys/google/credentials.ts";
import type { KeyContext } from "../keys/kind.ts";
import { attempt, limitSeconds } from "../net/attempt.ts";
import { networkPasses, statusPasses } from "../net/failure.ts";
import { proxyFor } from "../net/proxy.ts";
import { throttleBy } from "../net/service.ts";
import { type Explanation, explainNetwork, notPublished, type Standing, type Target } from "./target.ts";

const SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"];

/** A bucket of Google Cloud Storage, with the credentials of the environment. */
export function gcsTarget({ bucket, prefix }: NonNullable<Destination["gcs"]>, context: KeyContext): Target {
  // SOPS's spelling; Google's own tools write gs://
  const addressOf = (name: string): string => `gcs://${bucket}/${prefix}${name}`;
  const call = async <T>(name: string, work: (file: File) => Promise<T>): Promise<T> => {
    let connection: Connection | undefined;
    try {
      connection = await connect(context);
      const { storage, credentials, authorize } = connection;
      if (credentials) authorize(await login(credentials, context, storage.apiEndpoint));
      return await attempt(context, () => work(storage.bucket(bucket).file(prefix + name)), {
        service: "google storage",
        passes: (error) => statusPasses(statusOf(error)) || networkPasses(error),
        throttle: (error) => throttleBy(statusOf(error), retryAfterOf(error)),
      });
    } catch (error) {
      throw notPublished(addressOf(name), error, explain(error, bucket, connection));
    }
  };
  return {
    takes: "file",
    addressOf,
    async read(name): Promise<Standing> {
      return await call(name, async (file) => {
        try {
          const [bytes] = await file.download({ decompress: false });
          return bytes;
        } catch (error) {
          // a bucket that is not there is noticed when something is written
          if (statusOf(error) === 404) return "nothing";
          if (statusOf(error) === 403) return "unreadable";
          throw error;
        }
      });
    },
    async write(name, bytes) {
      const { CRC32C } = await import("@google-cloud/storage");
      const sum = new CRC32C();
      sum.update(bytes);
      await call(name, (file) =>
        file.save(bytes, {
          resumable: false,
          // Google checks it before the object is there; the client would compare afterwards, and delete the object
          validation: false,
          metadata: { contentType: "application/octet-stream", crc32c: sum.toString() },
        }),
      );
    },
  };
}

interface Connection {
  readonly storage: Storage;
  /** None for an emulator, which gets none. */
  readonly credentials?: GoogleCredentials;
  authorize(headers: Headers): void;
}

/** One client for all buckets. @throws TsopsError("key-unavailable") before the network is used. */
function connect(context: KeyContext): Promise<Connection> {
  return once(context, "gcs client", async (): Promise<Connection> => {
    const emulator = context.env.STORAGE_EMULATOR_HOST;
    if (emulator) {
      const endpoint = /^https?:\/\//i.test(emulator) ? emulator : `http://${emulator}`;
      return { storage: await newStorage(endpoint.replace(/\/+$/, ""), context), authorize: () => undefined };
    }
    const credentials = await googleCredentials(context, SCOPES);
    if (!credentials) {
      const places = await missedPlaces(context);
      throw new TsopsError("key-unavailable", "no Google credentials were found", {
        hint: [...places, "log in with `gcloud auth application-default login`"].join("\n"),
      });
    }
    let headers: Record<string, string> = {};
    const storage = await newStorage(
      `https://storage.${credentials.client.universeDomain}`,
      context,
      async () => headers,
    );
    return { storage, credentials, authorize: (given) => void (headers = Object.fromEntries(given)) };
  });
}

/**
 * The client, which takes its endpoint from here and not from the process's environment. It comes with an older release of
 * Google's library for credentials, so it gets the headers that sign a request, not the credentials. It is told
 * the proxy of the context; only where that names none, it goes by the process's environment.
 */
export async function newStorage(
  endpoint: string,
  context: KeyContext,
  getRequestHeaders?: () => Promise<Record<string, string>>,
): Promise<Storage> {
  const { Storage } = await import("@google-cloud/storage");
  const authClient = { getRequestHeaders } as unknown as StorageOptions["authClient"];
  const storage = new Storage({
    apiEndpoint: endpoint,
    timeout: limitSeconds(context) * 1000,
    retryOptions: { autoRetry: false },
    ...(getRequestHeaders && { authClient, useAuthWithCustomEndpoint: true }),
  });
  const proxy = proxyFor(new URL(endpoint), context.env)?.href;
  const interceptor = { request: (options: object) => ({ ...options, ...(proxy && { proxy }) }) };
  storage.interceptors.push(interceptor as (typeof storage.interceptors)[number]);
  return Object.assign(storage, { apiEndpoint: endpoint, baseUrl: `${endpoint}/storage/v1` });
}

function statusOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "number" ? code : undefined;
}

/** The library hands on the answer as its own client for HTTP has it. */
function retryAfterOf(error: unknown): string | undefined {
  const { response } = (error ?? {}) as { response?: { headers?: Record<string, unknown> } };
  const value = response?.headers?.["retry-after"];
  return typeof value === "string" ? value : undefined;
}

function explain(error: unknown, bucket: string, connection: Connection | undefined): Explanation {
  const status = statusOf(error);
  const owner = connection?.credentials?.owner ?? "the emulator's client";
  if (status === 404) {
    return {
      code: "bad-setting",
      cause: "there is no such bucket",
      hint: "compare its name with `gcloud storage buckets list`; tsops does not create buckets",
    };
  }
  if (status === 401) {
    return {
      code: "bad-credentials",
      cause: `Google does not accept ${owner}: expired, revoked or not meant for it`,
      hint: "log in again with `gcloud auth application-default login`, or get a new token",
    };
  }
  if (status === 403) {
    return {
      code: "access-denied",
      cause: `access denied to ${owner}`,
      hint: `grant it roles/storage.objectUser on gs://${bucket}: it needs storage.objects.create, and storage.objects.delete to replace a file`,
    };
  }
  const { host = "Google Cloud Storage" } = connection ? new URL(connection.storage.apiEndpoint) : {};
  return explainNetwork(error, status, host);
}
