import { type Place, TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import type { MasterKey } from "../keys/kind.ts";
import { SECRET_KEY_WORDS } from "../keys/secret.ts";
import { kindNamed } from "../keys/table.ts";
import { distinctKey, masterKeys } from "./groups.ts";
import type { Config, Destination, KeyRef, Pattern, Rule } from "./model.ts";
import { EXPRESSION_HINT, invalidSelectors } from "./selectors.ts";
import { unknownHint } from "./shape.ts";

/**
 * Something that `tsops config check` reports. Errors stop files from being encrypted, warnings are likely mistakes.
 */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint?: string;
  readonly place: Place;
}

/** Everything that is wrong with a configuration, in the order of the file. */
export async function checkConfig(config: Config): Promise<Finding[]> {
  const findings = config.errors.map(asError);
  const rules = config.rules ?? [];
  // what could not be read leaves holes, and they are no findings
  const whole = findings.length === 0;
  for (const rule of rules)
    append(findings, await checkRule(rule, `creation rule ${rule.number}`, config, whole));
  for (const destination of config.destinations)
    append(findings, await checkDestination(destination, config));
  append(findings, checkNames(config));
  if (whole) {
    append(findings, unreachable(rules, "creation rule"));
    append(findings, unreachable(config.destinations, "destination"));
  }
  for (const { name, place, where, known } of config.unknown) {
    findings.push(
      warning(place, `${where} has an unknown field, which has no effect`, unknownHint(name, known)),
    );
  }
  append(findings, secretsLeft(config, findings));
  const order = ({ place }: Finding) => (place.line ?? 0) * 1e6 + (place.column ?? 0);
  return unique(findings).sort((a, b) => order(a) - order(b));
}

/** Secret keys that stand where no key is due, in a comment for instance: what else is wrong was said of the others. */
function secretsLeft({ secrets }: Config, findings: readonly Finding[]): Finding[] {
  const said = findings.filter(({ message }) => message.includes(SECRET_KEY_WORDS));
  const lines = new Set(said.map(({ place }) => place.line));
  return secrets.map(asError).filter(({ place }) => !lines.has(place.line));
}

async function checkRule(rule: Rule, what: string, config: Config, whole: boolean): Promise<Finding[]> {
  const findings = [...rule.errors.map(asError), ...(await checkPattern(rule.pattern, what))];
  if (whole && rule.groups.some((group) => group.length === 0) && rule.errors.length === 0) {
    const message = rule.groups.length > 1 ? `a key group of ${what} has no key` : `${what} names no key`;
    findings.push(warning(rule.place, message, "files of this rule need keys from the command line"));
  }
  return [
    ...findings,
    ...checkKeys(rule, what),
    ...(whole || rule.groups.length > 1 ? checkThreshold(rule, what) : []),
    ...(await checkSelectors(rule, what, config)),
  ];
}

async function checkDestination(destination: Destination, config: Config): Promise<Finding[]> {
  const what = `destination ${destination.number}`;
  const { recreation, errors, pattern, vault } = destination;
  const findings = [
    ...errors.map(asError),
    ...recreation.errors.map(asError),
    ...(await checkPattern(pattern, what)),
  ];
  if (recreation.groups.flat().length === 0) return findings;
  const rule = `the recreation rule of ${what}`;
  if (vault) {
    const hint = "Vault gets the decrypted values: remove the rule";
    findings.push(warning(recreation.place, `${rule} has no effect`, hint));
  }
  return [
    ...findings,
    ...checkKeys(recreation, rule),
    ...checkThreshold(recreation, rule),
    ...(await checkSelectors(recreation, rule, config)),
  ];
}

async function checkPattern(pattern: Pattern | undefined, what: string): Promise<Finding[]> {
  if (!pattern) return [];
  try {
    await pattern.compile();
  } catch (error) {
    if (error instanceof TsopsError) return [asError(error)];
    throw error;
  }
  if (pattern.kind === "glob") return [];
  const { text, place } = pattern;
  // `/*` repeats the slash: almost always somebody meant a file pattern
  if (/(?:^|[^\\])\/\*/.test(text)) {
    const hint =
      "in a regular expression `/*` means any number of slashes; for any file in a folder write `/[^/]*`";
    return [warning(place, `the pattern of ${what} looks like a file pattern`, hint)];
  }
  if (/^\^(?:\\?\.)?\//.test(text)) {
    const hint = "paths begin at the folder of the configuration, without a slash: `^/prod/` is `^prod/`";
    return [warning(place, `the pattern of ${what} only matches paths that begin with a slash`, hint)];
  }
  return [];
}

/** Malformed keys, and keys that stand twice. */
function checkKeys(rule: Rule, what: string): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, number>();
  rule.groups.forEach((group, i) => {
    for (const ref of group) {
      try {
        for (const key of checkedKeys(ref).map(distinctKey)) {
          const before = seen.get(key);
          if (before === undefined) seen.set(key, i);
          else findings.push(twice(ref.place, what, before === i));
        }
      } catch (error) {
        if (!(error instanceof TsopsError)) throw error;
        findings.push(asError(error));
      }
    }
  });
  for (const { name, place } of rule.ignored) {
    findings.push(
      warning(
        place,
        `${name} of ${what} has no effect`,
        "with key_groups only they count: put the keys there",
      ),
    );
  }
  return findings;
}

