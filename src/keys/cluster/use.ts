import { randomBytes } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { checkAllowed } from "../allow.ts";
import { textField } from "../fields.ts";
import type { KeyContext, KeyUse, MasterKey } from "../kind.ts";
import { notAsked } from "../offline.ts";
import { reasonsOf } from "../reasons.ts";
import { clusterAddress } from "../service/address.ts";
import { unwrapAt, wrapAt } from "../service/client.ts";
import { CLUSTERS } from "./allow.ts";
import { EXAMPLE, parseClusterUri } from "./uri.ts";
import { secretIdOf } from "./wrapped.ts";

/** Keys of a cluster in use: its key service is asked. */
export const clusterUse: KeyUse = {
  async wrap(key, dataKey, context) {
    const address = await reach(key, context);
    return await wrapAt(address, key, dataKey, context);
  },

  async unwrap(key, context) {
    const address = await reach(key, context);
    return await unwrapAt(address, key, context);
  },

  async examine(key, context) {
    try {
      const address = await reach(key, context);
      const way = address.tls ? "over TLS" : "without TLS";
      const lines = [`its key service is ${address.name}, ${way}`];
      if (context.offline) return notAsked(lines, "it");
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
  const wrapped = await clusterUse.wrap(key, randomBytes(32), context);
  const enc = textField(key.fields, "enc");
  const works = "it answers, and wraps for this machine";
  if (enc === "" || secretIdOf(enc) === secretIdOf(textField(wrapped.fields, "enc"))) {
    return { usable: true, lines: [...lines, works] };
  }
  const older = "the file was wrapped with another master secret, which the service may hold as an older one";
  return { usable: undefined, lines: [...lines, works, older] };
}

/** @throws TsopsError("bad-key" | "not-allowed") before anything is sent. */
async function reach(key: MasterKey, context: KeyContext) {
  const { hostPort } = parseClusterUri(key.id) ?? {};
  if (hostPort === undefined) {
    throw new TsopsError("bad-key", `${shortened(key.id)} is not the URI of a cluster's key`, {
      hint: `it has to be cluster://HOST:PORT/KEY-ID, e.g. ${EXAMPLE}`,
    });
  }
  await checkAllowed(context, CLUSTERS, hostPort);
  return clusterAddress(hostPort, context);
}
