import type { Destination } from "../config/model.ts";
import type { KeyContext } from "../keys/kind.ts";
import type { Place } from "./place.ts";

/**
 * The place that a destination names. Nothing is asked for and no SDK is loaded before something is read or written
 * there. @throws TsopsError("config") for a Vault destination without an address.
 */
export async function openPlace(destination: Destination, context: KeyContext): Promise<Place> {
  const { s3, gcs, vault, azure, folder } = destination;
  if (s3) return (await import("./s3.ts")).s3Place(s3, context);
  if (gcs) return (await import("./gcs.ts")).gcsPlace(gcs, context);
  if (vault) return (await import("./vault.ts")).vaultPlace(vault, context);
  if (azure) return (await import("./azure.ts")).azurePlace(azure, context);
  return (await import("./folder.ts")).folderPlace(folder!);
}
