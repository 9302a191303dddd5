import type { Description, RunOf } from "../../command.ts";
import { IGNORE, JOBS, JSON_OUTPUT, text } from "../../options.ts";

export const RECIPIENTS = {
  usage: "recipients [files..]",
  summary: "say who can read which files",
  options: {
    "who-can-read": text(
      'only who can read this: a file, a folder, a pattern, or a value by its key or path (password, db.password, ["db"]["password"])',
    ),
    "files-of": text("only the files that this recipient can read: a name, a group, a URI or an identifier"),
    ...JSON_OUTPUT,
    ...IGNORE,
    ...JOBS,
  },
  examples: [
    ["tsops recipients", "each recipient of the repository, or of this folder, with its files; needs no key"],
    ["tsops recipients --who-can-read config/prod.yaml", "the other way round"],
    ["tsops recipients --who-can-read DB_PASSWORD", "in whatever file there is such a value"],
    ["tsops recipients --files-of alice config/", "what alice can read there"],
  ],
} as const satisfies Description;

export type RecipientsRun = RunOf<typeof RECIPIENTS>;
