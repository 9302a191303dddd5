import { TsopsError } from "../errors.ts";
import { attempt } from "./attempt.ts";
import { once } from "./cache.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField, withWrapped } from "./fields.ts";
import { crc32c } from "./google/crc32c.ts";
import { missedPlaces } from "./google/credentials.ts";
import { explained, Garbled, passes } from "./google/errors.ts";
import { examineKey } from "./google/examine.ts";
import { type KmsService, kmsService } from "./google/service.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { shortened } from "./printable.ts";

const TITLE = "Google Cloud KMS";

/** Google Cloud KMS keys: `projects/…/locations/…/keyRings/…/cryptoKeys/…` (SPEC section 5). */
export const gcpKms: KeyKind = {
  name: "gcp_kms",
  field: "gcp_kms",
  title: TITLE,

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const id = part.replaceAll(" ", "");
      return { kind: "gcp_kms", id, fields: sortedFields([["resource_id", id]]) };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    return { kind: "gcp_kms", id: neededField(fields, "resource_id", TITLE), fields };
  },

  async wrap(key, dataKey, context) {
    checkResourceId(key);
    const service = await kmsService(context);
    if (!service) {
      const lines = await whyNot(context);
      throw new TsopsError("generic", `cannot wrap the data key for ${shortened(key.id)}: ${lines[0]}`, {
        hint: lines.slice(1).join("\n"),
      });
    }
    try {
      return withWrapped(key, (await encrypt(service, key.id, dataKey, context)).toString("base64"), context);
    } catch (error) {
      throw explained(error, "cannot wrap the data key for", key.id, "encrypt", service);
    }
  },

  async unwrap(key, context) {
    checkResourceId(key);
    const ciphertext = wrappedKey(key);
    const service = await kmsService(context);
    if (!service) {
      missed(context).lines = await whyNot(context);
      return null;
    }
    try {
      return await decrypt(service, key.id, ciphertext, context);
    } catch (error) {
      throw explained(error, "cannot unwrap the data key with", key.id, "decrypt", service);
    }
  },

  whyNot(_key, context) {
    return missed(context).lines;
  },

  async examine(key, context) {
    return examineKey(
      key,
      context,
      () => checkResourceId(key),
      () => whyNot(context),
    );
  },
};

/** SOPS's own rule. @throws TsopsError("generic") */
function checkResourceId({ id }: MasterKey): void {
  if (/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/.test(id)) return;
  const version = id.includes("/cryptoKeyVersions/");
  throw new TsopsError("generic", `${shortened(id)} is not the resource id of a Google Cloud KMS key`, {
    hint: version
      ? "leave out /cryptoKeyVersions/…: Google chooses the version"
      : "it looks like projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
  });
}

/** Base64, in which Go allows line breaks. @throws TsopsError("generic") if it is anything else. */
function wrappedKey(key: MasterKey): Buffer {
  const text = textField(key.fields, "enc").replace(/[\r\n]/g, "");
  const bytes = Buffer.from(text, "base64");
  if (text !== "" && bytes.toString("base64") === text) return bytes;
  const what = text === "" ? "missing" : "damaged: it is not base64";
  throw new TsopsError("generic", `the wrapped data key for ${shortened(key.id)} is ${what}`, {
    hint: "compare the file's sops metadata with its last good version in git",
  });
}

async function encrypt(
  service: KmsService,
  name: string,
  plaintext: Uint8Array,
  context: KeyContext,
): Promise<Buffer> {
  await service.login();
  const request = { name, plaintext, plaintextCrc32c: { value: crc32c(plaintext) } };
  return attempt(
    context,
    async (signal) => {
      const answer = await service.call("encrypt", request, signal);
      const ciphertext = bytesOf(answer.ciphertext);
      const sent = { verified: answer.verifiedPlaintextCrc32c === true };
      checkSums(service, ciphertext, answer.ciphertextCrc32c, sent);
      if (!String(answer.name).startsWith(`${name}/`)) throw new Garbled("another key's answer");
      return ciphertext;
    },
    { passes },
  );
}

async function decrypt(
  service: KmsService,
  name: string,
  ciphertext: Buffer,
  context: KeyContext,
): Promise<Buffer> {
  await service.login();
  const request = { name, ciphertext, ciphertextCrc32c: { value: crc32c(ciphertext) } };
  return attempt(
    context,
    async (signal) => {
      const answer = await service.call("decrypt", request, signal);
      const plaintext = bytesOf(answer.plaintext);
      try {
        checkSums(service, plaintext, answer.plaintextCrc32c);
        return Buffer.from(plaintext);
      } finally {
        plaintext.fill(0);
      }
    },
    { passes },
  );
}

/**
 * The checksums of an answer, as https://cloud.google.com/kms/docs/data-integrity-guidelines asks for. Google always
 * sends them; another server, which the environment names, may know nothing of them.
 */
function checkSums(
  { address }: KmsService,
  bytes: Buffer,
  sum: unknown,
  sent: { readonly verified: boolean } = { verified: true },
): void {
  const value = (sum as { value?: unknown } | null | undefined)?.value;
  const silent = value === undefined || value === null;
  if (silent && address.universe === undefined) return;
  if (silent || !sent.verified || Number(value) !== crc32c(bytes)) throw new Garbled("checksums differ");
}

function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new Garbled("bytes are missing");
}

/** What `unwrap` did not find, kept for `whyNot`. */
function missed(context: KeyContext): { lines: readonly string[] } {
  return once(context, "google missed", () => ({ lines: [] }));
}

async function whyNot(context: KeyContext): Promise<readonly string[]> {
  return [
    "there are no Google credentials",
    ...(await missedPlaces(context)),
    "log in with `gcloud auth application-default login`, or name a credentials file in GOOGLE_APPLICATION_CREDENTIALS",
  ];
}
