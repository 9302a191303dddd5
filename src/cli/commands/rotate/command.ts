import type { Description, RunOf } from "../../command.ts";
import {
  ADD_REMOVE,
  IGNORE,
  IGNORE_MAC,
  JOBS,
  KEYS,
  OUTPUT,
  TYPES,
  text,
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
    ...YES,
    "encryption-context": KEYS["encryption-context"],
    ...IGNORE,
    ...JOBS,
  },
  examples: [
    ["tsops rotate -i --rm-age age1… secrets.yaml", "remove a person's key"],
    ["tsops rotate -i --older-than 90d config/", "what was not rotated or changed for 90 days"],
    ["tsops rotate -i --add-key gcpkms://projects/… --rm-key pgp:D2FD… *.yaml", "keys of any kind"],
  ],
} as const satisfies Description;

export type RotateRun = RunOf<typeof ROTATE>;
