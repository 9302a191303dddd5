import type { Description, RunOf } from "../../command.ts";
import {
  IGNORE,
  JOBS,
  JSON_OUTPUT,
  LOOK_ONLY,
  THRESHOLD,
  TYPES,
  UPDATE_SELECTOR,
  YES,
} from "../../options.ts";

export const UPDATEKEYS = {
  usage: "updatekeys <files..>",
  summary: "give files the master keys that their creation rule names",
  options: {
    ...YES,
    ...LOOK_ONLY,
    ...UPDATE_SELECTOR,
    "input-type": TYPES["input-type"],
    ...THRESHOLD,
    ...JSON_OUTPUT,
    ...IGNORE,
    ...JOBS,
  },
  examples: [
    ["tsops updatekeys secrets.yaml", "shows the difference and asks"],
    ["tsops updatekeys --update-selector secrets.yaml", "the rule's selector, too"],
    ["tsops updatekeys -y config/*.yaml", "without asking"],
    ["tsops updatekeys --check .", "for CI: exit 1 if a file does not have the keys of its rule"],
  ],
} as const satisfies Description;

export type UpdatekeysRun = RunOf<typeof UPDATEKEYS>;
