import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { defineKind } from "../define.ts";
import { neededField, sortedFields, splitList } from "../fields.ts";
import { CLUSTERS } from "./allow.ts";
import { CLUSTER_WIRE, EXAMPLE, parseClusterUri } from "./uri.ts";

const TITLE = "cluster";
const SCHEME = "cluster://";

/** Keys that a cluster's own key service derives from its master secret (docs/keyservice.md). SOPS lacks them. */
export const cluster = defineKind({
  name: "cluster",
  title: TITLE,
  uris: [{ scheme: SCHEME, stands: SCHEME, example: EXAMPLE, rest: "[A-Za-z0-9.\\[\\]:_-]+/.+" }],
  wire: CLUSTER_WIRE,
  names: [CLUSTERS],

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

  use: async () => (await import("./use.ts")).clusterUse,
});
