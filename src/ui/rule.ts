import { compileSelector, type Selector } from "../sops/selection.ts";
import type { State } from "./state/state.ts";

/** What the creation rule wants encrypted, where that is not what the file's own selector says. */
export async function matchSelection(
  rule: Selector | undefined,
  own: Selector | undefined,
): Promise<State["wanted"]> {
  if (!rule || !own || (rule.kind === own.kind && rule.value === own.value)) return undefined;
  const selection = await compileSelector(rule);
  return ({ reading }) => selection(reading.entries);
}
