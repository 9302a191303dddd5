import type { Description, RunOf } from "../../command.ts";
import {
  ADD_REMOVE,
  flag,
  IGNORE,
  IGNORE_MAC,
  JOBS,
  JSON_OUTPUT,
  KEYS,
  OUTPUT,
  TYPES,
  text,
  texts,
  UPDATE_SELECTOR,
  YES,
} from "../../options.ts";

export const ROTATE = {
  usage: "rotate [files..]",
  summary: "make a new data key, and add or remove master keys",
  options: {
    ...OUTPUT,
    ...TYPES,
    ...ADD_REMOVE,
    ...UPDATE_SELECTOR,
    ...IGNORE_MAC,
    "older-than": text(
      "leave files as they are that were written at this time or later: RFC 3339, a day, or 90d, 12h, 4w ago",
    ),
    where: texts(
      "only files for which this holds: recipient=NAME (or a group, a URI, an identifier), older=90d (as --older-than)",
    ),
    plan: text(
      "write the list of files to this file first, and go on with what is left of it in another run",
    ),
    "dry-run": flag("say which files would be rotated, and rotate none; with --plan, the plan is written"),
    ...YES,
    ...JSON_OUTPUT,
    "encryption-context": KEYS["encryption-context"],
    ...IGNORE,
    ...JOBS,
  },
  examples: [
    ["tsops rotate -i --rm-age age1… secrets.yaml", "remove a person's key"],
    ["tsops rotate -i --older-than 90d config/", "what was not rotated or changed for 90 days"],
    ["tsops rotate -i --where recipient=bob --rm-key bob .", "take bob out of every file that he can read"],
    [
      "tsops rotate -i --where older=90d --plan rotation.json .",
      "a plan that an interrupted run goes on with",
    ],
    ["tsops rotate -i --add-key gcpkms://projects/… --rm-key pgp:D2FD… *.yaml", "keys of any kind"],
  ],
} as const satisfies Description;

export type RotateRun = RunOf<typeof ROTATE>;
