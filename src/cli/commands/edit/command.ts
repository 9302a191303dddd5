import type { Description, RunOf } from "../../command.ts";
import { IGNORE_MAC, KEYS, SELECTORS, SHOW_KEYS, THRESHOLD, TYPES, YES } from "../../options.ts";

export const EDIT = {
  usage: "edit <file>",
  summary: "open the plaintext in your editor and encrypt what changed",
  options: { ...TYPES, ...KEYS, ...SELECTORS, ...THRESHOLD, ...IGNORE_MAC, ...SHOW_KEYS, ...YES },
  examples: [["EDITOR='code --wait' tsops edit secrets.yaml", "with an editor of your choice"]],
} as const satisfies Description;

export type EditRun = RunOf<typeof EDIT>;
