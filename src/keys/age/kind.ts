import { defineKind } from "../define.ts";
import { neededField, sortedFields, splitList } from "../fields.ts";
import { AGE_PLUGINS } from "./allow.ts";
import { checkRecipient } from "./recipient.ts";
import { ageUse } from "./use.ts";

/**
 * age keys: `age1…`, `age1pq1…`, `age1PLUGIN1…`, `ssh-ed25519 …`, `ssh-rsa …` (docs/internals/sops.md §7, age
 * identities).
 */
export const age = defineKind({
  name: "age",
  title: "age",
  uris: [
    {
      scheme: "age:",
      stands: "",
      example: "age:age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx",
      rest: "(age1[0-9a-z.+_-]+|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?)",
    },
  ],
  bare: /^(?:age1|ssh-(?:ed25519|rsa)\s)/,
  sops: {
    field: "age",
    always: true,
    option: "age",
    alias: "a",
    listed: "age recipients",
    variable: "SOPS_AGE_RECIPIENTS",
    rule: "age",
    group: "age",
    place: { option: 7, rule: 1 },
  },
  wire: {
    name: "age_key",
    number: 6,
    fields: [{ wire: "recipient", own: "recipient" }],
    undated: true,
  },
  triedFirst: 1,
  names: [AGE_PLUGINS],
  secrets: {
    prefixes: ["SOPS_AGE_"],
    identities: ["SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"],
    places: ["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"],
  },

  parse(list) {
    return splitList(list, "age").map((part) => {
      const recipient = part.trim();
      checkRecipient(recipient);
      return { kind: "age", id: recipient, fields: sortedFields([["recipient", recipient]]) };
    });
  },

  fromMetadata(fields) {
    return { kind: "age", id: neededField(fields, "recipient", "age"), fields };
  },

  // a comment behind an SSH key is not part of it
  spellings: (id) => [id.startsWith("ssh-") ? id.split(/\s+/).slice(0, 2).join(" ") : id],

  // not loaded later: decrypting a small file with an age key is what people wait for most
  use: async () => ageUse,
});
