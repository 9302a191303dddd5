import { checkCreatedAt, neededField, sortedFields, splitList } from "./fields.ts";
import type { KeyKind } from "./kind.ts";
import { notYet } from "./unavailable.ts";

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

  async wrap() {
    throw notYet(TITLE);
  },
  async unwrap() {
    throw notYet(TITLE);
  },
  async examine() {
    return { usable: false, lines: [notYet(TITLE).message] };
  },
};
