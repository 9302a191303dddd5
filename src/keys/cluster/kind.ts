import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { withoutControls } from "../controls.ts";
import { neededField, sortedFields, splitList } from "../fields.ts";
import type { KeyKind } from "../kind.ts";
import { lazily } from "../lazily.ts";
import { parseClusterUri } from "./uri.ts";

const TITLE = "cluster";
export const EXAMPLE = "cluster://keys.example.com:5000/prod";

/** Keys that a cluster's own key service derives from its master secret (docs/keyservice.md). SOPS lacks them. */
export const cluster: KeyKind = withoutControls({
  name: "cluster",
  field: undefined,
  schemes: ["cluster://"],
  title: TITLE,

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const id = part.trim();
      if (parseClusterUri(id)) return { kind: "cluster", id, fields: sortedFields([["uri", id]]) };
      throw new TsopsError("usage", `${shortened(id)} is not the URI of a cluster's key`, {
        hint: `write it as cluster://HOST:PORT/KEY-ID, e.g. ${EXAMPLE}`,
      });
    });
  },

  fromMetadata(fields) {
    return { kind: "cluster", id: neededField(fields, "uri", TITLE), fields };
  },

  ...lazily(async () => (await import("./use.ts")).clusterUse),
});
