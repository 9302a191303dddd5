import type { Description, RunOf } from "../../command.ts";
import { KEYS, OUTPUT, THRESHOLD, text, YES } from "../../options.ts";

export const GROUPS = {
  usage: "groups",
  summary: "add or delete a file's key groups",
  options: {},
} as const satisfies Description;

export type GroupsRun = RunOf<typeof GROUPS>;

export const GROUPS_ADD = {
  usage: "add",
  summary: "add a key group",
  options: {
    file: text("the file", { alias: "f" }),
    "in-place": OUTPUT["in-place"],
    ...KEYS,
    ...THRESHOLD,
    ...YES,
  },
  examples: [["tsops groups add -i -f secrets.yaml --age age1…", "a second group"]],
} as const satisfies Description;

export type GroupsAddRun = RunOf<typeof GROUPS_ADD>;

export const GROUPS_DELETE = {
  usage: "delete [index]",
  summary: "delete a key group by its number, from 0: what is shown as Group 1 has the number 0",
  options: {
    file: text("the file", { alias: "f" }),
    "in-place": OUTPUT["in-place"],
    ...THRESHOLD,
    ...YES,
  },
  examples: [["tsops groups delete -i -f secrets.yaml 1", "the second group; asks before"]],
} as const satisfies Description;

export type GroupsDeleteRun = RunOf<typeof GROUPS_DELETE>;
