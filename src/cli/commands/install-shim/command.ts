import type { Description, RunOf } from "../../command.ts";
import { flag } from "../../options.ts";

export const INSTALL_SHIM = {
  usage: "install-shim <folder>",
  summary: "put a `sops` that is tsops into a folder, for programs that call sops",
  options: {
    force: flag("replace a `sops` that is there already"),
    uninstall: flag("remove it again"),
  },
  examples: [
    [
      "tsops install-shim ~/.local/bin",
      "helm-secrets, Ansible, vscode-sops, chezmoi, direnv … find it on PATH",
    ],
    ["tsops install-shim --uninstall ~/.local/bin", "they find SOPS again, if it is installed"],
  ],
} as const satisfies Description;

export type InstallShimRun = RunOf<typeof INSTALL_SHIM>;
