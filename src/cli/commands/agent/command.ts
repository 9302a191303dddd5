import type { Description, RunOf } from "../../command.ts";
import { flag, hidden, JSON_OUTPUT, text } from "../../options.ts";

export const AGENT = {
  usage: "agent",
  summary: "keep data keys and what passphrases opened in memory for a while, so that you are asked once",
  options: {},
} as const satisfies Description;

export type AgentRun = RunOf<typeof AGENT>;

export const AGENT_START = {
  usage: "start",
  summary: "start the agent in the background; the commands that open files find it by themselves",
  options: {
    idle: text("how long it keeps what nobody asks for, such as 15m (the default)"),
    total: text("how long it keeps anything at most, such as 8h (the default)"),
    "exit-when-idle": flag("end it when it has held nothing, and nobody has asked, for the idle time"),
    foreground: flag("stay in the foreground until a signal comes, for systemd and launchd"),
    ...hidden({ "serve-in": text("the folder of the socket, for an agent that this command starts") }),
  },
  examples: [
    ["tsops agent start", "the default times"],
    ["tsops agent start --idle 1h --total 10h", "for a working day"],
  ],
} as const satisfies Description;

export type AgentStartRun = RunOf<typeof AGENT_START>;

export const AGENT_STATUS = {
  usage: "status",
  summary: "what the agent holds, and for how long; exit 1 if none runs",
  options: { ...JSON_OUTPUT },
} as const satisfies Description;

export type AgentStatusRun = RunOf<typeof AGENT_STATUS>;

export const AGENT_CLEAR = {
  usage: "clear",
  summary: "have the agent forget all that it holds; it goes on running",
  options: {},
} as const satisfies Description;

export const AGENT_STOP = {
  usage: "stop",
  summary: "have the agent forget all that it holds, and end",
  options: {},
} as const satisfies Description;

export type AgentEndRun = RunOf<typeof AGENT_STOP>;
