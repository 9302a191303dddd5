import { shortened } from "../../printable.ts";
import { textField, withWrapped } from "../fields.ts";
import type { KeyContext, KeyUse, MasterKey } from "../kind.ts";
import { failure, prefixed } from "../reasons.ts";
import { placesOfCredentials, type VaultClient, vaultClient } from "./client.ts";
import { examineTransit } from "./examine.ts";
import { explained } from "./explain.ts";
import { checkKeyExists, decrypt, encrypt, type TransitKey, transitKey } from "./transit.ts";

/** Keys of Vault's transit engine in use. */
export const transitUse: KeyUse = {
  async wrap(master, dataKey, context) {
    const what = `cannot wrap the data key for ${nameOf(master)}`;
    const { key, client } = await ready(master, context, what);
    if (!client) throw failure(placesOfCredentials(context), what);
    try {
      await checkKeyExists(context, client, key);
      return withWrapped(master, await encrypt(client, key, dataKey), context);
    } catch (error) {
      throw await explained(error, what, client, key, "encrypt");
    }
  },

  async unwrap(master, context) {
    const what = `cannot unwrap the data key with ${nameOf(master)}`;
    const { key, client } = await ready(master, context, what);
    if (!client) return { why: placesOfCredentials(context) };
    try {
      return { key: await decrypt(client, key, textField(master.fields, "enc")) };
    } catch (error) {
      throw await explained(error, what, client, key, "decrypt");
    }
  },

  examine: examineTransit,
};

async function ready(
  master: MasterKey,
  context: KeyContext,
  what: string,
): Promise<{ key: TransitKey; client: VaultClient | undefined }> {
  try {
    const key = transitKey(master);
    return { key, client: await vaultClient(context, key.address) };
  } catch (error) {
    throw prefixed(error, what);
  }
}

/** The URI for messages, without a user name and password. */
function nameOf({ id }: Pick<MasterKey, "id">): string {
  return shortened(id.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1"));
}
