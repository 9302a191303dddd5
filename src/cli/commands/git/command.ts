import type { Description, RunOf } from "../../command.ts";
import { number } from "../../options.ts";

export const GIT = {
  usage: "git",
  summary: "work with git: readable diffs, merges of encrypted files, a guard before each commit",
  options: {},
} as const satisfies Description;

export type GitRun = RunOf<typeof GIT>;

export const GIT_TEXTCONV = {
  usage: "textconv <file>",
  summary: "print a file's plaintext for git diff and git log; as it is, if it cannot be decrypted",
  options: {
    timeout: number("seconds after which the file is printed as it is; 20 by default"),
  },
  examples: [
    ["tsops git textconv secrets.yaml", "what git diff compares; git runs it"],
    ["TSOPS_DIFF=keys git diff", "values stay hidden, also on a shared screen"],
  ],
} as const satisfies Description;

export type GitTextconvRun = RunOf<typeof GIT_TEXTCONV>;
