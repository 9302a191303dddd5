import { shellName } from "../formats/dotenv/remarks.ts";
import type { Variables } from "./variables.ts";

/** A name that every shell knows as one. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Others are not shown: a name may be a piece of a secret that stood on several lines. */
const HARMLESS = /^\s*(?:export\s+)?[A-Za-z_][\w.-]{0,39}\s*$/;
const SHOWN = 5;

/** What is odd about names that no shell can have: the program gets them all the same. */
export function nameWarnings(variables: Variables, dotenv: boolean): string[] {
  const odd = [...variables.keys()].filter((name) => !NAME.test(name));
  const mended = odd.filter((name) => dotenv && NAME.test(shellName(name)));
  const others = odd.filter((name) => !mended.includes(name));
  return [
    ...describe(
      mended,
      (names, is) => `${is} named ${names}, as SOPS reads dotenv: tsops exec --dotenv-dialect standard`,
    ),
    ...describe(others, (names, is) => `${is} named ${names}: no shell has such a name`),
  ];
}

function describe(names: readonly string[], say: (names: string, is: string) => string): string[] {
  if (names.length === 0) return [];
  const shown = names.filter((name) => HARMLESS.test(name)).slice(0, SHOWN);
  const more = names.length - shown.length;
  const others = `${more} ${shown.length > 0 ? "more" : "that"} cannot be shown`;
  const list = [...shown.map((name) => `\`${name}\``), ...(more > 0 ? [others] : [])];
  const is = names.length === 1 ? "the variable is" : "variables are";
  return [say(list.join(", "), is)];
}

/** The CR of Windows line ends, which SOPS reads as a part of dotenv values, is none for a program. */
export function withoutReturns(variables: Variables): Variables {
  return new Map([...variables].map(([name, value]) => [name, value.replace(/\r$/, "")]));
}
