import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { withoutControls } from "../controls.ts";
import { checkCreatedAt, neededField, sortedFields, unreadable } from "../fields.ts";
import type { KeyKind } from "../kind.ts";
import { lazily } from "../lazily.ts";
import { refuseSecretKey } from "../secret.ts";

const TITLE = "HuaweiCloud KMS";
const FORM = "write it as region:key-uuid, such as tr-west-1:abc12345-abcd-1234-abcd-1234567890ab";

/** HuaweiCloud KMS keys: `region:key-uuid` (SPEC section 5). */
export const hckms: KeyKind = withoutControls({
  name: "hckms",
  field: "hckms",
  title: TITLE,

  parse(list) {
    refuseSecretKey(list);
    const parts = list.split(",").map((part) => part.trim());
    return parts.filter(Boolean).map((id) => {
      if (splitHuaweiId(id)) return { kind: "hckms", id, fields: sortedFields([["key_id", id]]) };
      throw new TsopsError("usage", `${printable(id)} is not a HuaweiCloud KMS key`, {
        hint: FORM,
      });
    });
  },

  check({ id }) {
    const { region = "", uuid = "" } = splitHuaweiId(id) ?? {};
    if (/^[a-z]+(?:-[a-z0-9]+)+$/.test(region) && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid))
      return;
    throw new TsopsError("usage", `${printable(id)} is not a HuaweiCloud KMS key`, { hint: FORM });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    const id = neededField(fields, "key_id", TITLE);
    if (!splitHuaweiId(id)) throw unreadable("the key_id of a HuaweiCloud KMS key is not region:key-uuid");
    return { kind: "hckms", id, fields };
  },

  ...lazily(async () => (await import("./use.ts")).hckmsUse),
});

/** Region and UUID; undefined if one of them is missing. */
export function splitHuaweiId(id: string): { region: string; uuid: string } | undefined {
  const colon = id.indexOf(":");
  const region = id.slice(0, Math.max(colon, 0)).trim();
  const uuid = id.slice(colon + 1).trim();
  return region === "" || uuid === "" ? undefined : { region, uuid };
}
