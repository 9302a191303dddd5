import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, splitList } from "../fields.ts";
import { checkResourceId } from "./identifier.ts";

const TITLE = "Google Cloud KMS";

/** Google Cloud KMS keys: `projects/…/locations/…/keyRings/…/cryptoKeys/…` (docs/internals/sops.md §5). */
export const gcpKms = defineKind({
  name: "gcp_kms",
  title: TITLE,
  uris: [
    {
      scheme: "gcpkms://",
      stands: "",
      example: "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
      rest: "projects/[\\w:.-]+/locations/[\\w-]+/keyRings/[\\w-]+/cryptoKeys/[\\w-]+",
    },
  ],
  bare: /^projects\//,
  sops: {
    field: "gcp_kms",
    option: "gcp-kms",
    listed: "Google Cloud KMS resource ids",
    variable: "SOPS_GCP_KMS_IDS",
    rule: "gcp_kms",
    group: "gcp_kms",
    groupFields: ["resource_id"],
    groupId: (text) => text("resource_id"),
    place: { option: 2, rule: 4 },
  },
  wire: { name: "gcp_kms_key", number: 3, fields: [{ wire: "resource_id", own: "resource_id" }] },
  examinedFor: () => "",
  secrets: {
    prefixes: ["GOOGLE_", "CLOUDSDK_"],
    words: ["gcp", "google"],
    // the first may hold the key itself
    credentials: ["GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"],
  },

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const id = part.replaceAll(" ", "");
      return { kind: "gcp_kms", id, fields: sortedFields([["resource_id", id]]) };
    });
  },

  check: checkResourceId,

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    return { kind: "gcp_kms", id: neededField(fields, "resource_id", TITLE), fields };
  },

  spellings: (id) => [id.replaceAll(" ", "")],

  use: async () => (await import("./use.ts")).googleUse,
});
