import { TsopsError } from "../errors.ts";
import { DEFAULT_SELECTOR, SELECTOR_KINDS, type Selector, type SelectorKind } from "../sops/selection.ts";
import type { PlacedSelector, Rule } from "./model.ts";
import { compile } from "./pattern.ts";
import { configError } from "./problem.ts";

/**
 * The selector for a new file: a flag wins over the same option of the rule (docs/internals/sops.md §7). Undefined if
 * neither gives one. Empty flags count as not given.
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

/** The selector that a rule's new files get. */
export function selectorOf(rule: Pick<Rule, "selectors">): Selector {
  return rule.selectors[0] ?? DEFAULT_SELECTOR;
}

export const EXPRESSION_HINT = "correct it; RE2 has no look-ahead and no back-references";

/** The selectors of a rule whose expressions are none, with the reason. */
export async function invalidSelectors({
  selectors,
}: Pick<Rule, "selectors">): Promise<(PlacedSelector & { readonly why: string })[]> {
  const invalid: (PlacedSelector & { readonly why: string })[] = [];
  for (const selector of selectors) {
    if (!selector.kind.endsWith("_regex")) continue;
    const compiled = await compile(selector.value);
    if ("why" in compiled) invalid.push({ ...selector, why: compiled.why });
  }
  return invalid;
}

/** What is wrong with the expressions of a rule of a `.sopsrc`: a secret would stay plain. */
export async function selectorErrors(rule: Rule, what: string): Promise<TsopsError[]> {
  return (await invalidSelectors(rule)).map(({ kind, place, why }) =>
    configError(`${kind} of ${what} is not a valid regular expression (${why})`, place, EXPRESSION_HINT),
  );
}
