import type { Description, RunOf } from "../../command.ts";
import { flag } from "../../options.ts";

export const ALLOW = {
  usage: "allow [file]",
  summary: "approve the servers, roles, profiles and plugins that a configuration names",
  options: {
    "dry-run": flag("only show what the configuration names"),
    list: flag("list the configurations that you approved"),
    revoke: flag("withdraw the approval"),
  },
  examples: [
    ["tsops allow --dry-run", "what the configuration of this folder names"],
    ["tsops allow", "approve it as it is; any change of the file withdraws that"],
    ["tsops allow /srv/app/.sops.yaml", "another one"],
  ],
} as const satisfies Description;

export type AllowRun = RunOf<typeof ALLOW>;
