import { shortened } from "../../printable.ts";
import { withWrapped, wrappedKey } from "../fields.ts";
import type { KeyContext, KeyUse, Lines } from "../kind.ts";
import { naming, prefixed, unavailable } from "../reasons.ts";
import { missedPlaces } from "./credentials.ts";
import { explained } from "./errors.ts";
import { examineKey } from "./examine.ts";
import { checkResourceId } from "./identifier.ts";
import { kmsService } from "./service.ts";
import { decrypt, encrypt } from "./wrapping.ts";

/** Google Cloud KMS keys in use: encrypt and decrypt. */
export const googleUse: KeyUse = {
  async wrap(key, dataKey, context) {
    checkResourceId(key);
    const service = await kmsService(context);
    if (!service) throw unavailable(await whyNot(context));
    try {
      const ciphertext = await encrypt(service, key.id, dataKey, context);
      return withWrapped(key, ciphertext.toString("base64"), context);
    } catch (error) {
      throw explained(error, key.id, "encrypt", service);
    }
  },

  async unwrap(key, context) {
    checkResourceId(key);
    const ciphertext = await naming(`cannot unwrap the data key for ${shortened(key.id)}`, async () =>
      wrappedKey(key),
    );
    const service = await kmsService(context);
    if (!service) return { why: await whyNot(context) };
    try {
      return { key: await decrypt(service, key.id, ciphertext, context) };
    } catch (error) {
      throw prefixed(
        explained(error, key.id, "decrypt", service),
        `cannot unwrap the data key with ${shortened(key.id)}`,
      );
    }
  },

  examine: (key, context) => examineKey(key, context, () => whyNot(context)),
};

async function whyNot(context: KeyContext): Promise<Lines> {
  return [
    "there are no Google credentials",
    ...(await missedPlaces(context)),
    "log in with `gcloud auth application-default login`, or name a credentials file in GOOGLE_APPLICATION_CREDENTIALS",
  ];
}
