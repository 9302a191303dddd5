import type { Description, RunOf } from "../../command.ts";
import { number, text } from "../../options.ts";

export const GIT_MERGE = {
  usage: "merge <base> <ours> <theirs>",
  summary: "merge three versions of an encrypted file entry by entry; git's merge driver",
  options: {
    path: text("the file's path in the repository: it says the format and the creation rule (%P)"),
    "marker-size": number("how long the markers of a conflict are where the file cannot be decrypted (%L)"),
    "base-label": text("what the base is called in a conflict (%S)"),
    "ours-label": text("what our side is called in a conflict (%X)"),
    "theirs-label": text("what the other side is called in a conflict (%Y)"),
    timeout: number("seconds after which the file is left in conflict; 60 by default"),
  },
  examples: [
    [
      "git config merge.tsops.driver 'tsops git merge %O %A %B --path=%P --marker-size=%L'",
      "tsops git install does this",
    ],
  ],
} as const satisfies Description;

export type GitMergeRun = RunOf<typeof GIT_MERGE>;
