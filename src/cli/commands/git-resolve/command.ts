import type { Description, RunOf } from "../../command.ts";
import { flag, number, text, YES } from "../../options.ts";

export const GIT_RESOLVE = {
  usage: "resolve <files..>",
  summary: "end the conflicts of a merge: in your editor, or by taking one side",
  options: {
    ours: flag("take our side of the conflicts"),
    theirs: flag("take the other side of the conflicts"),
    base: flag("take what stood there before both sides changed it"),
    path: text('only the conflict at this place, such as \'["db"]["password"]\', with one of the three'),
    document: number(
      "the document that --path is in, counted from 0; needed if several have a conflict there",
    ),
    ...YES,
  },
  examples: [
    ["tsops git resolve secrets.yaml", "opens the plaintext with git's conflict markers in your editor"],
    ['tsops git resolve --theirs --path \'["db"]["password"]\' secrets.yaml', "one value of the other side"],
  ],
} as const satisfies Description;

export type GitResolveRun = RunOf<typeof GIT_RESOLVE>;
