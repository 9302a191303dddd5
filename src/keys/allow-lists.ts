import { printable } from "../printable.ts";
import { allowedIn, holds, normal } from "./allow.ts";
import type { AllowedValues, AllowList, NamingKey } from "./allow-list.ts";
import { AZURE_STORAGE } from "./azure/allow.ts";
import type { KeyContext } from "./kind.ts";
import { KINDS, type Kind } from "./table.ts";

/** All lists (see allow.ts): those of the kinds of keys, and that of places to publish to. */
export const ALLOW_LISTS: readonly AllowList[] = [
  ...new Set([...KINDS.flatMap((kind) => kind.names ?? []), AZURE_STORAGE]),
];

type ListsOf<OneKind> = OneKind extends { names: readonly { name: infer Name extends string }[] }
  ? Name
  : never;

export type ListName = ListsOf<Kind> | typeof AZURE_STORAGE.name;

/** What may be used: a list of values for each kind of thing. */
export type Allow = { readonly [Name in ListName]: readonly string[] };

function eachList(values: (list: AllowList) => readonly string[]): Allow {
  return Object.fromEntries(ALLOW_LISTS.map((list) => [list.name, values(list)])) as Allow;
}

export const ALLOW_NOTHING: Allow = eachList(() => []);

/** Lists by the names that people write, such as `aws_role`. */
export function allowFrom(values: (field: string) => readonly string[]): Allow {
  return eachList(({ field }) => values(field));
}

/** Several lists in one. */
export function allowAll(all: readonly AllowedValues[]): Allow {
  return eachList((list) => [
    ...new Set(all.flatMap((values) => values[list.name] ?? []).map((value) => normal(list, value))),
  ]);
}

/** What is in the first lists, and not in the others. */
export function allowBeyond(lists: AllowedValues, known: AllowedValues): Allow {
  return eachList((list) => (lists[list.name] ?? []).filter((value) => !holds(known, list, value)));
}

/** Each value with the name of its field and with words for it: `the Vault server https://…`. */
export function allowedValues(lists: AllowedValues): { field: string; value: string; words: string }[] {
  return ALLOW_LISTS.flatMap(({ name, field, what }) =>
    (lists[name] ?? []).map((value) => ({ field, value, words: `${what} ${printable(value)}` })),
  );
}

/** What keys name. */
export function namedByKeys(keys: readonly NamingKey[]): Allow {
  const named = keys.flatMap((key) => {
    const lists: readonly AllowList[] = KINDS.find(({ name }) => name === key.kind)?.names ?? [];
    return lists.map((list): AllowedValues => ({ [list.name]: [list.named?.(key) || []].flat() }));
  });
  return allowAll(named);
}

/** What variables name that vouch for one value each, such as VAULT_ADDR. */
export function allowedByEnvironment(env: KeyContext["env"]): Allow {
  return eachList(({ variable }) => (variable && env[variable] ? [env[variable]] : []));
}

/** All that `TSOPS_ALLOW` names. */
export function allowedByVariable(text: string | undefined): Allow {
  return allowAll([eachList((list) => allowedIn(text, list))]);
}
