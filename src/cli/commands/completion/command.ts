import type { Description, RunOf } from "../../command.ts";

export const COMPLETION = {
  usage: "completion [shell]",
  summary: "print a completion script for bash, zsh or fish",
  options: {},
  examples: [["source <(tsops completion bash)", "in ~/.bashrc"]],
} as const satisfies Description;

export type CompletionRun = RunOf<typeof COMPLETION>;
