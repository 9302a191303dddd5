import { shortened } from "../../printable.ts";
import { textField, withWrapped } from "../fields.ts";
import type { KeyContext, KeyUse, MasterKey } from "../kind.ts";
import { naming, unavailable } from "../reasons.ts";
import { placesOfCredentials, type VaultClient, vaultClient } from "./client.ts";
import { examineTransit } from "./examine.ts";
import { explained } from "./explain.ts";
import { uriWithoutUser } from "./shown.ts";
import { checkKeyExists, decrypt, encrypt, type TransitKey, transitKey } from "./transit.ts";

/** Keys of Vault's transit engine in use. */
export const transitUse: KeyUse = {
  async wrap(master, dataKey, context) {
    const { key, client } = await ready(master, context);
    if (!client) throw unavailable(placesOfCredentials(context));
    try {
      await checkKeyExists(context, client, key);
      return withWrapped(master, await encrypt(client, key, dataKey), context);
    } catch (error) {
      throw await explained(error, client, key, "encrypt");
    }
  },

  async unwrap(master, context) {
    return naming(`cannot unwrap the data key with ${shortened(uriWithoutUser(master.id))}`, async () => {
      const { key, client } = await ready(master, context);
      if (!client) return { why: placesOfCredentials(context) };
      try {
        return { key: await decrypt(client, key, textField(master.fields, "enc")) };
      } catch (error) {
        throw await explained(error, client, key, "decrypt");
      }
    });
  },

  examine: examineTransit,
};

async function ready(
  master: MasterKey,
  context: KeyContext,
): Promise<{ key: TransitKey; client: VaultClient | undefined }> {
  const key = transitKey(master);
  return { key, client: await vaultClient(context, key.address) };
}
