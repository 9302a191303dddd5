import { type ConfigDisk, Configurations, type FoundBy } from "../config/find.ts";
import { matchingRule } from "../config/match.ts";
import type { Config, Rule } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import type { Args } from "./args.ts";
import type { Run } from "./command.ts";
import { type Io, wholeOf } from "./io.ts";
import { errorLines, note } from "./report.ts";

/** What the configuration says for one file. */
export interface Settings {
  /** Absolute path of the file, which need not exist. */
  readonly file: string;
  readonly config: Config | undefined;
  /** How the configuration was found. */
  readonly by?: FoundBy;
}

/** Each run searches a folder, reads a configuration and says what there is to say about it once. */
const searches = new WeakMap<Io, { configurations: Configurations; said: Set<string> }>();

function searchOf(run: Run) {
  const whole = wholeOf(run.io);
  let search = searches.get(whole);
  if (!search) {
    const configurations = new Configurations({ cwd: run.io.cwd, env: run.io.env, option: run.args.config });
    search = { configurations, said: new Set() };
    searches.set(whole, search);
  }
  const { said, configurations } = search;
  const sayOnce = async (text: string, ...more: readonly string[]): Promise<void> => {
    if (said.has(text)) return;
    said.add(text);
    await note(whole, text, ...more);
  };
  return { configurations, sayOnce };
}

/** Has a run read configurations elsewhere than on disk. Call it before anything asks for one. */
export function readConfigurationsFrom(disk: ConfigDisk, { args, io }: Run): void {
  const configurations = new Configurations({ cwd: io.cwd, env: io.env, option: args.config, disk });
  searches.set(wholeOf(io), { configurations, said: new Set() });
}

/** The configuration that applies to a file. @throws TsopsError("config") if there is one and it is broken. */
export async function loadSettings(file: string, run: Run): Promise<Settings> {
  const { configurations, sayOnce } = searchOf(run);
  const { config, path, by, warnings } = await configurations.load(file);
  if (run.args.verbose)
    await sayOnce(
      path === undefined ? `${file}: no configuration` : `${file}: configuration ${path} (${by})`,
    );
  for (const warning of warnings) await sayOnce(`warning: ${warning}`);
  const [error] = config?.errors ?? [];
  if (error) throw error;
  for (const secret of config?.secrets ?? []) {
    const [line, ...more] = warningLines(secret);
    await sayOnce(`warning: ${line}`, ...more);
  }
  return { file, config, by };
}

/** Configurations that this run found only in the folders of its files. */
export function besideFiles(io: Io): ReadonlySet<string> {
  return searches.get(wholeOf(io))?.configurations.besideFiles ?? new Set();
}

/** Where the configuration for a file stands, whether it can be read or not. */
export async function configurationFor(file: string, run: Run): Promise<string | undefined> {
  const found = await searchOf(run)
    .configurations.find(file)
    .catch(() => undefined);
  return found?.path;
}

/**
 * The same for what only reads: decrypting needs no configuration, so a broken one is named once and does without. Who
 * wants seals in any case says so with the option or the variable.
 */
export async function settingsForReading(file: string, run: Run): Promise<Settings> {
  try {
    return await loadSettings(file, run);
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "config") throw error;
    const [line] = warningLines(error);
    await searchOf(run).sayOnce(`warning: the configuration is not used: ${line}`);
    return { file, config: undefined };
  }
}

function warningLines(error: TsopsError): [string, ...string[]] {
  const [line = "", ...more] = errorLines(error);
  return [line.replace(/^tsops: /, ""), ...more];
}

/** Whether no configuration is named, and none found from the working folder. */
export async function isOnlyBeside(run: Run): Promise<boolean> {
  return (await searchOf(run).configurations.find()).path === undefined;
}

export async function ruleFor({ config, file }: Settings): Promise<Rule | undefined> {
  return config && (await matchingRule(config, file));
}

/** Blanks a level for what is printed anew in a format. */
export function indentFor(format: Format, args: Args, { config }: Settings): number | undefined {
  const stores = config?.stores ?? {};
  const own = { yaml: stores.yaml, json: stores.json, binary: stores.jsonBinary }[format.name as string];
  return args.indent ?? own;
}
