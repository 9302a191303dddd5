import { readFileSync } from "node:fs";
import { isThere, placeFor } from "../agent/place.ts";
import { userConfigPath } from "../config/user-path.ts";
import { TsopsError } from "../errors.ts";
import type { Keeper } from "../keys/kind.ts";
import type { Wish } from "./agent.ts";
import type { Run } from "./command.ts";
import { homeOf, type Io } from "./io.ts";

/*
 * Whether this run uses the agent. It is asked at every run, so this looks at two places on the disk, and loads nothing
 * where there is no agent.
 */

/** What the agent keeps; undefined where none runs and none is to be started, or the person wants none. */
export async function keeperFor(run: Run, warn: (message: string) => void): Promise<Keeper | undefined> {
  const wish = wishOf(run);
  if (process.platform === "win32" || wish === "off") return undefined;
  const place = placeFor(run.io.env);
  const starts = wish === "on" || configured(run.io);
  if (!starts && !isThere(place)) return undefined;
  const { agentKeeper } = await import("./agent.ts");
  return await agentKeeper(run, { place, wish, warn });
}

function wishOf({ args, io }: Run): Wish {
  if (args["no-agent"]) return "off";
  const word = io.env.TSOPS_AGENT;
  if (word === undefined || word === "") return undefined;
  if (word === "on" || word === "off") return word;
  throw new TsopsError("usage", "TSOPS_AGENT is neither on nor off", {
    hint: "off does without the agent; on starts one if none runs",
  });
}

/** Whether the user's own configuration may say something of the agent: most have none, and reading it takes long. */
function configured(io: Io): boolean {
  const path = userConfigPath(io.env, homeOf(io));
  if (path === undefined) return false;
  try {
    return readFileSync(path).includes("agent");
  } catch {
    // whoever needs it says what is wrong
    return false;
  }
}
