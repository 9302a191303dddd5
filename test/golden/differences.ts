/**
 * Where tsops differs from SOPS on purpose, with the reason. Only the steps named here (from 1) may differ, and a step
 * that differs no more must be taken off the list: the test fails until it is.
 */
export interface Difference {
  readonly steps: readonly number[];
  readonly reason: string;
}

export const DIFFERENCES: ReadonlyMap<string, Difference> = new Map<string, Difference>([]);
