import { type Purpose, withoutSecrets } from "../programs/secret-variables.ts";
import { once } from "./cache.ts";
import type { KeyContext, KeyGroup } from "./kind.ts";

/** What the programs that are run for keys get of the environment. */

/** Variables that hold master keys which files, rules or options name: programs do not get them. */
export function secretVariables(context: KeyContext): Set<string> {
  return once(context, "secret variables", () => new Set());
}

/** Notes the variables that hold keys of these groups, whichever of the keys is then used. */
export function keepFromPrograms(groups: readonly KeyGroup[], context: KeyContext): void {
  for (const key of groups.flat()) {
    const variable = context.kinds.kindOf(key).variableOf?.(key.id);
    if (variable !== undefined) secretVariables(context).add(variable);
  }
}

/** The environment for a program: the context's, without what a program for that purpose does not need. */
export async function environmentFor(
  context: KeyContext,
  purpose: Purpose,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string | undefined>> {
  const masters = [...secretVariables(context), ...((await context.masterVariables?.()) ?? [])];
  return { ...withoutSecrets(context.env, purpose, context.kinds.all, masters), ...more };
}
