import type { CryptographyClient, KeyClient, KeyVaultKey } from "@azure/keyvault-keys";
import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { anotherKey } from "../another.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { azureCredential } from "./credentials.ts";
import { passes, throttle } from "./errors.ts";
import type { AzureKey } from "./identifier.ts";
import { connectionTo } from "./network.ts";
import { SharedClient } from "./shared-client.ts";
import type { TokenCredential } from "./sources.ts";

/** What SOPS wraps data keys with. */
const ALGORITHM = "RSA-OAEP-256";

function calls({ vault }: AzureKey) {
  return { service: `azure ${vault}`, passes, throttle };
}

/** The key as the vault describes it: its newest version unless one is named. Needs the permission keys/get. */
export function getKey(key: AzureKey, context: KeyContext): Promise<KeyVaultKey> {
  const { vault, name, version } = key;
  const shared = once(context, `azure vault ${vault}`, () => {
    return new SharedClient<KeyClient>(async () => {
      const { KeyClient } = await import("./sdk.ts");
      return new KeyClient(vault, await credential(context), connectionTo(vault, context));
    });
  });
  return attempt(
    context,
    (abortSignal) =>
      shared.use((client) => client.getKey(name, { version: version || undefined, abortSignal })),
    calls(key),
  );
}

/** The data key, encrypted by the vault. */
export async function encrypt(key: AzureKey, dataKey: Uint8Array, context: KeyContext): Promise<Uint8Array> {
  const { result } = await attempt(
    context,
    (abortSignal) =>
      keyUse(key, context).use((client) =>
        client.encrypt({ algorithm: ALGORITHM, plaintext: dataKey }, { abortSignal }),
      ),
    calls(key),
  );
  return result;
}

/** The data key, decrypted by the vault. The caller owns the buffer. */
export async function decrypt(key: AzureKey, wrapped: Uint8Array, context: KeyContext): Promise<Buffer> {
  const { result, keyID } = await attempt(
    context,
    (abortSignal) =>
      keyUse(key, context).use((client) =>
        client.decrypt({ algorithm: ALGORITHM, ciphertext: wrapped }, { abortSignal }),
      ),
    calls(key),
  );
  if (usedAnother(key, keyID)) {
    result.fill(0);
    throw anotherKey("the vault used another key than the one that was named");
  }
  return Buffer.from(result.buffer, result.byteOffset, result.byteLength);
}

/** By the id in the vault's answer, `https://VAULT/keys/NAME/VERSION`; a name may be spelled in capitals. */
function usedAnother({ name, version }: AzureKey, used: string | undefined): boolean {
  const [, , itsName, itsVersion] = URL.canParse(used ?? "") ? new URL(used!).pathname.split("/") : [];
  if (itsName === undefined || itsVersion === undefined) return false;
  const same = itsName.toLowerCase() === name.toLowerCase();
  return !same || (version !== "" && itsVersion.toLowerCase() !== version.toLowerCase());
}

function keyUse({ vault, name, version }: AzureKey, context: KeyContext): SharedClient<CryptographyClient> {
  return once(context, `azure key ${vault} ${name} ${version}`, () => {
    return new SharedClient(async () => {
      const { CryptographyClient } = await import("./sdk.ts");
      // Told a key rather than its URL, the client does not fetch it first. That would need keys/get, which SOPS does
      // without, and the client would refuse to decrypt with an expired key, which the vault allows.
      const key = {
        id: `${vault}/keys/${name}${version && `/${version}`}`,
        name,
        properties: { vaultUrl: vault, name, version },
      };
      return new CryptographyClient(key, await credential(context), connectionTo(vault, context));
    });
  });
}

async function credential(context: KeyContext): Promise<TokenCredential> {
  const found = await azureCredential(context);
  if (found) return found;
  throw new TsopsError("key-unavailable", "there are no Azure credentials");
}
