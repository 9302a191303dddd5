import type { Description, RunOf } from "../../command.ts";
import { flag, TYPES } from "../../options.ts";

export const FILESTATUS = {
  usage: "filestatus <file>",
  summary: "say as JSON whether a file is encrypted",
  options: { "input-type": TYPES["input-type"], json: flag("accepted: it is always JSON") },
} as const satisfies Description;

export type FilestatusRun = RunOf<typeof FILESTATUS>;
