import { TsopsError } from "../errors.ts";
import { printable, shellQuoted } from "../printable.ts";
import type { AllowedValues, AllowList, Unvouched } from "./allow-list.ts";
import type { KeyContext } from "./kind.ts";

/**
 * What files may make a person's credentials, or a data key in plaintext, be used with (docs/security.md): one list for
 * each kind of thing. Nothing else gets them.
 */

/**
 * Refuses to use credentials for what only a file or an unapproved configuration names.
 * @param environment what the environment names, such as the value of VAULT_ADDR.
 * @throws TsopsError("not-allowed") that says how to allow it.
 */
export async function checkAllowed(
  context: KeyContext,
  list: AllowList,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<void> {
  if (await isAllowed(context, list, value, environment)) return;
  const answer = (await context.vouch?.(list, value)) ?? unknownValue(list, value);
  if (answer === "allowed") return;
  const { what, gets = "it gets no credentials" } = list;
  const { by, why, hint } = answer;
  throw new TsopsError("not-allowed", `${by} names ${what} ${printable(value)}, and ${why}: ${gets}`, {
    hint,
  });
}

export async function isAllowed(
  context: KeyContext,
  list: AllowList,
  value: string,
  environment: readonly (string | undefined)[] = [],
): Promise<boolean> {
  const named = [...environment.flatMap((text) => text || []), ...allowedIn(context.env.TSOPS_ALLOW, list)];
  if (includes(list, named, value)) return true;
  return includes(list, (await context.allow?.())?.[list.name] ?? [], value);
}

/** Whether a value is among others of its list. */
export function includes(list: AllowList, values: readonly string[], value: string): boolean {
  const wanted = normal(list, value);
  return values.some((known) => normal(list, known) === wanted);
}

export function holds(values: AllowedValues, list: AllowList, value: string): boolean {
  return includes(list, values[list.name] ?? [], value);
}

/**
 * The values of a list in `TSOPS_ALLOW`: `vault=https://…,aws_profile=prod`, in the names of `.sopsrc`. What is
 * malformed allows nothing.
 */
export function allowedIn(text: string | undefined, { field }: AllowList): string[] {
  const pairs = (text ?? "").split(/[\s,]+/).map((pair) => /^([a-z_]+)=(.+)$/.exec(pair));
  return pairs.flatMap((pair) => (pair?.[1] === field ? [pair[2]!] : []));
}

/** The answer where nothing names a value but the file. */
export function unknownValue({ field, variable }: AllowList, value: string): Unvouched {
  const line = allowLine([{ field, value }]);
  const places = [
    ...(variable ? [`in ${variable}`] : []),
    `in allow.${field} of your own configuration (~/.config/tsops/config.json5)`,
    line === undefined ? `in an option` : `in the environment: ${line}`,
  ];
  return {
    by: "the file",
    why: "nothing here vouches for it",
    hint: `if you know it, name it ${places.slice(0, -1).join(", ")}, or ${places.at(-1)}`,
  };
}

/**
 * The line to set in a shell or in CI, quoted where a shell needs it; undefined if a value cannot stand in it, because it
 * has blanks, commas or control characters.
 */
export function allowLine(values: readonly { field: string; value: string }[]): string | undefined {
  if (values.length === 0 || values.some(({ value }) => !/^[^\s,\p{C}]+$/u.test(value))) return undefined;
  const text = values.map(({ field, value }) => `${field}=${value}`).join(",");
  return `TSOPS_ALLOW=${shellQuoted(text)}`;
}

/** Addresses compare without case in scheme and host, default port and final slashes; other texts as they are. */
export function normal({ port }: AllowList, text: string): string {
  const trimmed = text.trim();
  if (port !== undefined) return /^(?:\[[^\]]*\]|[^:]*)$/.test(trimmed) ? `${trimmed}:${port}` : trimmed;
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return trimmed;
  const { protocol, host, pathname } = new URL(trimmed);
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}
