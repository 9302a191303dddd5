import type { Description, RunOf } from "../../command.ts";
import { flag, IGNORE, JOBS, JSON_OUTPUT, preset, type TextOption, text } from "../../options.ts";

/** It may stand alone. */
const MERGES: TextOption = {
  type: "string",
  describe: "also verify what merge commits put together, of all history or of a range of git's; needs a key",
};

export const CHECK = {
  usage: "check [files..]",
  summary: "find plaintext, differences from the rules, and secrets that stay readable",
  options: {
    staged: flag("look at what is staged in git instead of the files: for a pre-commit hook"),
    decrypt: flag("also verify MAC and seal of encrypted files; needs a key, and prints no value"),
    merges: MERGES,
    "older-than": text(
      "report files that were not rotated or changed since then: RFC 3339, a day, or 90d, 12h, 4w ago",
    ),
    deep: flag("also search what stays plain with secretlint's rules"),
    strict: flag("exit 1 for warnings, too"),
    baseline: text("file of known findings, which are not reported"),
    "write-baseline": flag("write what is found to the file that --baseline names, and exit 0"),
    output: preset("how to print the result: text, json or sarif", "text"),
    ...JSON_OUTPUT,
    ...IGNORE,
    ...JOBS,
  },
  failureExits: 2,
  examples: [
    ["tsops check", "all files below this folder; exit 1 if something is wrong"],
    ["tsops check --staged", "what the next commit would change"],
    ["tsops check --output sarif > tsops.sarif", "for GitHub's code scanning"],
    ["tsops check --baseline .tsops-baseline.json --write-baseline", "only new findings count from now on"],
  ],
  notes: async () => (await import("./rules-help.ts")).rulesHelp(),
} as const satisfies Description;

export type CheckRun = RunOf<typeof CHECK>;
