import type { Description, RunOf } from "../../command.ts";
import { flag, JSON_OUTPUT, number, REVEAL, text, texts } from "../../options.ts";

export const LOG = {
  usage: "log [revisions..]",
  summary: "the commits that changed encrypted files, and what each changed in them",
  options: {
    patch: flag("show each entry that changed, not only how many", { alias: "p" }),
    ...REVEAL,
    ...JSON_OUTPUT,
    oneline: flag("one line for each commit"),
    "max-count": number("at most so many commits", { alias: "n" }),
    skip: number("leave out so many commits first"),
    since: text("commits newer than this, e.g. 2.weeks", { alias: "after" }),
    until: text("commits older than this", { alias: "before" }),
    author: texts("commits of authors that match"),
    grep: texts("commits whose message matches"),
    reverse: flag("the oldest commit first"),
    follow: flag("also from before the file was renamed; for one file"),
    all: flag("commits of all branches and tags"),
    "first-parent": flag("follow only the first parent of merges, and show what each merge changed"),
    "no-merges": flag("leave out merges"),
  },
  filesBehind: true,
  examples: [
    ["tsops log secrets.yaml", "who changed this file, when, and how much"],
    ["tsops log -p -n 3 -- secrets.yaml", "which entries the last three commits changed"],
    ["tsops log --since=1.month main..feature -- config/", "options of git log"],
  ],
} as const satisfies Description;

export type LogRun = RunOf<typeof LOG>;
