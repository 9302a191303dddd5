import { aside } from "../net/clock.ts";
import { type Outcome, run } from "../programs/run.ts";
import { environmentFor } from "./environment.ts";
import type { KeyContext } from "./kind.ts";
import { prefixed } from "./reasons.ts";

/** A person may have to unlock a password store, or to confirm a login. */
const LIMIT_SECONDS = 120;

interface LoginProgram {
  readonly argv: readonly string[];
  /** For messages, which the caller may put together itself: where the program is named. */
  readonly named?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly limit?: number;
}

/**
 * Runs a program that gives credentials or identities. It has a limit of its own, after which it is stopped; what waits
 * for it does not lose time. @throws TsopsError if it cannot be started or takes too long.
 */
export async function runLogin(
  { argv, named, variables, limit = LIMIT_SECONDS }: LoginProgram,
  context: KeyContext,
): Promise<Outcome> {
  const env = await environmentFor(context, "logs in", variables);
  try {
    return await aside(context.cache, () => run({ argv, env, limit, signal: context.signal }));
  } catch (error) {
    throw named === undefined ? error : prefixed(error, named);
  }
}
