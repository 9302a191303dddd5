import type { Description, RunOf } from "../../command.ts";
import { DOCUMENT, IGNORE_MAC, NO_THRESHOLD, TYPES, VALUE, YES } from "../../options.ts";

export const SET = {
  usage: "set <file> <index> [value]",
  summary: "set one value, given as JSON",
  options: { ...TYPES, ...VALUE, ...DOCUMENT, ...IGNORE_MAC, ...YES, ...NO_THRESHOLD },
  examples: [
    ['tsops set secrets.yaml \'["db"]["password"]\' \'"s3cret"\'', "a text is JSON, so it has quotes"],
    ["tsops set secrets.yaml '[\"token\"]'", "asks for the value without showing it"],
    [
      "openssl rand -base64 32 | tsops set --value-stdin --raw secrets.yaml '[\"key\"]'",
      "a text from a pipe",
    ],
  ],
} as const satisfies Description;

export type SetRun = RunOf<typeof SET>;

export const UNSET = {
  usage: "unset <file> <index>",
  summary: "remove one value",
  options: {
    ...TYPES,
    idempotent: VALUE.idempotent,
    ...DOCUMENT,
    ...IGNORE_MAC,
    ...YES,
    ...NO_THRESHOLD,
  },
  examples: [["tsops unset secrets.yaml '[\"users\"][0]'", "the first item of a list"]],
} as const satisfies Description;

export type UnsetRun = RunOf<typeof UNSET>;
