import type { Description, RunOf } from "../../command.ts";
import { ON_SCREEN } from "../../options.ts";

export const UI = {
  usage: "ui [folder]",
  summary: "choose an encrypted file of the repository and edit it in the terminal",
  options: { linear: ON_SCREEN.linear, "no-reveal": ON_SCREEN["no-reveal"] },
  examples: [["tsops ui secrets", "the files of a folder, with what is to be said of them"]],
} as const satisfies Description;

export type UiRun = RunOf<typeof UI>;
