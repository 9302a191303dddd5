import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import type { MasterKey } from "../kind.ts";

/**
 * SOPS's own rule, with the characters that Google's names have: over REST the id is a path, where dots would lead elsewhere,
 * and hints quote its parts in commands. @throws TsopsError("bad-key")
 */
export function checkResourceId({ id }: MasterKey): void {
  const parts =
    /^projects\/([^/]+)\/locations\/([^/]+)\/keyRings\/([^/]+)\/cryptoKeys\/([^/]+)$/.exec(id) ?? [];
  if (parts.length > 0 && parts.slice(1).every((part) => /^(?!\.\.?$)[\w:.-]+$/.test(part))) return;
  const version = id.includes("/cryptoKeyVersions/");
  throw new TsopsError("bad-key", `${shortened(id)} is not the resource id of a Google Cloud KMS key`, {
    hint: version
      ? "leave out /cryptoKeyVersions/…: Google chooses the version"
      : "it looks like projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
  });
}
