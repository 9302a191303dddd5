import type { Description, RunOf } from "../../command.ts";
import { IGNORE_MAC, KEYS, ON_SCREEN, SELECTORS, SHOW_KEYS, THRESHOLD, TYPES, YES } from "../../options.ts";

export const EDIT = {
  usage: "edit <file>",
  summary: "edit a file, in your editor or in the terminal, and encrypt what changed",
  options: {
    ...TYPES,
    ...KEYS,
    ...SELECTORS,
    ...THRESHOLD,
    ...IGNORE_MAC,
    ...SHOW_KEYS,
    ...YES,
    ...ON_SCREEN,
  },
  examples: [
    ["tsops edit --tui secrets.yaml", "in the terminal, without a plaintext file"],
    ["EDITOR='code --wait' tsops edit secrets.yaml", "with an editor of your choice"],
  ],
} as const satisfies Description;

export type EditRun = RunOf<typeof EDIT>;
