import type { Description, RunOf } from "../../command.ts";

export const INIT = {
  usage: "init [patterns..]",
  summary:
    "make an age key where you have none, and a .sopsrc for this folder where there is no configuration",
  options: {},
  examples: [
    ["tsops init", "for files called secrets.*, *.enc.*, .env and the like; never overwrites anything"],
    ["tsops init 'config/*.yaml'", "for these files"],
    ["tsops init", "in a clone that has a configuration: makes your key, and says how to get access"],
  ],
} as const satisfies Description;

export type InitRun = RunOf<typeof INIT>;
