import type { Description, RunOf } from "../../command.ts";
import { flag, JSON_OUTPUT, REVEAL } from "../../options.ts";

export const DIFF = {
  usage: "diff [revisions..]",
  summary: "which entries and recipients of encrypted files changed, as git diff says which lines",
  options: {
    staged: flag("compare what is staged with HEAD, or with the revision", { alias: "cached" }),
    ...REVEAL,
    ...JSON_OUTPUT,
    summary: flag("print a list in Markdown without values, for a comment on a pull request"),
    "exit-code": flag("exit 1 if there are differences"),
    quiet: flag("print nothing, and exit 1 if there are differences"),
    "no-index": flag("compare two files with each other, even if they could be revisions"),
  },
  filesBehind: true,
  examples: [
    ["tsops diff", "what is not staged yet"],
    ["tsops diff --staged", "what the next commit changes"],
    ["tsops diff main...feature -- config/", "what a branch changed below a folder"],
    ["tsops diff --reveal HEAD~1 -- prod.yaml", "with the values"],
    ["tsops diff old.yaml new.yaml", "two files, with or without git"],
  ],
} as const satisfies Description;

export type DiffRun = RunOf<typeof DIFF>;
