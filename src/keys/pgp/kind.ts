import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { withoutControls } from "../controls.ts";
import { checkCreatedAt, neededField, sortedFields, splitList } from "../fields.ts";
import type { KeyKind } from "../kind.ts";
import { lazily } from "../lazily.ts";

/** PGP keys, by their fingerprints (SPEC section 5). */
export const pgp: KeyKind = withoutControls({
  name: "pgp",
  field: "pgp",
  title: "PGP",

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

  ...lazily(async () => (await import("./use.ts")).pgpUse),
});
