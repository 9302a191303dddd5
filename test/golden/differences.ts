/**
 * Where tsops differs from SOPS on purpose, with the reason. Only the steps named here (from 1) may differ, and a step
 * that differs no more must be taken off the list: the test fails until it is.
 */
export interface Difference {
  readonly steps: readonly number[];
  readonly reason: string;
}

export const DIFFERENCES: ReadonlyMap<string, Difference> = new Map<string, Difference>([
  [
    "err-lastmodified-unquoted",
    {
      steps: [1],
      reason:
        "rops, yq and prettier write it so: the text is the same, and the MAC says whether it was changed",
    },
  ],
  [
    "json-trailing-garbage",
    {
      steps: [2, 3, 4],
      reason: "text behind the root object would be dropped, or stay readable: it is refused",
    },
  ],
  ["cli-set-bigint", { steps: [2, 3], reason: "an integer that is set stays one: SOPS makes a float of it" }],
  [
    "cli-set-ini-int",
    { steps: [2, 3], reason: "an integer that is set stays one: SOPS makes a float of it" },
  ],
  [
    "cli-set-bignum-map",
    { steps: [2], reason: "numbers that are set keep the spelling that they were given in" },
  ],
  ["cli-set-list", { steps: [1, 2, 3], reason: "a list can be set as a whole" }],
  [
    "opt-unencrypted-comment-clash",
    {
      steps: [2, 3, 4],
      reason:
        "a global flag before the subcommand is honoured, so the expression counts, and it matches its own ciphertexts",
    },
  ],
  [
    "cli-input-type",
    { steps: [3], reason: "a file whose name says nothing is read as what its content says" },
  ],
  [
    "cli-filename-override",
    {
      steps: [3],
      reason: "a file that is not of the format that its name says is read as what its content says",
    },
  ],
]);
