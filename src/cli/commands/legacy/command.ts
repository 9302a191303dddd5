import type { Description, RunOf } from "../../command.ts";
import {
  ADD_REMOVE,
  flag,
  hidden,
  IGNORE_MAC,
  KEYS,
  ON_SCREEN,
  OUTPUT,
  SELECTORS,
  SHOW_KEYS,
  THRESHOLD,
  TYPES,
  text,
  YES,
} from "../../options.ts";

/** SOPS's old style, without a command: `tsops -d file`, or `tsops file` to edit. */
export const LEGACY = {
  usage: "$0 [files..]",
  summary: "edit a file; or SOPS's old style: -e, -d, -r, --set",
  options: hidden({
    encrypt: flag("encrypt", { alias: "e" }),
    decrypt: flag("decrypt", { alias: "d" }),
    rotate: flag("rotate", { alias: "r" }),
    set: text("set a value: '[\"key\"] JSON'"),
    extract: text("only this part"),
    ...OUTPUT,
    ...TYPES,
    ...KEYS,
    ...SELECTORS,
    ...THRESHOLD,
    ...ADD_REMOVE,
    ...IGNORE_MAC,
    ...SHOW_KEYS,
    ...ON_SCREEN,
    ...YES,
  }),
} as const satisfies Description;

export type LegacyRun = RunOf<typeof LEGACY>;
