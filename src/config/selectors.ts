import { TsopsError } from "../errors.ts";
import { SELECTOR_KINDS, type Selector, type SelectorKind } from "../sops/selection.ts";
import type { Rule } from "./model.ts";

/**
 * The selector for a new file: a flag wins over the same option of the rule (SPEC section 7). Undefined if neither
 * gives one. Empty flags count as not given.
 * @throws TsopsError("conflicting-parameters"), exit code 8, if two different ones come together.
 */
export function chooseSelector(
  rule: Pick<Rule, "selectors"> | undefined,
  flags: Readonly<Partial<Record<SelectorKind, string>>> = {},
): Selector | undefined {
  const chosen = SELECTOR_KINDS.flatMap((kind): Selector[] => {
    const value = flags[kind] || rule?.selectors.find((selector) => selector.kind === kind)?.value;
    return value ? [{ kind, value }] : [];
  });
  if (chosen.length > 1) {
    const names = chosen.map(({ kind }) => kind).join(" and ");
    throw new TsopsError("conflicting-parameters", `${names} cannot be used together`, {
      hint: "give one of them, on the command line or in the creation rule",
    });
  }
  return chosen[0];
}
