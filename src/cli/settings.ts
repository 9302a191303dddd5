import { Configurations, type FoundBy } from "../config/find.ts";
import { matchingRule } from "../config/match.ts";
import type { Config, Rule } from "../config/model.ts";
import type { Format } from "../formats/format.ts";
import type { Args } from "./args.ts";
import type { Io } from "./io.ts";
import { note } from "./report.ts";

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

function searchFor(args: Args, io: Io) {
  let search = searches.get(io);
  if (!search) {
    const configurations = new Configurations({ cwd: io.cwd, env: io.env, option: args.text("config") });
    search = { configurations, said: new Set() };
    searches.set(io, search);
  }
  return search;
}

/** Where the configuration for a file stands, whether it can be read or not. */
export async function configurationFor(file: string, args: Args, io: Io): Promise<string | undefined> {
  const found = await searchFor(args, io)
    .configurations.find(file)
    .catch(() => undefined);
  return found?.path;
}

/** The configuration that applies to a file. @throws TsopsError("config") if there is one and it is broken. */
export async function loadSettings(file: string, args: Args, io: Io): Promise<Settings> {
  const search = searchFor(args, io);
  const { said } = search;
  const sayOnce = async (text: string): Promise<void> => {
    if (!said.has(text)) await note(io, text);
    said.add(text);
  };
  const { config, path, by, warnings } = await search.configurations.load(file);
  if (args.flag("verbose"))
    await sayOnce(
      path === undefined ? `${file}: no configuration` : `${file}: configuration ${path} (${by})`,
    );
  for (const warning of warnings) await sayOnce(`warning: ${warning}`);
  const [error] = config?.errors ?? [];
  if (error) throw error;
  return { file, config, by };
}

/** Configurations that this run found only in the folders of its files. */
export function besideFiles(io: Io): ReadonlySet<string> {
  return searches.get(io)?.configurations.besideFiles ?? new Set();
}

export async function ruleFor({ config, file }: Settings): Promise<Rule | undefined> {
  return config && (await matchingRule(config, file));
}

/** Blanks a level for what is printed anew in a format. */
export function indentFor(format: Format, args: Args, { config }: Settings): number | undefined {
  const stores = config?.stores ?? {};
  const own = { yaml: stores.yaml, json: stores.json, binary: stores.jsonBinary }[format.name as string];
  return args.number("indent") ?? own;
}
