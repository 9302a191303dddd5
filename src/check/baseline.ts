import { TsopsError } from "../errors.ts";
import type { Marked } from "./finding.ts";
import { RULES, type RuleId } from "./rules.ts";

/** Findings that are known, so that only new ones are reported. */
export interface Known {
  readonly fingerprint: string;
  /** For people who read the file; only the fingerprint counts. */
  readonly rule: RuleId;
  readonly file: string | null;
  readonly path: readonly (string | number)[] | null;
}

const VERSION = 1;

/** @param nameOf as in `marked`. */
export function knownOf(findings: readonly Marked[], nameOf: (file: string) => string): Known[] {
  return findings.map(({ fingerprint, rule, file, path = null }) => {
    return { fingerprint, rule, file: file === undefined ? null : nameOf(file), path };
  });
}

export function baselineText(known: readonly Known[]): string {
  const lines = known.map((entry) => `    ${JSON.stringify(entry)}`);
  const list = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`;
  return `{\n  "version": ${VERSION},\n  "findings": ${list}\n}\n`;
}

/** @throws TsopsError("parse") */
export function readBaseline(text: string, file: string): Known[] {
  const wrong = (why: string): TsopsError =>
    new TsopsError("parse", `the baseline cannot be read: ${why}`, {
      place: { file },
      hint: `write it anew with: tsops check --baseline FILE --write-baseline`,
    });
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw wrong("it is not JSON");
  }
  const { version, findings } = (read ?? {}) as { version?: unknown; findings?: unknown };
  if (version !== VERSION) throw wrong(`its version is not ${VERSION}`);
  if (!Array.isArray(findings)) throw wrong("it has no list of findings");
  const rules = new Set<string>(RULES.map(({ id }) => id));
  return (findings as readonly Partial<Known>[]).map((entry) => {
    const { fingerprint, rule, file: of = null, path = null } = entry ?? {};
    if (typeof fingerprint !== "string" || !/^[\da-f]{32}$/.test(fingerprint))
      throw wrong("a fingerprint is malformed");
    if (rule === undefined || !rules.has(rule)) throw wrong("it names a rule that there is not");
    return { fingerprint, rule, file: of, path };
  });
}
