import type { Description, RunOf } from "../../command.ts";
import { flag, IGNORE, TYPES } from "../../options.ts";

export const FILESTATUS = {
  usage: "filestatus <files..>",
  summary: "say as JSON whether a file is encrypted, or which of several are",
  options: { "input-type": TYPES["input-type"], json: flag("accepted: it is always JSON"), ...IGNORE },
} as const satisfies Description;

export type FilestatusRun = RunOf<typeof FILESTATUS>;
