import type { Description, RunOf } from "../../command.ts";
import { IGNORE, JOBS, JSON_OUTPUT, TYPES } from "../../options.ts";

export const DOCTOR = {
  usage: "doctor [files..]",
  summary: "say which keys files need, and which of them this machine can use, without decrypting",
  options: { "input-type": TYPES["input-type"], ...JSON_OUTPUT, ...IGNORE, ...JOBS },
  examples: [
    ["tsops doctor secrets.yaml", "credentials, region, permission and network for each of its keys"],
    ["tsops doctor", "the same for the keys that the configuration names"],
  ],
} as const satisfies Description;

export type DoctorRun = RunOf<typeof DOCTOR>;
