import { resolve } from "node:path";
import { checkConfig } from "../../../config/check.ts";
import { type Explanation, explain as explainRules, explanationLines } from "../../../config/explain.ts";
import { Configurations } from "../../../config/find.ts";
import type { Config, Rule } from "../../../config/model.ts";
import { selectorOf } from "../../../config/selectors.ts";
import { type Place, TsopsError } from "../../../errors.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import type { Run } from "../../command.ts";
import { write, writeLines } from "../../io.ts";
import { keyJson, selectorJson, writeJson } from "../../json.ts";
import { note, tell } from "../../report.ts";
import type { ConfigCheckRun, ConfigExplainRun, ConfigRun } from "./command.ts";

/** `config` alone says what it can do. */
export async function config(run: ConfigRun): Promise<number> {
  await write(run.io.stdout, "tsops config explain FILE… | tsops config check; see tsops config --help\n");
  return 0;
}

/** `config explain FILE…`: which configuration, which rule, and why not the others. */
export async function explain(run: ConfigExplainRun): Promise<number> {
  const configurations = search(run);
  const explained: unknown[] = [];
  for (const name of run.args.files) {
    const file = resolve(run.io.cwd, name);
    const found = await configurations.load(file);
    for (const text of found.warnings) await note(run.io, `warning: ${text}`);
    if (!found.config) throw noConfig();
    const explanation = await explainRules(found.config, file, found.by);
    if (run.args.json) explained.push(explanationJson(name, explanation));
    else await writeLines(run.io.stdout, explanationLines(explanation));
  }
  if (run.args.json) await writeJson(run.io, { files: explained });
  return 0;
}

function explanationJson(name: string, { config, by, rules, chosen, problem }: Explanation) {
  return {
    file: name,
    configuration: config.path,
    foundBy: by ?? null,
    rules: rules.map(({ rule, matches, why }) => ({
      number: rule.number,
      name: rule.name ?? null,
      line: rule.place.line ?? null,
      pattern: rule.pattern ? { kind: rule.pattern.kind, text: rule.pattern.text } : null,
      matches: matches ?? null,
      why,
    })),
    chosen: chosen?.number ?? null,
    protection: chosen ? protectionJson(config, chosen) : null,
    problem: problem ? messageJson(problem) : null,
  };
}

/** Who could read a new file of a rule, and what would be encrypted in it. */
function protectionJson(config: Config, rule: Rule) {
  return {
    groups: rule.groups.map((keys) => keys.map((key) => keyJson(key, { config }))),
    threshold: groupsNeeded(rule.groups, rule.threshold),
    selector: selectorJson(selectorOf(rule)),
    macOnlyEncrypted: rule.macOnlyEncrypted,
    seal: config.seal,
  };
}

function messageJson({ message, hint, place }: { message: string; hint?: string; place?: Place }) {
  return { message, hint: hint ?? null, line: place?.line ?? null, column: place?.column ?? null };
}

/** `config check`: everything that is wrong with the configuration; exit 1 if any of it is an error. */
export async function check(run: ConfigCheckRun): Promise<number> {
  const found = await search(run).load();
  for (const text of found.warnings) await note(run.io, `warning: ${text}`);
  if (!found.config) throw noConfig();
  const findings = await checkConfig(found.config);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const exit = errors > 0 ? 1 : 0;
  if (run.args.json) {
    const listed = findings.map((finding) => ({ severity: finding.severity, ...messageJson(finding) }));
    await writeJson(run.io, { configuration: found.config.path, errors, warnings, findings: listed });
    return exit;
  }
  for (const { severity, message, hint, place } of findings) {
    const where = [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
    const next = hint ? hint.split("\n").map((line) => `  ${line}`) : [];
    const text = `${where}: ${severity}: ${message}`;
    await tell(run.io, [{ text, colour: severity === "error" ? "red" : "yellow" }, ...next], "stdout");
  }
  const counts = `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
  await writeLines(run.io.stdout, [`${found.config.path}: ${counts}`]);
  return exit;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function search(run: Run): Configurations {
  return new Configurations({ cwd: run.io.cwd, env: run.io.env, option: run.args.config });
}

function noConfig(): TsopsError {
  return new TsopsError("config", "there is no .sops.yaml or .sopsrc from this folder upwards", {
    hint: "`tsops init` writes a .sopsrc",
  });
}
