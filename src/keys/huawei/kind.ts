import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, unreadable } from "../fields.ts";
import { splitHuaweiId } from "./identifier.ts";

const TITLE = "HuaweiCloud KMS";
const FORM = "write it as region:key-uuid, such as tr-west-1:abc12345-abcd-1234-abcd-1234567890ab";

/** HuaweiCloud KMS keys: `region:key-uuid` (docs/internals/sops.md §5). */
export const hckms = defineKind({
  name: "hckms",
  title: TITLE,
  uris: [
    {
      scheme: "hckms:",
      stands: "",
      example: "hckms:tr-west-1:abc12345-abcd-1234-abcd-1234567890ab",
      rest: "[a-z0-9-]+:[0-9A-Fa-f-]{36}",
    },
  ],
  sops: {
    field: "hckms",
    option: "hckms",
    listed: "HuaweiCloud KMS key ids",
    variable: "SOPS_HUAWEICLOUD_KMS_IDS",
    rule: "hckms",
    ruleIsList: true,
    skipsEmpty: true,
    group: "hckms",
    groupFields: ["key_id"],
    groupId: (text) => text("key_id"),
    place: { option: 3, rule: 5 },
  },
  wire: { name: "hckms_key", number: 7, fields: [{ wire: "key_id", own: "key_id" }] },
  examinedFor: () => "",
  secrets: {
    prefixes: ["HUAWEICLOUD_", "HC_CONTAINER_"],
    words: ["huawei", "hckms"],
    credentials: ["HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"],
  },

  parse(list) {
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

  use: async () => (await import("./use.ts")).hckmsUse,
});
