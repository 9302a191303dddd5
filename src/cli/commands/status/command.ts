import type { Description, RunOf } from "../../command.ts";
import { IGNORE, JOBS, JSON_OUTPUT } from "../../options.ts";

export const STATUS = {
  usage: "status [files..]",
  summary: "say of files how they are encrypted, for whom, since when, and whether as their rule has it",
  options: { ...JSON_OUTPUT, ...IGNORE, ...JOBS },
  examples: [
    ["tsops status", "all files of the repository, or of this folder; needs no key"],
    ["tsops status config/ '**/*.env'", "files, folders and patterns"],
    ["tsops status --json | jq -r '.files[] | select(.inLine == false).file'", "for scripts"],
  ],
} as const satisfies Description;

export type StatusRun = RunOf<typeof STATUS>;
