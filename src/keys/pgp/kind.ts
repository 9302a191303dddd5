import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, splitList } from "../fields.ts";

/** PGP keys, by their fingerprints (docs/internals/sops.md §5). */
export const pgp = defineKind({
  name: "pgp",
  title: "PGP",
  uris: [
    {
      scheme: "pgp:",
      stands: "",
      example: "pgp:D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262",
      rest: "(0x)?([0-9A-Fa-f] *){16,64}",
    },
  ],
  bare: /^(?:0x)?[0-9A-F ]{16,}$/i,
  sops: {
    field: "pgp",
    option: "pgp",
    alias: "p",
    listed: "PGP fingerprints",
    variable: "SOPS_PGP_FP",
    rule: "pgp",
    group: "pgp",
    place: { option: 5, rule: 2 },
  },
  wire: { name: "pgp_key", number: 2, fields: [{ wire: "fingerprint", own: "fp" }] },
  triedFirst: 2,
  secrets: {
    prefixes: ["TSOPS_PGP_"],
    identities: ["TSOPS_PGP_KEY", "TSOPS_PGP_PASSPHRASE"],
    places: ["TSOPS_PGP_KEY_FILE"],
  },

  parse(list) {
    return splitList(list, "PGP").map((part) => {
      // People copy fingerprints in groups of four digits.
      const id = part.replaceAll(" ", "");
      return { kind: "pgp", id, fields: sortedFields([["fp", id]]) };
    });
  },

  check({ id }) {
    if (/^(?:0x)?(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(id)) return;
    throw new TsopsError("usage", `${shortened(id)} is not the fingerprint of a PGP key`, {
      hint: "write its 40 hexadecimal digits, which gpg --fingerprint shows",
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, "PGP");
    return { kind: "pgp", id: neededField(fields, "fp", "PGP"), fields };
  },

  spellings: (id) => [id.replaceAll(" ", "").toUpperCase()],

  use: async () => (await import("./use.ts")).pgpUse,
});
