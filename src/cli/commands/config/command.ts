import type { Description, RunOf } from "../../command.ts";
import { JSON_OUTPUT } from "../../options.ts";

export const CONFIG = {
  usage: "config",
  summary: "explain or check the configuration",
  options: {},
  notes: async () => (await import("../../../config/help.ts")).fieldsHelp(),
} as const satisfies Description;

export type ConfigRun = RunOf<typeof CONFIG>;

export const CONFIG_EXPLAIN = {
  usage: "explain <files..>",
  summary: "which rule a file gets, why not the others, and for whom it is encrypted",
  options: { ...JSON_OUTPUT },
  examples: [["tsops config explain prod/db.yaml", "works for files that do not exist yet"]],
} as const satisfies Description;

export type ConfigExplainRun = RunOf<typeof CONFIG_EXPLAIN>;

export const CONFIG_CHECK = {
  usage: "check",
  summary: "check the configuration file",
  options: { ...JSON_OUTPUT },
  examples: [["tsops config check", "exit 1 if something is wrong"]],
} as const satisfies Description;

export type ConfigCheckRun = RunOf<typeof CONFIG_CHECK>;
