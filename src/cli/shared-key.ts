import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import type { Rule } from "../config/model.ts";
import type { Recipients, Session, SharedKey } from "../document.ts";
import { keepForRun, once } from "../keys/cache.ts";
import { DATA_KEY_BYTES, wrapDataKey } from "../keys/groups.ts";

/*
 * Files share one data key where their creation rule says `share_data_key`: each holds it wrapped in the same way, so that
 * whoever reads all of them has a key service unwrap it once (docs/keys.md). Only files that are encrypted or rotated in
 * one run get the same: a key that another file has may have been made by somebody who knows it.
 */

/**
 * The new data key that the files of a folder or a rule get in this run, if the rule has them share one.
 * @param path of the file, which decides about the folder.
 * @param recipients whom it is for: files that are for others get another one.
 */
export async function sharedKey(
  rule: Rule | undefined,
  path: string,
  recipients: Recipients,
  session: Session,
): Promise<SharedKey | undefined> {
  if (!rule?.shareDataKey) return undefined;
  const { groups, threshold } = recipients;
  const place = rule.shareDataKey === "folder" ? dirname(path) : "";
  const name = `shared data key ${JSON.stringify([rule.place, place])} ${whomFor(recipients)}`;
  return await once(session.context, name, async () => {
    const dataKey = randomBytes(DATA_KEY_BYTES);
    keepForRun(session.context, name, dataKey);
    return { dataKey, groups: await wrapDataKey(dataKey, groups, threshold, session) };
  });
}

/** The same text for the same people. */
export function whomFor({ groups, threshold }: Recipients): string {
  return JSON.stringify([groups.map((group) => group.map(({ kind, id }) => [kind, id])), threshold]);
}
