import type { Description, RunOf } from "../../command.ts";
import {
  BATCH,
  flag,
  IGNORE,
  JOBS,
  JSON_OUTPUT,
  KEYS,
  OUTPUT,
  SELECTORS,
  THRESHOLD,
  TYPES,
  text,
  YES,
} from "../../options.ts";

export const ENCRYPT = {
  usage: "encrypt [files..]",
  summary: "encrypt files, or standard input",
  options: {
    ...OUTPUT,
    ...TYPES,
    ...KEYS,
    ...SELECTORS,
    ...THRESHOLD,
    ...BATCH,
    ...YES,
    update: text("encrypted version to start from: what did not change keeps its ciphertext"),
    check: flag(
      "only say which files are not encrypted, or not as their rule has it; exit 1 if there are any",
    ),
    "encrypt-twice": flag("encrypt also what holds ciphertexts and no metadata: they become its values"),
    ...JSON_OUTPUT,
    ...IGNORE,
    ...JOBS,
  },
  examples: [
    ["tsops encrypt -i secrets.yaml", "encrypt in place, with the keys of the matching creation rule"],
    ["tsops encrypt --age age1… < a.json --filename-override a.json", "from standard input"],
    ["tsops encrypt -i --key awskms://arn:… --key env://MASTER a.yaml", "for keys of any kind"],
    ["tsops encrypt --update old.enc.yaml new.yaml", "only what changed gets a new ciphertext"],
  ],
} as const satisfies Description;

export type EncryptRun = RunOf<typeof ENCRYPT>;
