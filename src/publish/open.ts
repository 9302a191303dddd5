import type { Destination } from "../config/model.ts";
import type { KeyContext } from "../keys/kind.ts";
import type { Target } from "./target.ts";

/**
 * The target that a destination names. Nothing is asked for and no SDK is loaded before something is read or written
 * there. @throws TsopsError("config") for a Vault destination without an address.
 */
export async function openTarget(destination: Destination, context: KeyContext): Promise<Target> {
  const { s3, gcs, vault, azure, folder } = destination;
  if (s3) return (await import("./s3.ts")).s3Target(s3, context);
  if (gcs) return (await import("./gcs.ts")).gcsTarget(gcs, context);
  if (vault) return (await import("./vault.ts")).vaultTarget(vault, context);
  if (azure) return (await import("./azure.ts")).azureTarget(azure, context);
  return (await import("./folder.ts")).folderTarget(folder!);
}
