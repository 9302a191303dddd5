import { TsopsError } from "../errors.ts";
import { TreeMap } from "../formats/tree.ts";
import type { NoCredentials } from "./aws/credentials.ts";
import { explained } from "./aws/errors.ts";
import { callKms, type Kms, kmsFor } from "./aws/kms-client.ts";
import { once } from "./cache.ts";
import {
  checkCreatedAt,
  neededField,
  sortedFields,
  splitList,
  textField,
  unreadable,
  withWrapped,
} from "./fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { shortened } from "./printable.ts";
import { reasonsOf } from "./reasons.ts";

const TITLE = "AWS KMS";

/** AWS KMS keys: ARNs, each with a role to assume behind a `+` if need be (SPEC section 5). */
export const kms: KeyKind = {
  name: "kms",
  field: "kms",
  title: TITLE,

  parse: (list) => parseKms(list),

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    const context = fields.get("context");
    if (context instanceof TreeMap) for (const { key } of context.entries()) textField(context, key);
    else if (context !== undefined && context !== null) {
      throw unreadable("the encryption context of an AWS KMS key is not a map");
    }
    neededField(fields, "arn", TITLE);
    return { kind: "kms", id: idOf(fields), fields };
  },

  async wrap(key, dataKey, context) {
    const what = `cannot wrap the data key for ${shortened(key.id)}`;
    const kms = await opened(key, context, what);
    if ("missing" in kms) {
      const [message = "", ...hint] = kms.missing;
      throw new TsopsError("generic", `${what}: ${message}`, { hint: hint.join("\n") });
    }
    const request = {
      KeyId: textField(key.fields, "arn"),
      Plaintext: dataKey,
      EncryptionContext: encryptionContext(key),
    };
    try {
      const { CiphertextBlob } = await callKms(kms, context, (client, options) =>
        client.encrypt(request, options),
      );
      if (!CiphertextBlob?.length) throw new TsopsError("generic", "the answer holds no ciphertext");
      return withWrapped(key, Buffer.from(CiphertextBlob).toString("base64"), context);
    } catch (error) {
      throw explained(error, what, kms.facts);
    }
  },

  async unwrap(key, context) {
    const what = `cannot unwrap the data key for ${shortened(key.id)}`;
    const kms = await opened(key, context, what);
    if ("missing" in kms) {
      missingFor(context).set(key.id, kms.missing);
      return null;
    }
    try {
      const request = decryptRequest(key);
      const { Plaintext } = await callKms(kms, context, (client, options) =>
        client.decrypt(request, options),
      );
      if (!Plaintext?.length) throw new TsopsError("generic", "the answer holds no data key");
      return Buffer.from(Plaintext.buffer, Plaintext.byteOffset, Plaintext.byteLength);
    } catch (error) {
      throw explained(error, what, kms.facts);
    }
  },

  whyNot(key, context) {
    return missingFor(context).get(key.id) ?? ["no AWS credentials were found"];
  },

  async examine(key, context) {
    const found: string[] = [];
    try {
      const kms = await kmsFor(key, context);
      if ("missing" in kms) return { usable: false, lines: kms.missing };
      const { region, endpoint } = kms.facts;
      found.push(`credentials: ${kms.source.where}`);
      found.push(`region ${region}${endpoint ? `, at ${endpoint}` : ""}`);
      await dryRun(kms, key, context);
      found.push("KMS answers, and lets these credentials use the key");
      return { usable: true, lines: found };
    } catch (error) {
      return { usable: false, lines: [...found, ...reasonsOf(error)] };
    }
  },
};

async function opened(key: MasterKey, context: KeyContext, what: string): Promise<Kms | NoCredentials> {
  try {
    return await kmsFor(key, context);
  } catch (error) {
    throw explained(error, what, { service: "KMS", region: "" });
  }
}

/** What `unwrap` looked for in vain, by key. */
function missingFor(context: KeyContext): Map<string, readonly string[]> {
  return once(context, "kms missing credentials", () => new Map());
}

/** The key is named, as SOPS does: a data key that was wrapped with another one is refused. */
function decryptRequest(key: MasterKey) {
  return {
    KeyId: textField(key.fields, "arn"),
    CiphertextBlob: wrappedKey(key),
    EncryptionContext: encryptionContext(key),
  };
}

function wrappedKey(key: MasterKey): Buffer {
  // Go's decoder, which SOPS uses, passes line breaks over
  const enc = textField(key.fields, "enc").replace(/[\r\n]/g, "");
  const bytes = Buffer.from(enc, "base64");
  if (enc !== "" && bytes.toString("base64") === enc) return bytes;
  throw new TsopsError("generic", enc === "" ? "it is missing" : "it is damaged: it is not base64", {
    hint: "compare enc of the key in the file's metadata with the file's last good version in git",
  });
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
    throw explained(error, "it cannot be used", kms.facts);
  }
}

/** Keys from a list of ARNs, all with the same encryption context and AWS profile. @throws TsopsError("usage") */
export function parseKms(list: string, more: { context?: TreeMap; awsProfile?: string } = {}): MasterKey[] {
  return splitList(list, TITLE).map((part) => {
    const text = part.replaceAll(" ", "");
    // An ARN's path may hold a plus sign, but no colon.
    const plus = text.indexOf("+arn:");
    const context = more.context && more.context.entries().length > 0 ? more.context : undefined;
    const fields = sortedFields([
      ["arn", plus > 0 ? text.slice(0, plus) : text],
      ["aws_profile", more.awsProfile ?? ""],
      ["context", context],
      ["role", plus > 0 ? text.slice(plus + 1) : undefined],
    ]);
    return { kind: "kms", id: idOf(fields), fields };
  });
}

/**
 * An encryption context as flags write it: `name:value,name:value`. Undefined if the text is empty.
 * @throws TsopsError("encryption-context") if a pair does not have exactly one colon.
 */
export function parseEncryptionContext(text: string): TreeMap | undefined {
  if (text === "") return undefined;
  const pairs = text.split(",").map((pair) => pair.split(":"));
  if (pairs.some((pair) => pair.length !== 2)) {
    throw new TsopsError("encryption-context", "invalid KMS encryption context format", {
      hint: "write it as name:value,name:value",
    });
  }
  // The last of two values for one name counts.
  return sortedFields(new Map(pairs.map(([name = "", value = ""]) => [name, value])));
}

/** As SOPS prints it: ARN and role, context, profile. */
function idOf(fields: TreeMap): string {
  const role = textField(fields, "role");
  const context = fields.get("context");
  const pairs =
    context instanceof TreeMap ? sortedFields(context.entries().map((e) => [e.key, e.value])) : undefined;
  const shown = pairs?.entries().map(({ key }) => `${key}:${textField(pairs, key)}`) ?? [];
  const arn = textField(fields, "arn") + (role === "" ? "" : `+${role}`);
  const profile = textField(fields, "aws_profile");
  if (profile !== "") return `${arn}|${shown.join(",")}|${profile}`;
  return shown.length > 0 ? `${arn}|${shown.join(",")}` : arn;
}
