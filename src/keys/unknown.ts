import { TsopsError } from "../errors.ts";
import { shortened } from "../printable.ts";
import { defineKind } from "./define.ts";
import { neededField } from "./fields.ts";
import type { KeyUse } from "./kind.ts";

const WHY = "this version of tsops does not know this kind of key";
const NEXT = "update tsops to use it; it is kept as it is";

/** Keys in `sops.tsops.keys` whose URI has a scheme that only a later version knows: they are kept and reported. */
export const unknown = defineKind({
  name: "unknown",
  title: "unknown",
  uris: [],

  parse(list) {
    throw new TsopsError("usage", `${shortened(list)} is not the URI of a key: its scheme is not known`);
  },

  fromMetadata(fields) {
    return { kind: "unknown", id: neededField(fields, "uri", "unknown"), fields };
  },

  use: async () => unusable,
});

const unusable: KeyUse = {
  async wrap() {
    throw new TsopsError("key-unavailable", WHY, { hint: NEXT });
  },

  async unwrap() {
    return { why: [WHY, NEXT] };
  },

  async examine() {
    return { usable: false, lines: [WHY, NEXT] };
  },
};