function twice(place: Place, what: string, sameGroup: boolean): Finding {
  if (sameGroup) return warning(place, `a key occurs twice in one group of ${what}`, "remove one of them");
  const hint = "whoever has this key opens both groups, so that the threshold protects less than it seems to";
  return warning(place, `a key is in two groups of ${what}`, hint);
}

/** What sharing the data key will refuse, or do nothing with (docs/internals/sops.md §4). */
function checkThreshold({ threshold, groups, place: at, thresholdPlace }: Rule, what: string): Finding[] {
  const place = thresholdPlace ?? at;
  const title = `shamir_threshold of ${what} is ${threshold}`;
  if (threshold < 0) return [error(place, title, "write how many key groups are needed to decrypt")];
  if (threshold === 0) return [];
  if (groups.length === 1) {
    return [
      warning(place, `${title}, and there is one key group`, "it has no effect: each key alone can decrypt"),
    ];
  }
  if (threshold > groups.length)
    return [error(place, `${title}, and it has ${groups.length} key groups`, "lower it")];
  if (threshold === 1) return [error(place, title, "put all keys into one group if one of them is enough")];
  return [];
}

/**
 * SOPS takes an invalid expression for one that never matches, so that nothing or everything is encrypted. In a
 * `.sopsrc` it is an error.
 */
async function checkSelectors(
  rule: Pick<Rule, "selectors">,
  what: string,
  config: Pick<Config, "kind">,
): Promise<Finding[]> {
  return (await invalidSelectors(rule)).map(({ kind, place, why }) => {
    const message = `${kind} of ${what} is not a valid regular expression (${why})`;
    if (config.kind === "sopsrc") return error(place, message, EXPRESSION_HINT);
    const effect = kind.startsWith("un") ? "everything is encrypted" : "nothing is encrypted";
    return warning(place, `${message}: ${effect}`, EXPRESSION_HINT);
  });
}

/** The keys of an identifier, which could exist. @throws TsopsError("config") with the place, if one is malformed. */
function checkedKeys(ref: KeyRef): MasterKey[] {
  const keys = masterKeys(ref);
  for (const key of keys) {
    try {
      kindNamed(key.kind).check?.(key);
    } catch (thrown) {
      if (!(thrown instanceof TsopsError)) throw thrown;
      const { message, hint } = thrown;
      throw new TsopsError("config", message, { hint, place: ref.place, cause: thrown });
    }
  }
  return keys;
}

/** Rules behind one that takes every file, or that have the pattern of an earlier one. */
function unreachable(rules: readonly (Rule | Destination)[], word: string): Finding[] {
  const seen = new Map<string, number>();
  let all: number | undefined;
  return rules.flatMap(({ pattern, number, place }) => {
    const hint = "the first rule that matches counts: move this one up, or remove it";
    const text = pattern?.expressions.join("\n") ?? "";
    const before = all ?? seen.get(text);
    if (!pattern || matchesAll(pattern)) all ??= number;
    if (!seen.has(text)) seen.set(text, number);
    if (before === undefined) return [];
    return [warning(place, `${word} ${number} is never reached: ${word} ${before} takes its files`, hint)];
  });
}

/** Whether a pattern is for every file. */
export function matchesAll({ expressions }: Pick<Pattern, "expressions">): boolean {
  return expressions.some((expression) => MATCHES_ALL.test(expression));
}

/** Expressions that match every path. */
const MATCHES_ALL = /^(?:\^?\.\*\$?|\^?\.\+\$?|\^|\$|\^\.?\.\*\$)$/;

/** Malformed keys that have a name and stand in no rule, and two names for one key. */
function checkNames(config: Config): Finding[] {
  const seen = new Map<string, string>();
  return config.names.flatMap(({ name, key, place }) => {
    try {
      return checkedKeys(key)
        .map(distinctKey)
        .flatMap((id) => {
          const before = seen.get(id);
          seen.set(id, before ?? name);
          if (before === undefined || before === name) return [];
          return [
            warning(place, `${name} and ${before} are the same key`, "messages show the first name only"),
          ];
        });
    } catch (thrown) {
      if (thrown instanceof TsopsError) return [asError(thrown)];
      throw thrown;
    }
  });
}

function asError({ message, hint, place = {} }: TsopsError): Finding {
  return { severity: "error", message, hint, place };
}

function error(place: Place, message: string, hint: string): Finding {
  return { severity: "error", message, hint, place };
}

function warning(place: Place, message: string, hint: string): Finding {
  return { severity: "warning", message, hint, place };
}

/**
 * A malformed key that several rules use is one finding; and where something is an error, what else would be said of it
 * is a consequence.
 */
function unique(findings: readonly Finding[]): Finding[] {
  const errors = new Map<string, Finding>();
  for (const finding of findings) {
    const place = JSON.stringify(finding.place);
    if (finding.severity === "error" && !errors.has(place)) errors.set(place, finding);
  }
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const place = JSON.stringify(finding.place);
    const first = errors.get(place);
    if (first === undefined || first === finding) seen.set(JSON.stringify([place, finding.message]), finding);
  }
  return [...seen.values()];
}
