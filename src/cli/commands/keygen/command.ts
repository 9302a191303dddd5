import type { Description, RunOf } from "../../command.ts";
import { flag, text } from "../../options.ts";

export const KEYGEN = {
  usage: "keygen",
  summary: "make an age key, or a master key for a secret store",
  options: {
    output: text("write it to this file; never overwrites", { alias: "o" }),
    "post-quantum": flag("make a hybrid key that quantum computers cannot break", { alias: "pq" }),
    master: flag("make a master key to keep in a secret store (env://, vaultkv://, keywhiz://)"),
    key: text("with --master: wrap it with the key of this URI, which is then needed to use it"),
  },
  examples: [
    ["tsops keygen -o key.txt", "the recipient is printed"],
    ["tsops keygen --master --key awskms://arn:…", "what is printed is useless without that key"],
  ],
} as const satisfies Description;

export type KeygenRun = RunOf<typeof KEYGEN>;
