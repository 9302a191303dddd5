import { isAbsolute, normalize, sep } from "node:path";
import { changed, TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { Config, Destination, Pattern, Rule } from "./model.ts";
import { selectorErrors } from "./selectors.ts";

/** A file as rules see it. */
export interface Subject {
  /**
   * What `path_regex` is matched against: the path below the configuration's folder, or the whole path of a file
   * that is elsewhere. On Windows with slashes first, then with backslashes, as SOPS has it there; either may match.
   */
  readonly texts: readonly string[];
  /** The path below the folder, with slashes; undefined for a file elsewhere. Globs are matched against it. */
  readonly inside?: string;
}

/**
 * A file as the rules of a configuration in `folder` see it. Both paths are absolute. Like SOPS this cuts the text of
 * the folder off and follows no links (docs/internals/sops.md §7).
 * @throws TsopsError("config") if a path is not absolute, which is the caller's fault.
 */
export function subjectOf(folder: string, file: string, separator: "/" | "\\" = sep): Subject {
  if (separator === sep && !(isAbsolute(folder) && isAbsolute(file))) {
    throw new TsopsError("config", "creation rules need an absolute path", {
      hint: "resolve the path first",
    });
  }
  const path = separator === sep ? normalize(file) : file;
  const prefix = `${folder}${separator}`;
  // SOPS cuts nothing off in the root folder, whose prefix would be two slashes
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  const text = below ?? path;
  const inside =
    below ?? (folder.endsWith(separator) && path.startsWith(folder) ? path.slice(folder.length) : undefined);
  if (separator === "/") return { texts: [text], inside };
  return { texts: [text.replaceAll("\\", "/"), text], inside: inside?.replaceAll("\\", "/") };
}

/** Whether a rule's pattern is for a file. @throws TsopsError("config") if it is an invalid expression. */
export async function isFor(pattern: Pattern | undefined, subject: Subject): Promise<boolean> {
  if (!pattern) return true;
  const matches = await pattern.compile();
  if (pattern.kind === "glob") return subject.inside !== undefined && matches(subject.inside);
  return subject.texts.some(matches);
}

/**
 * The creation rule for a file, which need not exist: the first that matches. Undefined if none does, or if the
 * configuration has no creation rules.
 * @throws TsopsError("config") if the configuration is broken, or a rule up to the one that matches.
 */
export async function matchingRule(config: Config, file: string): Promise<Rule | undefined> {
  throwFirst(config.errors);
  const subject = subjectOf(config.folder, file);
  for (const rule of config.rules ?? []) {
    if (!(await isFor(rule.pattern, subject))) continue;
    throwFirst(await ruleErrors(config, rule));
    return rule;
  }
  return undefined;
}

/**
 * The creation rule that encrypting a file needs. Undefined if the configuration has no creation rules at all: it is
 * as if there were none then, also in SOPS.
 * @throws TsopsError("config") as {@link matchingRule}, and if there are rules and none matches, whatever keys the
 * person names on the command line (docs/internals/sops.md §7).
 */
export async function creationRule(config: Config, file: string): Promise<Rule | undefined> {
  const rule = await matchingRule(config, file);
  if (rule || !config.rules) return rule;
  const [text] = subjectOf(config.folder, file).texts;
  throw new TsopsError("config", `no matching creation rules found for ${printable(text ?? "")}`, {
    place: { file: config.path },
    hint: "add a rule for it; `tsops config explain FILE` says why the others do not match",
  });
}

/**
 * The destination of a file to publish. SOPS matches the `path_regex` of destinations against the path as it was
 * typed, unlike for creation rules; `.sopsrc` against the same text as for rules.
 * @throws TsopsError("config") if none matches or the rule is broken. An invalid expression is an error too: SOPS
 * passes it over, and the file would go somewhere else.
 */
export async function destinationFor(config: Config, file: string, typed: string): Promise<Destination> {
  throwFirst(config.errors);
  const subject = config.kind === "sopsrc" ? subjectOf(config.folder, file) : { texts: [typed] };
  for (const destination of config.destinations) {
    if (!(await isFor(destination.pattern, subject))) continue;
    throwFirst(destination.errors);
    throwFirst(destination.recreation.errors);
    return destination;
  }
  throw new TsopsError("config", `no destination matches ${printable(subject.texts[0] ?? "")}`, {
    place: { file: config.path },
    hint: `add one to ${config.kind === "sopsrc" ? "destinations" : "destination_rules"}`,
  });
}

/** What stops the files of a rule. */
export async function ruleErrors({ kind }: Config, rule: Rule): Promise<readonly TsopsError[]> {
  if (kind !== "sopsrc" || rule.selectors.length === 0) return rule.errors;
  return [...rule.errors, ...(await selectorErrors(rule, `rule ${rule.number}`))];
}

function throwFirst(errors: readonly TsopsError[]): void {
  const [first] = errors;
  if (!first) return;
  if (errors.length === 1) throw first;
  const more = `\`tsops config check\` shows ${errors.length - 1} more`;
  throw changed(first, { hint: first.hint === undefined ? more : `${first.hint}; ${more}` });
}
