import { TsopsError } from "../../errors.ts";
import { TreeMap } from "../../formats/tree.ts";
import { shortened } from "../../printable.ts";
import { anotherKey } from "../another.ts";
import { textField, withWrapped, wrappedKey } from "../fields.ts";
import type { KeyContext, KeyUse, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { naming, prefixed, reasonsOf, unavailable } from "../reasons.ts";
import { explained, isOfWrapped } from "./errors.ts";
import { callKms, type Kms, kmsFor } from "./kms-client.ts";

/** AWS KMS keys in use: Encrypt and Decrypt. */
export const kmsUse: KeyUse = {
  async wrap(key, dataKey, context) {
    const kms = await kmsFor(key, context);
    if ("missing" in kms) throw unavailable(kms.missing);
    const request = {
      KeyId: textField(key.fields, "arn"),
      Plaintext: dataKey,
      EncryptionContext: encryptionContext(key),
    };
    const { CiphertextBlob } = await callKms(kms, context, (client, options) =>
      client.encrypt(request, options),
    ).catch((error: unknown) => Promise.reject(explained(error, kms.facts)));
    if (!CiphertextBlob?.length) throw new TsopsError("service-failed", "the answer holds no ciphertext");
    return withWrapped(key, Buffer.from(CiphertextBlob).toString("base64"), context);
  },

  unwrap(key, context) {
    return naming(`cannot unwrap the data key for ${shortened(key.id)}`, async () => {
      const kms = await kmsFor(key, context);
      if ("missing" in kms) return { why: kms.missing };
      const request = decryptRequest(key);
      const { Plaintext, KeyId } = await callKms(kms, context, (client, options) =>
        client.decrypt(request, options),
      ).catch((error: unknown) => Promise.reject(explained(error, kms.facts)));
      if (usedAnother(request.KeyId, KeyId)) {
        Plaintext?.fill(0);
        throw anotherKey(`KMS used another key, ${shortened(KeyId!)}`);
      }
      if (!Plaintext?.length) throw new TsopsError("service-failed", "the answer holds no data key");
      return { key: Buffer.from(Plaintext.buffer, Plaintext.byteOffset, Plaintext.byteLength) };
    });
  },

  async examine(key, context) {
    const found: string[] = [];
    try {
      const kms = await kmsFor(key, context);
      if ("missing" in kms) return { usable: false, lines: kms.missing };
      const { region, endpoint } = kms.facts;
      found.push(`credentials: ${kms.source.where}`);
      found.push(`region ${region}${endpoint ? `, at ${endpoint}` : ""}`);
      if (context.offline) return notAsked(found, "KMS");
      await dryRun(kms, key, context);
      found.push("KMS answers, and lets these credentials use the key");
      return { usable: true, lines: found };
    } catch (error) {
      const lines = [...found, ...reasonsOf(error)];
      return isOfWrapped(error) ? { usable: false, lines, ofWrapped: true } : { usable: false, lines };
    }
  },
};

/** The key is named, as SOPS does: a data key that was wrapped with another one is refused. */
function decryptRequest(key: MasterKey) {
  return {
    KeyId: textField(key.fields, "arn"),
    CiphertextBlob: wrappedKey(key),
    EncryptionContext: encryptionContext(key),
  };
}

/** Whether the key in an answer is another than the one that was named; that of an alias is not known. */
function usedAnother(named: string, used: string | undefined): boolean {
  return /:key\//.test(named) && used?.startsWith("arn:") === true && used !== named;
}

function encryptionContext(key: MasterKey): Record<string, string> | undefined {
  const context = key.fields.get("context");
  if (!(context instanceof TreeMap)) return undefined;
  const pairs = context.entries().map(({ key: name }) => [name, textField(context, name)]);
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

/** Asks KMS whether it would do it, which it answers with an error of its own for "yes". */
async function dryRun(kms: Kms, key: MasterKey, context: KeyContext): Promise<void> {
  const wrapped = textField(key.fields, "enc") !== "";
  const request = wrapped
    ? { ...decryptRequest(key), DryRun: true }
    : {
        KeyId: textField(key.fields, "arn"),
        Plaintext: Buffer.alloc(32),
        EncryptionContext: encryptionContext(key),
        DryRun: true,
      };
  try {
    await callKms(kms, context, async (client, options) => {
      if (!("CiphertextBlob" in request)) return client.encrypt(request, options);
      const { Plaintext } = await client.decrypt(request, options);
      // a server that knows no dry run
      Plaintext?.fill(0);
    });
  } catch (error) {
    if ((error as Error).name === "DryRunOperationException") return;
    throw prefixed(explained(error, kms.facts), "it cannot be used");
  }
}
