import { resolve } from "node:path";
import { checkConfig } from "../../config/check.ts";
import { explain as explainRules, explanationLines } from "../../config/explain.ts";
import { Configurations } from "../../config/find.ts";
import { TsopsError } from "../../errors.ts";
import type { Args } from "../args.ts";
import { type Io, write, writeLines } from "../io.ts";
import { note } from "../report.ts";

/** `config` alone says what it can do. */
export async function config(_args: Args, io: Io): Promise<number> {
  await write(io.stdout, "tsops config explain FILE… | tsops config check; see tsops config --help\n");
  return 0;
}

/** `config explain FILE…`: which configuration, which rule, and why not the others. */
export async function explain(args: Args, io: Io): Promise<number> {
  const configurations = search(args, io);
  for (const name of args.list("files")) {
    const file = resolve(io.cwd, name);
    const found = await configurations.load(file);
    for (const text of found.warnings) await note(io, `warning: ${text}`);
    if (!found.config) throw noConfig();
    const explanation = await explainRules(found.config, file, found.by);
    await writeLines(io.stdout, explanationLines(explanation));
  }
  return 0;
}

/** `config check`: everything that is wrong with the configuration; exit 1 if any of it is an error. */
export async function check(args: Args, io: Io): Promise<number> {
  const found = await search(args, io).load();
  for (const text of found.warnings) await note(io, `warning: ${text}`);
  if (!found.config) throw noConfig();
  const findings = await checkConfig(found.config);
  for (const { severity, message, hint, place } of findings) {
    const where = [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
    const next = hint ? hint.split("\n").map((line) => `  ${line}`) : [];
    await writeLines(io.stdout, [`${where}: ${severity}: ${message}`, ...next]);
  }
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const counts = `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")}`;
  await writeLines(io.stdout, [`${found.config.path}: ${counts}`]);
  return errors > 0 ? 1 : 0;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function search(args: Args, io: Io): Configurations {
  return new Configurations({ cwd: io.cwd, env: io.env, option: args.text("config") });
}

function noConfig(): TsopsError {
  return new TsopsError("config", "there is no .sops.yaml or .sopsrc from this folder upwards", {
    hint: "`tsops init` writes a .sopsrc",
  });
}
