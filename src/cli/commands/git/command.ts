import type { Description, RunOf } from "../../command.ts";
import { flag, JSON_OUTPUT, number, text } from "../../options.ts";

export const GIT = {
  usage: "git",
  summary: "work with git: readable diffs, merges of encrypted files, a guard before each commit",
  options: {},
} as const satisfies Description;

export type GitRun = RunOf<typeof GIT>;

const INSTALLING = {
  global: flag("for all repositories of yours: only the drivers, in git's global configuration"),
  "dry-run": flag("say what would be changed, and change nothing"),
};

export const GIT_INSTALL = {
  usage: "install",
  summary:
    "set up the drivers for diffs and merges, the files that they are for, and the check before commits",
  options: {
    ...INSTALLING,
    attributes: text(
      "where the files are named: committed (.gitattributes, for everybody) or local (this clone only)",
    ),
    append: flag("put the check into a hook that is there already"),
    "no-guard": flag("leave hooks alone"),
    force: flag("replace settings that are not tsops's, and put its attributes behind others"),
    uninstall: flag("take everything away again, as tsops git uninstall"),
  },
  examples: [
    ["tsops git install", "in a repository; again after its creation rules changed"],
    ["tsops git install --dry-run", "what would be changed, and in which file"],
  ],
} as const satisfies Description;

export type GitInstallRun = RunOf<typeof GIT_INSTALL>;

export const GIT_UNINSTALL = {
  usage: "uninstall",
  summary: "take away what tsops git install set up",
  options: { ...INSTALLING },
} as const satisfies Description;

export type GitUninstallRun = RunOf<typeof GIT_UNINSTALL>;

export const GIT_STATUS = {
  usage: "status",
  summary: "what is set up and what is missing, cached plaintext, and files that a merge left in conflict",
  options: { ...JSON_OUTPUT },
  examples: [["tsops git status", "with the command that comes next"]],
} as const satisfies Description;

export type GitStatusRun = RunOf<typeof GIT_STATUS>;

export const GIT_TEXTCONV = {
  usage: "textconv <file>",
  summary: "print a file's plaintext for git diff and git log; as it is, if it cannot be decrypted",
  options: {
    timeout: number("seconds after which the file is printed as it is; 20 by default"),
  },
  examples: [
    ["tsops git textconv secrets.yaml", "what git diff compares; git runs it"],
    ["TSOPS_DIFF=keys git diff", "values stay hidden, also on a shared screen"],
  ],
} as const satisfies Description;

export type GitTextconvRun = RunOf<typeof GIT_TEXTCONV>;
