import { closeInherited, keepOutOfCoreFiles, report } from "../../../agent/detached.ts";
import { parseLimits } from "../../../agent/limits.ts";
import type { Place } from "../../../agent/place.ts";
import { type RunningAgent, startAgent } from "../../../agent/server.ts";
import { TsopsError } from "../../../errors.ts";
import { endingSignals, takeSignals } from "../../../files/wayout.ts";
import { printable } from "../../../printable.ts";
import type { Background } from "../../agent.ts";
import { note } from "../../report.ts";
import type { AgentStartRun } from "./command.ts";

/** Serves in this process until a signal or a client ends it. */
export async function serve(run: AgentStartRun, place: Place, times: Background): Promise<number> {
  const inBackground = run.args["serve-in"] !== undefined;
  keepOutOfCoreFiles();
  if (inBackground) closeInherited();
  try {
    const { exitWhenIdle } = times;
    const agent = await startAgent({ place, limits: parseLimits(times), exitWhenIdle });
    // no folder is kept from being removed or unmounted
    process.chdir("/");
    if (inBackground) report();
    else await note(run.io, `the agent listens on ${printable(place.socket)}`);
    await untilEnd(agent);
    return 0;
  } catch (error) {
    if (!inBackground) throw error;
    report(error instanceof TsopsError ? error : new TsopsError("program-failed", "for an unforeseen cause"));
    return 1;
  }
}

/** It is stopped by signals; the terminal that it was started from may go. */
async function untilEnd(agent: RunningAgent): Promise<void> {
  const release = takeSignals(endingSignals(), () => void agent.stop());
  await agent.ended;
  release();
}
