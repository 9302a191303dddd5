import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";
import { printable, shortened } from "../../printable.ts";
import { anotherKey } from "../another.ts";
import { textField, withWrapped } from "../fields.ts";
import type { Examination, KeyContext, KeyUse, Lines, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { naming, reasonsOf, unavailable } from "../reasons.ts";
import { callKms } from "./api.ts";
import { credentialSources, loadCredentials } from "./credentials.ts";
import { splitHuaweiId } from "./identifier.ts";
import { Refusal } from "./refusal.ts";
import { kmsEndpoints } from "./region.ts";

const GIVE_CREDENTIALS =
  "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or write them into ~/.huaweicloud/credentials";
/** The only algorithm that SOPS asks for: keys must be symmetric. */
const ALGORITHM = "SYMMETRIC_DEFAULT";

/** HuaweiCloud KMS keys in use: encrypt-data and decrypt-data. */
export const hckmsUse: KeyUse = {
  async wrap(key, dataKey, context) {
    const { region, uuid } = partsOf(key);
    const credentials = await loadCredentials(context);
    if (!credentials) throw unavailable(await noCredentials(context));
    const { cipher_text } = await callKms(context, { region, credentials }, "encrypt-data", {
      key_id: uuid,
      // SOPS encrypts the text of the base64, not the bytes
      plain_text: Buffer.from(dataKey.buffer, dataKey.byteOffset, dataKey.length).toString("base64"),
      encryption_algorithm: ALGORITHM,
    });
    if (typeof cipher_text === "string" && cipher_text !== "") return withWrapped(key, cipher_text, context);
    throw new TsopsError("service-failed", "the KMS answers without a wrapped data key");
  },

  async unwrap(key, context) {
    return naming(`cannot unwrap the data key with ${shortened(key.id)}`, async () => {
      const { region, uuid } = partsOf(key);
      // before credentials are asked for: a region that does not exist needs none
      await kmsEndpoints(region, context);
      const credentials = await loadCredentials(context);
      if (!credentials) return { why: await noCredentials(context) };
      const { plain_text, key_id } = await callKms(context, { region, credentials }, "decrypt-data", {
        cipher_text: textField(key.fields, "enc"),
        encryption_algorithm: ALGORITHM,
        key_id: uuid,
      });
      // the KMS goes by what the ciphertext says, whatever key is named in the request
      if (typeof key_id === "string" && key_id.toLowerCase() !== uuid.toLowerCase())
        throw anotherKey(`another key opens it: ${printable(key_id)}`);
      return { key: decoded(plain_text) };
    });
  },

  async examine(key, context) {
    try {
      return await examined(key, context);
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

function partsOf(key: MasterKey): { region: string; uuid: string } {
  const parts = splitHuaweiId(key.id);
  if (parts) return parts;
  throw new TsopsError("bad-key", "it is not written as region:key-uuid");
}

/** What was looked for in vain, and what to do. */
async function noCredentials(context: KeyContext): Promise<Lines> {
  const { missing } = await credentialSources(context);
  return ["there are no credentials for HuaweiCloud", ...missing, GIVE_CREDENTIALS];
}

/** @throws TsopsError if it is not base64 as SOPS writes it. */
function decoded(text: unknown): Buffer {
  const bytes = typeof text === "string" && text !== "" ? strictBase64(text) : undefined;
  if (bytes) return bytes;
  throw new TsopsError("bad-key", "what the KMS unwrapped is not a data key", {
    hint: "compare the file's sops metadata with the last good version in git",
  });
}

async function examined(key: MasterKey, context: KeyContext): Promise<Examination> {
  const { region, uuid } = partsOf(key);
  const [endpoint] = await kmsEndpoints(region, context);
  const address = `region ${region} at ${printable(endpoint!.origin)}`;
  if (context.offline) {
    const [source] = (await credentialSources(context)).found;
    if (source) return notAsked([address, `credentials from ${source.name}`], "the KMS");
  }
  const credentials = await loadCredentials(context);
  if (!credentials) return { usable: false, lines: [address, ...(await noCredentials(context))] };
  const lines = [address, `credentials from ${credentials.source}`];
  try {
    const { key_info } = await callKms(context, { region, credentials }, "describe-key", { key_id: uuid });
    const state = String((key_info as { key_state?: unknown } | undefined)?.key_state);
    return { usable: state === "2", lines: [...lines, STATES[state] ?? "the state of the key is unknown"] };
  } catch (error) {
    // to look at a key needs a permission that using it does not need
    if (error instanceof Refusal && (error.status === 403 || error.serviceCode === "APIGW.0101")) {
      return {
        usable: undefined,
        lines: [...lines, `the key cannot be looked at: ${error.message}`, MAY_STILL_WORK],
      };
    }
    return { usable: false, lines: [...lines, ...reasonsOf(error)] };
  }
}

const MAY_STILL_WORK = "it may still unwrap: looking needs kms:cmk:get, unwrapping kms:cmk:crypto";

/** `key_state` of describe-key. */
const STATES: Readonly<Record<string, string>> = {
  "1": "the key is not active yet",
  "2": "the key is there and enabled; whether the credentials may unwrap with it is known only when they try",
  "3": "the key is disabled: enable it in the console of the KMS",
  "4": "the key is going to be deleted: cancel its deletion in the console of the KMS",
  "5": "the key has no material yet: import it",
  "7": "the key is frozen: see the account's bills",
};
