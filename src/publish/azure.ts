import type { BlobServiceClient } from "@azure/storage-blob";
import type { Destination } from "../config/model.ts";
import { checkAllowed } from "../keys/allow.ts";
import { AZURE_STORAGE } from "../keys/azure/allow.ts";
import { throttle } from "../keys/azure/errors.ts";
import { once } from "../keys/cache.ts";
import type { KeyContext } from "../keys/kind.ts";
import { attempt } from "../net/attempt.ts";
import { networkPasses, statusPasses } from "../net/failure.ts";
import { azureLogin, ownAddress } from "./azure-login.ts";
import { type Explanation, explainNetwork, notPublished, type Standing, type Target } from "./target.ts";

/** A container of Azure Blob Storage. Not one of SOPS's. */
export function azureTarget(
  { url, container, prefix }: NonNullable<Destination["azure"]>,
  context: KeyContext,
): Target {
  const addressOf = (name: string): string => `${url}/${container}/${prefix}${name}`;
  const call = async <T>(
    name: string,
    work: (blob: ReturnType<typeof blobIn>, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    let how = "";
    try {
      const login = await once(context, `azure blob ${url}`, () => azureLogin(url, context));
      await checkAllowed(context, AZURE_STORAGE, url, [ownAddress(context.env)]);
      how = login.where;
      const blob = blobIn(login.client, container, prefix + name);
      return await attempt(context, (signal) => work(blob, signal), {
        service: `azure blob ${url}`,
        passes: (error) => statusPasses(statusOf(error)) || networkPasses(error),
        throttle,
      });
    } catch (error) {
      throw notPublished(addressOf(name), error, explain(error, url, container, how));
    }
  };
  return {
    takes: "file",
    addressOf,
    async read(name): Promise<Standing> {
      return await call(name, async (blob, abortSignal) => {
        try {
          return await blob.downloadToBuffer(undefined, undefined, { abortSignal });
        } catch (error) {
          if (codeOf(error) === "BlobNotFound") return "nothing";
          // a signature for writing only, or a blob in an archive
          if (DENIED.test(codeOf(error)) || codeOf(error) === "BlobArchived") return "unreadable";
          throw error;
        }
      });
    },
    async write(name, bytes) {
      await call(name, (blob, abortSignal) =>
        blob.upload(bytes, bytes.length, {
          abortSignal,
          blobHTTPHeaders: { blobContentType: "application/octet-stream" },
        }),
      );
    },
  };
}

function blobIn(client: BlobServiceClient, container: string, name: string) {
  return client.getContainerClient(container).getBlockBlobClient(name);
}

const DENIED = /^Authorization(PermissionMismatch|Failure|ServiceMismatch|ResourceTypeMismatch)$/;

function statusOf(error: unknown): number | undefined {
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return typeof statusCode === "number" ? statusCode : undefined;
}

/** The service's word for an error: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes */
function codeOf(error: unknown): string {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: { errorCode?: unknown } };
  return String(details?.errorCode ?? code ?? "");
}

function explain(error: unknown, url: string, container: string, how: string): Explanation {
  const code = codeOf(error);
  const status = statusOf(error);
  if (code === "ContainerNotFound") {
    return {
      code: "bad-setting",
      cause: "there is no such container",
      hint: `make it: az storage container create --name ${container}; tsops does not create containers`,
    };
  }
  if (code === "AuthenticationFailed" || status === 401) {
    return {
      code: "bad-credentials",
      cause: `the account does not accept ${how}: wrong, expired, of another tenant, or this machine's clock is wrong`,
      hint: "get a new one; a key or signature is the account's own, and a token that of its tenant",
    };
  }
  if (status === 403) {
    return {
      code: "access-denied",
      cause: `access denied to ${how}`,
      hint: `grant the role Storage Blob Data Contributor on the container ${container}, or a signature with the permissions rcw; an expired signature, a wrong key and a firewall of the account do this too`,
    };
  }
  if (status === 404) {
    return {
      code: "bad-setting",
      cause: "there is no such account or container",
      hint: "compare azure_account and azure_container",
    };
  }
  if (code === "InvalidResourceName" || status === 400) {
    return {
      code: "bad-setting",
      cause: "the service does not take the container's or the file's name",
      hint: "containers have 3 to 63 lower-case letters, digits and hyphens",
    };
  }
  if (code === "BlobImmutableDueToPolicy" || status === 409) {
    return {
      code: "access-denied",
      cause: "the blob that is there cannot be replaced (it has a lease, or is immutable)",
      hint: "release it first",
    };
  }
  return explainNetwork(error, status, new URL(url).host);
}
