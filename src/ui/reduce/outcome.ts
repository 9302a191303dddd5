import type { Result, State } from "../state/state.ts";

/** What becomes of the state: without effects, where nothing is to be done outside. */
export type Outcome = State | Result;

export function resultOf(outcome: Outcome): Result {
  return isResult(outcome) ? outcome : [outcome, []];
}

function isResult(outcome: Outcome): outcome is Result {
  return Array.isArray(outcome);
}
