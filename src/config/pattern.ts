import type { Place } from "../errors.ts";
import type { Pattern } from "./model.ts";
import { configError } from "./problem.ts";

/** A pattern of a rule; `what` names it in messages. */
export function makePattern(pattern: Omit<Pattern, "compile">, what: string): Pattern {
  let compiled: ReturnType<Pattern["compile"]> | undefined;
  const { expressions, place } = pattern;
  return { ...pattern, compile: () => (compiled ??= compileAll(expressions, what, place)) };
}

async function compileAll(
  expressions: readonly string[],
  what: string,
  place: Place,
): Promise<(text: string) => boolean> {
  const matchers = await Promise.all(expressions.map((expression) => compile(expression)));
  const wrong = matchers.find((matcher) => "why" in matcher);
  if (wrong && "why" in wrong) {
    throw configError(`${what} is not a valid regular expression: ${wrong.why}`, place, hintFor(expressions));
  }
  return (text) => matchers.some((matcher) => "matches" in matcher && matcher.matches(text));
}

export type Compiled = { readonly matches: (text: string) => boolean } | { readonly why: string };

/** Compiles an expression with the syntax of Go's regexp package (RE2), or says what is wrong with it. */
export async function compile(expression: string): Promise<Compiled> {
  const { RE2JS } = await import("re2js");
  try {
    const compiled = RE2JS.compile(expression);
    return { matches: (text) => compiled.matcher(text).find() };
  } catch (error) {
    return { why: reason(error) };
  }
}

/** The library's sentence without its excerpt of the expression. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, words] = /^error parsing regexp: (.*?)(?:: `|$)/s.exec(message) ?? [];
  return words ?? "it cannot be compiled";
}

function hintFor(expressions: readonly string[]): string {
  if (expressions.some((text) => /^\*|(^|[^.)\]\\])\*\*/.test(text))) {
    return "this looks like a file pattern: as a regular expression, `*.yaml` is `\\.yaml$` and `a/**` is `^a/`";
  }
  if (expressions.some((text) => /\(\?(?:[=!]|<[=!])/.test(text))) {
    return "RE2, which SOPS uses, has no look-ahead or look-behind: put a rule for the exceptions before this one";
  }
  return "correct the expression; its syntax is RE2's: https://github.com/google/re2/wiki/Syntax";
}
