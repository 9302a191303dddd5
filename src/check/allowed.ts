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

/** What begins a text of several lines: it belongs to the first of them. */
const OPENS_TEXT = /(?:[:=-]\s*)(?:[|>][\d+-]*|"""|''')\s*(?:#.*)?$/;

function isAllowed(lines: Lines, number: number): boolean {
  if (lines.line(number).includes(MARK)) return true;
  const before = lines.line(number - 1);
  if (OPENS_TEXT.test(before.trimEnd())) return isAllowed(lines, number - 1);
  return before.includes(MARK) && COMMENT.test(before);
}
