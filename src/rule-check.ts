import { dirname, resolve } from "node:path";
import {
  type Compared,
  type Drift,
  driftError,
  driftFrom,
  protectedBy,
  protectionOf,
} from "./config/drift.ts";
import { Configurations } from "./config/find.ts";
import { matchingRule } from "./config/match.ts";
import { TsopsError } from "./errors.ts";

/** The library's comparison of files with their creation rules. */

export interface RuleOptions {
  /** Path of the configuration; `false`: none; undefined: it is searched for from the file's folder upwards. */
  readonly config?: string | false;
  readonly acceptDrift?: boolean;
}

/** How a file differs from its creation rule; an error of the configuration counts when the file is to be changed. */
export async function driftOfFile(
  path: string,
  file: Compared,
  { config: option, acceptDrift }: RuleOptions,
): Promise<Drift | TsopsError | undefined> {
  if (option === false || acceptDrift) return undefined;
  const at = resolve(path);
  try {
    const { config } = await new Configurations({ cwd: dirname(at), env: {}, option }).load(at);
    const rule = config && (await matchingRule(config, at));
    return rule && driftFrom(protectionOf(rule), protectedBy(file));
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
}

/** @throws TsopsError("recipients-changed" | "selectors-changed" | "config") unless the caller accepts the difference. */
export function refuseDrift(drift: Drift | TsopsError | undefined, { acceptDrift }: RuleOptions): void {
  if (drift === undefined || acceptDrift) return;
  if (drift instanceof TsopsError) throw drift;
  const orAccept = "or use acceptDrift if it is right";
  throw driftError(drift, {
    recipients: `bring the file in line with tsops updatekeys, ${orAccept}`,
    selector: `bring the file in line with tsops updatekeys --update-selector, ${orAccept}`,
  });
}
