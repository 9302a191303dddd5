import { DURATION_WORDS, durationMs } from "../duration.ts";
import { TsopsError } from "../errors.ts";
import type { Limits } from "./store.ts";

/** As much as the options, or else the configuration, say; the rest by default. */
export const DEFAULT_IDLE = "15m";
export const DEFAULT_TOTAL = "8h";
const LONGEST = "7d";

/** @throws TsopsError("usage") that names the one which is no time, or too long. */
export function parseLimits(given: { readonly idle?: string; readonly total?: string }): Limits {
  return {
    idle: limit("idle", given.idle ?? DEFAULT_IDLE),
    total: limit("total", given.total ?? DEFAULT_TOTAL),
  };
}

function limit(name: string, text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined && ms <= durationMs(LONGEST)!) return ms;
  throw new TsopsError(
    "usage",
    `the ${name} time of the agent must be ${DURATION_WORDS}, and at most ${LONGEST}`,
    {
      hint: "say it with --idle and --total, or under agent in your own configuration (docs/agent.md)",
    },
  );
}
