import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { once } from "../cache.ts";
import { withoutControls } from "../controls.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, withWrapped, wrappedKey } from "../fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "../kind.ts";
import { naming } from "../reasons.ts";
import type { KmsService } from "./service.ts";

const TITLE = "Google Cloud KMS";

/** Google Cloud KMS keys: `projects/…/locations/…/keyRings/…/cryptoKeys/…` (SPEC section 5). */
export const gcpKms: KeyKind = withoutControls({
  name: "gcp_kms",
  field: "gcp_kms",
  title: TITLE,

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const id = part.replaceAll(" ", "");
      return { kind: "gcp_kms", id, fields: sortedFields([["resource_id", id]]) };
    });
  },

  check: (key) => checkResourceId(key),

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    return { kind: "gcp_kms", id: neededField(fields, "resource_id", TITLE), fields };
  },

  async wrap(key, dataKey, context) {
    checkResourceId(key);
    const service = await serviceFor(context);
    if (!service) {
      const [why, ...lines] = await whyNot(context);
      throw new TsopsError("generic", `cannot wrap the data key for ${shortened(key.id)}: ${why}`, {
        hint: lines.join("\n"),
      });
    }
    const { encrypt } = await import("./wrapping.ts");
    const { explained } = await import("./errors.ts");
    try {
      const ciphertext = await encrypt(service, key.id, dataKey, context);
      return withWrapped(key, ciphertext.toString("base64"), context);
    } catch (error) {
      throw explained(error, "cannot wrap the data key for", key.id, "encrypt", service);
    }
  },

  async unwrap(key, context) {
    checkResourceId(key);
    const ciphertext = await naming(`cannot unwrap the data key for ${shortened(key.id)}`, async () =>
      wrappedKey(key),
    );
    const service = await serviceFor(context);
    if (!service) {
      missed(context).lines = await whyNot(context);
      return null;
    }
    const { decrypt } = await import("./wrapping.ts");
    const { explained } = await import("./errors.ts");
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
    const { examineKey } = await import("./examine.ts");
    return examineKey(
      key,
      context,
      () => checkResourceId(key),
      () => whyNot(context),
    );
  },
});

/** Google's part is loaded when a key is used: nobody else's commands wait for it. */
async function serviceFor(context: KeyContext): Promise<KmsService | null> {
  const { kmsService } = await import("./service.ts");
  return kmsService(context);
}

/**
 * SOPS's own rule, with the characters that Google's names have: over REST the id is a path, where dots would lead elsewhere,
 * and hints quote its parts in commands. @throws TsopsError("generic")
 */
function checkResourceId({ id }: MasterKey): void {
  const parts =
    /^projects\/([^/]+)\/locations\/([^/]+)\/keyRings\/([^/]+)\/cryptoKeys\/([^/]+)$/.exec(id) ?? [];
  if (parts.length > 0 && parts.slice(1).every((part) => /^(?!\.\.?$)[\w:.-]+$/.test(part))) return;
  const version = id.includes("/cryptoKeyVersions/");
  throw new TsopsError("generic", `${shortened(id)} is not the resource id of a Google Cloud KMS key`, {
    hint: version
      ? "leave out /cryptoKeyVersions/…: Google chooses the version"
      : "it looks like projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
  });
}

/** What `unwrap` did not find, kept for `whyNot`. */
function missed(context: KeyContext): { lines: readonly string[] } {
  return once(context, "google missed", () => ({ lines: [] }));
}

async function whyNot(context: KeyContext): Promise<readonly string[]> {
  const { missedPlaces } = await import("./credentials.ts");
  return [
    "there are no Google credentials",
    ...(await missedPlaces(context)),
    "log in with `gcloud auth application-default login`, or name a credentials file in GOOGLE_APPLICATION_CREDENTIALS",
  ];
}
