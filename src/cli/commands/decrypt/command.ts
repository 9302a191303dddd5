import type { Description, RunOf } from "../../command.ts";
import {
  BATCH,
  DOCUMENT,
  flag,
  IGNORE,
  IGNORE_MAC,
  JOBS,
  JSON_OUTPUT,
  OUTPUT,
  TYPES,
  text,
} from "../../options.ts";

export const DECRYPT = {
  usage: "decrypt [files..]",
  summary: "decrypt files, or standard input",
  options: {
    ...OUTPUT,
    ...TYPES,
    ...IGNORE_MAC,
    ...BATCH,
    extract: text('only this part, e.g. \'["db"]["password"]\''),
    ...DOCUMENT,
    ...JSON_OUTPUT,
    ...IGNORE,
    ...JOBS,
    check: flag("decrypt, and write nothing: exit 1 if a file does not open, or its MAC or seal is wrong"),
  },
  examples: [
    ["tsops decrypt secrets.yaml", "show the plaintext"],
    ['tsops decrypt --extract \'["db"]["password"]\' secrets.yaml', "one value"],
    ["tsops decrypt --output plain/ config/", "every encrypted file below a folder"],
    ["tsops decrypt --check config/", "does everything open, and has nobody changed it?"],
  ],
} as const satisfies Description;

export type DecryptRun = RunOf<typeof DECRYPT>;
