import { TsopsError } from "../errors.ts";
import { once } from "./cache.ts";
import { checkCreatedAt, neededField, sortedFields, textField, unreadable, withWrapped } from "./fields.ts";
import { callKms } from "./huawei/api.ts";
import { credentialSources, loadCredentials } from "./huawei/credentials.ts";
import { Refusal } from "./huawei/refusal.ts";
import { kmsEndpoints } from "./huawei/region.ts";
import type { Examination, KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { printable, shortened } from "./printable.ts";
import { reasonsOf } from "./reasons.ts";

const TITLE = "HuaweiCloud KMS";
const GIVE_CREDENTIALS =
  "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or write them into ~/.huaweicloud/credentials";
/** The only algorithm that SOPS asks for: keys must be symmetric. */
const ALGORITHM = "SYMMETRIC_DEFAULT";

/** HuaweiCloud KMS keys: `region:key-uuid` (SPEC section 5). */
export const hckms: KeyKind = {
  name: "hckms",
  field: "hckms",
  title: TITLE,

  parse(list) {
    const parts = list.split(",").map((part) => part.trim());
    return parts.filter(Boolean).map((id) => {
      if (splitHuaweiId(id)) return { kind: "hckms", id, fields: sortedFields([["key_id", id]]) };
      throw new TsopsError("usage", `${printable(id)} is not a HuaweiCloud KMS key`, {
        hint: "write it as region:key-uuid, such as tr-west-1:abc12345-abcd-1234-abcd-1234567890ab",
      });
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    const id = neededField(fields, "key_id", TITLE);
    if (!splitHuaweiId(id)) throw unreadable("the key_id of a HuaweiCloud KMS key is not region:key-uuid");
    return { kind: "hckms", id, fields };
  },

  async wrap(key, dataKey, context) {
    const enc = await explained(`cannot wrap the data key for ${shortened(key.id)}`, async () => {
      const { region, uuid } = partsOf(key);
      const credentials = await loadCredentials(context);
      if (!credentials) {
        const lines = (await credentialSources(context)).missing;
        throw new TsopsError("generic", "there are no credentials for HuaweiCloud", {
          hint: [...lines, GIVE_CREDENTIALS].join("\n"),
        });
      }
      const { cipher_text } = await callKms(context, region, credentials, "encrypt-data", {
        key_id: uuid,
        // SOPS encrypts the text of the base64, not the bytes
        plain_text: Buffer.from(dataKey.buffer, dataKey.byteOffset, dataKey.length).toString("base64"),
        encryption_algorithm: ALGORITHM,
      });
      if (typeof cipher_text === "string" && cipher_text !== "") return cipher_text;
      throw new TsopsError("generic", "the KMS answers without a wrapped data key");
    });
    return withWrapped(key, enc, context);
  },

  async unwrap(key, context) {
    return explained(`cannot unwrap the data key with ${shortened(key.id)}`, async () => {
      const { region, uuid } = partsOf(key);
      // before credentials are asked for: a region that does not exist needs none
      await kmsEndpoints(region, context);
      const credentials = await loadCredentials(context);
      if (!credentials) {
        missing(context).lines = (await credentialSources(context)).missing;
        return null;
      }
      const { plain_text } = await callKms(context, region, credentials, "decrypt-data", {
        cipher_text: textField(key.fields, "enc"),
        encryption_algorithm: ALGORITHM,
        key_id: uuid,
      });
      return decoded(plain_text);
    });
  },

  whyNot(_key, context) {
    return ["there are no credentials for HuaweiCloud", ...missing(context).lines, GIVE_CREDENTIALS];
  },

  async examine(key, context) {
    try {
      return await examined(key, context);
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

/** Region and UUID; undefined if one of them is missing. */
export function splitHuaweiId(id: string): { region: string; uuid: string } | undefined {
  const colon = id.indexOf(":");
  const region = id.slice(0, Math.max(colon, 0)).trim();
  const uuid = id.slice(colon + 1).trim();
  return region === "" || uuid === "" ? undefined : { region, uuid };
}

function partsOf(key: MasterKey): { region: string; uuid: string } {
  const parts = splitHuaweiId(key.id);
  if (parts) return parts;
  throw new TsopsError("generic", "it is not written as region:key-uuid");
}

/** What the last search for credentials did not find, for {@link KeyKind.whyNot}. */
function missing(context: KeyContext): { lines: readonly string[] } {
  return once(context, "hckms missing", () => ({ lines: [] }));
}

async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "generic") throw error;
    throw new TsopsError("generic", `${what}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** @throws TsopsError("generic") if it is not base64 as SOPS writes it. */
function decoded(text: unknown): Buffer {
  const bytes = Buffer.from(typeof text === "string" ? text : "", "base64");
  if (bytes.length > 0 && bytes.toString("base64") === text) return bytes;
  bytes.fill(0);
  throw new TsopsError("generic", "what the KMS unwrapped is no data key", {
    hint: "compare the file's sops metadata with the last good version in git",
  });
}

async function examined(key: MasterKey, context: KeyContext): Promise<Examination> {
  const { region, uuid } = partsOf(key);
  const [endpoint] = await kmsEndpoints(region, context);
  const address = `region ${region} at ${printable(endpoint!.origin)}`;
  const credentials = await loadCredentials(context);
  if (!credentials) {
    const lines = (await credentialSources(context)).missing;
    return {
      usable: false,
      lines: [address, "there are no credentials for HuaweiCloud", ...lines, GIVE_CREDENTIALS],
    };
  }
  const lines = [address, `credentials from ${credentials.source}`];
  try {
    const { key_info } = await callKms(context, region, credentials, "describe-key", { key_id: uuid });
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
  "2": "the key is there and enabled; whether the credentials may unwrap with it shows only when they do",
  "3": "the key is disabled: enable it in the console of the KMS",
  "4": "the key is going to be deleted: cancel its deletion in the console of the KMS",
  "5": "the key has no material yet: import it",
  "7": "the key is frozen: see the account's bills",
};
