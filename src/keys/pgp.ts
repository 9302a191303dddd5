import { withoutControls } from "./controls.ts";
import { checkCreatedAt, neededField, sortedFields, splitList } from "./fields.ts";
import type { KeyKind } from "./kind.ts";
import { lazily } from "./lazily.ts";

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

  fromMetadata(fields) {
    checkCreatedAt(fields, "PGP");
    return { kind: "pgp", id: neededField(fields, "fp", "PGP"), fields };
  },

  ...lazily(async () => (await import("./pgp/use.ts")).pgpUse),
});
