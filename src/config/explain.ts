import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { groupsNeeded } from "../keys/metadata.ts";
import { kindNamed } from "../keys/table.ts";
import { printable } from "../printable.ts";
import type { Selector } from "../sops/selection.ts";
import type { FoundBy } from "./find.ts";
import { isFor, ruleErrors, subjectOf } from "./match.ts";
import type { Config, KeyRef, Pattern, Rule } from "./model.ts";
import { shownKey } from "./names.ts";
import { selectorOf } from "./selectors.ts";

/** Which rule counts for a file, and why: what `tsops config explain` prints. */
export interface Explanation {
  readonly config: Config;
  readonly file: string;
  /** How the configuration was found, where that is known. */
  readonly by?: FoundBy;
  /** The texts that expressions were matched against. */
  readonly texts: readonly string[];
  readonly rules: readonly RuleOutcome[];
  /** The first rule that matches, unless something stops the search before it. */
  readonly chosen?: Rule;
  /** What encrypting the file would be stopped by. */
  readonly problem?: TsopsError;
}

export interface RuleOutcome {
  readonly rule: Rule;
  /** Undefined where the pattern is invalid. */
  readonly matches: boolean | undefined;
  readonly why: string;
}

/** Explains which rule is for a file, given by its absolute path; it need not exist. Broken rules are part of it. */
export async function explain(config: Config, file: string, by?: FoundBy): Promise<Explanation> {
  const subject = subjectOf(config.folder, file);
  const rules: RuleOutcome[] = [];
  let chosen: Rule | undefined;
  let problem = config.errors[0];
  for (const rule of config.rules ?? []) {
    const { matches, error } = await outcome(rule, subject);
    const late = chosen !== undefined ? `, but rule ${chosen.number} comes first` : "";
    rules.push({
      rule,
      matches,
      why: error ? error.message : `${reason(rule, matches)}${matches ? late : ""}`,
    });
    if (chosen) continue;
    if (error) problem ??= error;
    else if (matches) {
      chosen = rule;
      problem ??= (await ruleErrors(config, rule))[0];
    }
  }
  if (config.rules && !chosen) {
    problem ??= new TsopsError("config", "no creation rule matches", {
      place: { file: config.path },
      hint: "add a rule for it, or one without a pattern at the end",
    });
  }
  return {
    config,
    file,
    by,
    texts: subject.texts,
    rules,
    chosen,
    problem,
  };
}

async function outcome(rule: Rule, subject: Parameters<typeof isFor>[1]) {
  try {
    return { matches: await isFor(rule.pattern, subject) };
  } catch (error) {
    if (error instanceof TsopsError) return { matches: undefined, error };
    throw error;
  }
}

function reason({ pattern }: Rule, matches: boolean): string {
  if (!pattern) return "it has no pattern, so it is for every file";
  return matches ? "it matches" : "it does not match";
}

/** An explanation for a person, as lines. */
export function explanationLines(explanation: Explanation): string[] {
  const { config, by, texts, rules, chosen, problem } = explanation;
  const lines = [`configuration: ${printable(config.path)}${by ? ` (${FOUND[by]})` : ""}`];
  if (!config.rules) lines.push("it has no creation rules: keys have to be named on the command line");
  else lines.push(`matched against: ${texts.map(printable).join("  and  ")}`, "");
  for (const { rule, matches, why } of rules) {
    const other = matches === undefined ? "!" : " ";
    const mark = rule === chosen ? "→" : other;
    const name = rule.name === undefined ? "" : ` (${printable(rule.name)})`;
    lines.push(`${mark} rule ${rule.number}${name}, line ${rule.place.line}: ${why}`);
    if (rule.pattern) lines.push(`    ${fieldName(config, rule.pattern)}: ${printable(rule.pattern.text)}`);
    if (rule.format && rule === chosen) lines.push(`    format: ${rule.format}`);
  }
  if (chosen) append(lines, ["", ...describeRule(config, chosen)]);
  if (problem) {
    const { line, column } = problem.place ?? {};
    const place = line === undefined ? "" : ` (line ${line}, column ${column})`;
    lines.push("", `encrypting would stop${place}: ${printable(problem.message)}`);
    if (problem.hint !== undefined) lines.push(`  ${printable(problem.hint)}`);
  }
  return lines;
}

/** What the file itself calls the field. */
function fieldName({ kind }: Config, pattern: Pattern): string {
  return kind === "sopsrc" && pattern.kind === "path_regex" ? "path" : pattern.kind;
}

const FOUND: Readonly<Record<FoundBy, string>> = {
  "--config": "named by --config",
  SOPS_CONFIG: "named by SOPS_CONFIG",
  "working folder": "found from the working folder upwards",
  "folder of the file": "found from the folder of the file upwards; there is none from the working folder",
};

/** Who could read a new file of a rule, and what would be encrypted in it. */
function describeRule(config: Config, rule: Rule): string[] {
  const { kind, value } = selectorOf(rule);
  const lines = [`encrypts ${SELECTS[kind](printable(value))}`];
  if (rule.macOnlyEncrypted) lines.push("the MAC covers encrypted values only");
  if (rule.shareDataKey) {
    const which = rule.shareDataKey === "folder" ? "the files of a folder" : "all files of the rule";
    lines.push(`${which} that are encrypted or rotated together share one data key`);
  }
  if (rule.groups.length > 1) {
    const needed = groupsNeeded(rule.groups, rule.threshold);
    lines.push(`${needed} of these ${rule.groups.length} key groups are needed to decrypt:`);
    rule.groups.forEach(
      (group, i) => void append(lines, [`  group ${i + 1}:`, ...keyLines(config, group, "    ")]),
    );
  } else {
    const keys = keyLines(config, rule.groups[0] ?? [], "  ");
    lines.push(keys.length === 0 ? "for nobody: the rule names no key" : "any one of these can decrypt:");
    append(lines, keys);
  }
  if (config.kind === "sopsrc" && !config.seal) lines.push("without a seal");
  return lines;
}

const SELECTS: Readonly<Record<Selector["kind"], (value: string) => string>> = {
  unencrypted_suffix: (value) => `every value, except below keys that end with ${value}`,
  encrypted_suffix: (value) => `values below keys that end with ${value}`,
  unencrypted_regex: (value) => `every value, except below keys that match ${value}`,
  encrypted_regex: (value) => `values below keys that match ${value}`,
  unencrypted_comment_regex: (value) => `every value, except under comments that match ${value}`,
  encrypted_comment_regex: (value) => `values under comments that match ${value}`,
};

function keyLines(config: Config, keys: readonly KeyRef[], indent: string): string[] {
  return keys.map((key) => `${indent}${kindNamed(key.kind).title} ${shownKey(config, key)}`);
}
