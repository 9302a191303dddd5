import type { KeyVaultKey } from "@azure/keyvault-keys";
import type { Examination, KeyContext } from "../kind.ts";
import { reasonsOf } from "../reasons.ts";
import { getKey } from "./client.ts";
import { explained, isDenied } from "./errors.ts";
import type { AzureKey } from "./identifier.ts";

/** What the vault says of a key, for `doctor`. Whether these credentials may decrypt shows only in decrypting. */
export async function described(at: AzureKey, context: KeyContext): Promise<Examination> {
  try {
    return describe(await getKey(at, context), at, context.now());
  } catch (error) {
    if (!isDenied(error)) return { usable: false, lines: reasonsOf(explained(error, at, "get")) };
    return {
      usable: undefined,
      lines: [
        `${at.vault} answers and knows these credentials`,
        "they lack the permission keys/get, so more cannot be found out (decrypting only needs keys/decrypt)",
      ],
    };
  }
}

function describe(key: KeyVaultKey, { vault, name }: AzureKey, now: Date): Examination {
  const { enabled, expiresOn, version } = key.properties;
  const bits = key.key?.n ? ` ${key.key.n.length * 8}` : "";
  const lines = [`${vault} answers: key ${name}, version ${version}, ${key.keyType}${bits}`];
  const obstacles = [
    ...(enabled === false ? ["the key is disabled: `az keyvault key set-attributes --enabled true`"] : []),
    ...(/^RSA/.test(key.keyType ?? "RSA") ? [] : ["it is not an RSA key, and SOPS needs one"]),
    ...(key.keyOperations?.includes("decrypt") === false ? ["its list of operations has no decrypt"] : []),
  ];
  if (expiresOn && expiresOn < now) {
    const day = expiresOn.toISOString().slice(0, 10);
    lines.push(`the key expired on ${day}: it decrypts, but wraps no new data keys`);
  }
  if (obstacles.length > 0) return { usable: false, lines: [...lines, ...obstacles] };
  return {
    usable: undefined,
    lines: [...lines, "whether keys/decrypt is granted is known only when it is used"],
  };
}
