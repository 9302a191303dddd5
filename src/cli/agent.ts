import { AgentKeeper, askAgent } from "../agent/client.ts";
import { parseLimits } from "../agent/limits.ts";
import { isThere, type Place } from "../agent/place.ts";
import { type AgentSettings, userConfig } from "../config/user.ts";
import { TsopsError } from "../errors.ts";
import type { Keeper } from "../keys/kind.ts";
import type { Run } from "./command.ts";
import { homeOf, type Io } from "./io.ts";

export interface Wanted {
  readonly place: Place;
  readonly wish: Wish;
  readonly warn: (message: string) => void;
}

/** On: one is started if none runs. Undefined: the configuration says. */
export type Wish = "on" | "off" | undefined;

/** The agent as a run uses it. */
export async function agentKeeper(
  { io }: Pick<Run, "io">,
  { place, wish, warn }: Wanted,
): Promise<Keeper | undefined> {
  const settings = await settingsOf(io).catch((error: unknown) => {
    if (!(error instanceof TsopsError)) throw error;
    warn(`${error.message}: no agent is started`);
    return undefined;
  });
  if (!settings || !(wish === "on" || settings.start)) {
    return isThere(place) ? new AgentKeeper({ place, warn }) : undefined;
  }
  const { idle, total } = settings;
  const start = () => startInBackground(place, { idle, total, exitWhenIdle: true });
  return new AgentKeeper({ place, warn, start });
}

/** What the user's own configuration says of the agent. @throws TsopsError("config") */
export async function settingsOf(io: Io): Promise<AgentSettings> {
  return (await userConfig(io.env, homeOf(io))).agent;
}

export interface Background {
  readonly idle?: string;
  readonly total?: string;
  readonly exitWhenIdle: boolean;
}

/** Starts an agent that outlives this process, and waits until it listens. @throws TsopsError if it does not. */
export async function startInBackground(
  place: Place,
  { idle, total, exitWhenIdle }: Background,
): Promise<void> {
  parseLimits({ idle, total });
  const { programOf, startDetached } = await import("../agent/detached.ts");
  const starting = startDetached([
    ...programOf(process),
    ...["agent", "start", "--foreground", "--serve-in", place.folder],
    ...(idle === undefined ? [] : ["--idle", idle]),
    ...(total === undefined ? [] : ["--total", total]),
    ...(exitWhenIdle ? ["--exit-when-idle"] : []),
  ]);
  await starting.catch(async (error: unknown) => {
    // of two that start one at once, one is second
    if (!(await askAgent(place, { op: "status" }).catch(() => undefined))) throw error;
  });
}
