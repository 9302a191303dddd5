import type { Description, RunOf } from "../../command.ts";
import { ADD_REMOVE, IGNORE_MAC, KEYS, OUTPUT, TYPES, UPDATE_SELECTOR, YES } from "../../options.ts";

export const ROTATE = {
  usage: "rotate [files..]",
  summary: "make a new data key, and add or remove master keys",
  options: {
    ...OUTPUT,
    ...TYPES,
    ...ADD_REMOVE,
    ...UPDATE_SELECTOR,
    ...IGNORE_MAC,
    ...YES,
    "encryption-context": KEYS["encryption-context"],
  },
  examples: [
    ["tsops rotate -i --rm-age age1… secrets.yaml", "remove a person's key"],
    ["tsops rotate -i --add-key gcpkms://projects/… --rm-key pgp:D2FD… *.yaml", "keys of any kind"],
  ],
} as const satisfies Description;

export type RotateRun = RunOf<typeof ROTATE>;
