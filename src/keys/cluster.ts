import { TsopsError } from "../errors.ts";
import { parseClusterUri } from "../keyservice/cluster-uri.ts";
import { checkAllowed } from "./allow.ts";
import { neededField, sortedFields, splitList, textField } from "./fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { shortened } from "./printable.ts";
import { reasonsOf } from "./reasons.ts";

const TITLE = "cluster";
const EXAMPLE = "cluster://keys.example.com:5000/prod";

/** Keys that a cluster's own key service derives from its master secret (docs/keyservice.md). SOPS lacks them. */
export const cluster: KeyKind = {
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

  async wrap(key, dataKey, context) {
    const { address, wrapAt } = await reach(key, context);
    return await wrapAt(address, key, dataKey, context);
  },

  async unwrap(key, context) {
    const { address, unwrapAt } = await reach(key, context);
    return await unwrapAt(address, key, context);
  },

  async examine(key, context) {
    try {
      const { address } = await reach(key, context);
      const way = address.tls ? "over TLS" : "without TLS";
      const lines = [`its key service is ${address.name}, ${way}`];
      return await tried(key, context, lines).catch((error: unknown) => ({
        usable: false,
        lines: [...lines, ...reasonsOf(error)],
      }));
    } catch (error) {
      return { usable: false, lines: reasonsOf(error) };
    }
  },
};

/** Wraps something that is no data key, which shows that this machine may use the key, and which secret is the newest. */
async function tried(key: MasterKey, context: KeyContext, lines: readonly string[]) {
  const { randomBytes } = await import("node:crypto");
  const { secretIdOf } = await import("../keyservice/cipher.ts");
  const wrapped = await cluster.wrap(key, randomBytes(32), context);
  const enc = textField(key.fields, "enc");
  const works = "it answers, and wraps for this machine";
  if (enc === "" || secretIdOf(enc) === secretIdOf(textField(wrapped.fields, "enc"))) {
    return { usable: true, lines: [...lines, works] };
  }
  const older = "the file was wrapped with another master secret, which the service may hold as an older one";
  return { usable: undefined, lines: [...lines, works, older] };
}

/** @throws TsopsError("generic" | "not-allowed") before anything is sent. */
async function reach(key: MasterKey, context: KeyContext) {
  const { hostPort } = parseClusterUri(key.id) ?? {};
  if (hostPort === undefined) {
    throw new TsopsError("generic", `${shortened(key.id)} is not the URI of a cluster's key`, {
      hint: `it has to be cluster://HOST:PORT/KEY-ID, e.g. ${EXAMPLE}`,
    });
  }
  await checkAllowed(context, "cluster", hostPort);
  const { clusterAddress } = await import("../keyservice/address.ts");
  const { unwrapAt, wrapAt } = await import("../keyservice/client.ts");
  return { address: clusterAddress(hostPort, context), unwrapAt, wrapAt };
}
