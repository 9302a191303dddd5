import type { Finding, Lines } from "./finding.ts";
import { ruleOf } from "./rules.ts";

const MARK = "tsops:allow";
/** What begins a comment in the formats and languages that keep secrets. */
const COMMENT = /^\s*(?:#|\/\/|\/\*|\*|;|--|<!--|%|REM\b)/i;

/**
 * Leaves out what a person says is no secret: with `tsops:allow` in a comment on the line of the finding, or alone on the
 * line before it. That a file is not encrypted, or not as its rule has it, no comment in it can excuse.
 */
export function withoutAllowed(findings: readonly Finding[], lines: Lines): Finding[] {
  if (!lines.text.includes(MARK)) return [...findings];
  return findings.filter(({ rule, line }) => {
    if (line === undefined || ruleOf(rule).group !== "secret") return true;
    return !isAllowed(lines, line);
  });
}

function isAllowed(lines: Lines, number: number): boolean {
  if (lines.line(number).includes(MARK)) return true;
  const before = lines.line(number - 1);
  if (!before.includes(MARK)) return false;
  // a comment behind a value is about that value; one behind the mark of a text is about the text
  return COMMENT.test(before) || /[:=]\s*(?:[|>][\d+-]*)?\s*(?:#|\/\/|;).*tsops:allow/.test(before);
}
