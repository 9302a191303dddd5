import type { Finding, Marked } from "./finding.ts";
import { type Level, RULES } from "./rules.ts";

/** What came of a run of `check`. */
export interface Report {
  readonly findings: readonly Marked[];
  /** Files that could not be checked, and why: the code of an error. */
  readonly failed: readonly {
    readonly file: string | undefined;
    readonly error: string;
    readonly message: string;
  }[];
  /** How many files were looked at. */
  readonly files: number;
  /** How many findings were left out because the baseline has them. */
  readonly known: number;
}

export function countOf(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length;
}

/** The report for `--output json`; schema/check.schema.json describes it. */
export function reportJson({ findings, failed, files, known }: Report) {
  return {
    version: 1,
    findings: findings.map(
      ({ rule, level, file, line, column, path, what, message, hint, details, fingerprint }) => ({
        rule,
        level,
        file: file ?? null,
        line: line ?? null,
        column: column ?? null,
        path: path ? [...path] : null,
        what: what ?? null,
        message,
        hint: hint ?? null,
        details: [...(details ?? [])],
        fingerprint,
      }),
    ),
    failed: failed.map(({ file, error, message }) => ({ file: file ?? null, error, message })),
    summary: {
      files,
      errors: countOf(findings, "error"),
      warnings: countOf(findings, "warning"),
      notes: countOf(findings, "note"),
      known,
    },
  };
}

const TEXT = { type: "string" };
const MAYBE_TEXT = { type: ["string", "null"] };
const MAYBE_NUMBER = { type: ["integer", "null"], minimum: 1 };
const COUNT = { type: "integer", minimum: 0 };

function object(properties: Readonly<Record<string, unknown>>) {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: true };
}

/** The JSON schema of that report. New fields may come. */
export function reportSchema() {
  const finding = object({
    rule: { enum: RULES.map(({ id }) => id), description: "which rule it is of; docs/check.md lists them" },
    level: { enum: ["error", "warning", "note"] },
    file: { ...MAYBE_TEXT, description: "as it was given or found; null for git's settings" },
    line: MAYBE_NUMBER,
    column: { ...MAYBE_NUMBER, description: "in characters" },
    path: {
      type: ["array", "null"],
      items: { type: ["string", "number"] },
      description: "where in the document: keys, and numbers of list items",
    },
    what: { ...MAYBE_TEXT, description: "which of the things that the rule knows, such as a kind of token" },
    message: { ...TEXT, description: "what is wrong, for people; never holds a value" },
    hint: { ...MAYBE_TEXT, description: "what to do, in lines" },
    details: { type: "array", items: TEXT },
    fingerprint: { type: "string", pattern: "^[0-9a-f]{32}$" },
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "What tsops check --output json prints",
    ...object({
      version: { const: 1 },
      findings: { type: "array", items: finding },
      failed: {
        type: "array",
        items: object({ file: MAYBE_TEXT, error: TEXT, message: TEXT }),
        description: "what could not be checked, with the code of the error (docs/errors.md)",
      },
      summary: object({ files: COUNT, errors: COUNT, warnings: COUNT, notes: COUNT, known: COUNT }),
    }),
  };
}
