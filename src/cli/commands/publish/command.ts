import type { Description, RunOf } from "../../command.ts";
import { BATCH, flag, JOBS, TYPES, YES } from "../../options.ts";

export const PUBLISH = {
  usage: "publish <files..>",
  summary: "put encrypted files where the configuration's destinations say",
  options: {
    ...YES,
    ...BATCH,
    recursive: flag("publish every encrypted file below a folder, under its path there"),
    "omit-extensions": flag("leave the extensions out of the names there"),
    "input-type": TYPES["input-type"],
    ...JOBS,
  },
  examples: [
    ["tsops publish secrets.yaml", "asks before it uploads"],
    ["tsops publish --recursive --dry-run prod/", "what would go where; nothing is sent"],
    ["tsops publish -y --recursive prod/", "a whole folder; what did not change is left alone"],
  ],
} as const satisfies Description;

export type PublishRun = RunOf<typeof PUBLISH>;
