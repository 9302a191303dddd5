import { readStatus, type Status } from "../../../agent/answer.ts";
import { askAgent } from "../../../agent/client.ts";
import { type Place, placeFor, placeIn } from "../../../agent/place.ts";
import { removeSocket } from "../../../agent/safety.ts";
import { durationText } from "../../../duration.ts";
import { TsopsError } from "../../../errors.ts";
import { printable } from "../../../printable.ts";
import { settingsOf, startInBackground } from "../../agent.ts";
import type { Run } from "../../command.ts";
import { write, writeLines } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { note } from "../../report.ts";
import type { AgentEndRun, AgentRun, AgentStartRun, AgentStatusRun } from "./command.ts";

/** `agent`: the process that keeps what was unlocked (docs/agent.md). */
export async function agent(run: AgentRun): Promise<number> {
  await write(
    run.io.stdout,
    "tsops agent start|status|clear|stop: keep what you unlocked in memory; see tsops agent --help\n",
  );
  return 0;
}

export async function startAgent(run: AgentStartRun): Promise<number> {
  const { args, io } = run;
  const place = placeOf(run);
  const settings = args["serve-in"] === undefined ? await settingsOf(io) : undefined;
  const given = { idle: args.idle ?? settings?.idle, total: args.total ?? settings?.total };
  const exitWhenIdle = args["exit-when-idle"];
  if (args.foreground) {
    const { serve } = await import("./serve.ts");
    return await serve(run, place, { ...given, exitWhenIdle });
  }
  const running = await statusOf(place);
  if (running) {
    await note(io, `an agent runs already, as process ${running.pid}: it keeps its times`);
    return 0;
  }
  await startInBackground(place, { ...given, exitWhenIdle });
  const started = await statusOf(place);
  if (started) await note(io, `the agent runs as process ${started.pid}; \`tsops agent stop\` ends it`);
  return 0;
}

export async function agentStatus(run: AgentStatusRun): Promise<number> {
  const place = placeOf(run);
  const status = await statusOf(place);
  if (run.args.json) await writeJson(run.io, statusJson(status, place));
  else await writeLines(run.io.stdout, status ? statusLines(status, place) : [NONE]);
  return status ? 0 : 1;
}

export async function clearAgent(run: AgentEndRun): Promise<number> {
  return await tell(run, "clear");
}

/** One that cannot be spoken to loses its socket, so that nothing uses it, and the next one can start. */
export async function stopAgent(run: AgentEndRun): Promise<number> {
  try {
    return await tell(run, "stop");
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "service-failed") throw error;
    const place = placeOf(run);
    removeSocket(place);
    throw new TsopsError("service-failed", `${error.message}. Its socket is removed, and nothing uses it`, {
      hint: "it ends itself within half a minute; if it still runs then, end the process `tsops agent start`",
      cause: error,
    });
  }
}

const NONE = "no agent runs";

/** What is wanted is so where none runs, too. */
async function tell(run: Run, op: "clear" | "stop"): Promise<number> {
  const answer = await askAgent(placeOf(run), { op });
  if (!answer) await note(run.io, NONE);
  return 0;
}

function placeOf({ args, io }: Pick<AgentStartRun, "io"> & { args: object }): Place {
  if (process.platform === "win32") {
    throw new TsopsError(
      "usage",
      "there is no agent on Windows: sockets there cannot be closed to other users",
    );
  }
  const folder = "serve-in" in args && typeof args["serve-in"] === "string" ? args["serve-in"] : undefined;
  return folder === undefined ? placeFor(io.env) : placeIn(folder);
}

async function statusOf(place: Place): Promise<Status | undefined> {
  const answer = await askAgent(place, { op: "status" });
  return answer && readStatus(answer.head);
}

function statusLines(status: Status, { socket }: Place): string[] {
  const { pid, dataKeys, unlocked, idle, total, emptyIn } = status;
  const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
  const holds = dataKeys + unlocked > 0;
  return [
    `the agent runs as process ${pid}, on ${printable(socket)}`,
    holds
      ? `it holds ${many(dataKeys, "data key")}, and ${many(unlocked, "key")} that a passphrase opened`
      : "it holds nothing",
    ...(holds ? [`if nobody asks, all of that is gone in ${durationText(emptyIn)}`] : []),
    `things go when nobody asks for them for ${durationText(idle)}, and after ${durationText(total)} at most`,
  ];
}

function statusJson(status: Status | undefined, { socket }: Place) {
  const seconds = (ms: number | undefined): number | null =>
    ms === undefined ? null : Math.floor(ms / 1000);
  return {
    running: status !== undefined,
    socket,
    pid: status?.pid ?? null,
    dataKeys: status?.dataKeys ?? null,
    unlocked: status?.unlocked ?? null,
    idleSeconds: seconds(status?.idle),
    totalSeconds: seconds(status?.total),
    emptyInSeconds: seconds(status?.emptyIn),
  };
}
