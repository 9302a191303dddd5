import { isAbsolute, join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { splitWords } from "../../programs/words.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { type Loaded, parseIdentities, readIdentities, readKeyFile, reasonOf } from "./identity-file.ts";

/**
 * Where age identities are looked for (docs/internals/sops.md §7, age identities). Each place is read once a run, and
 * only when it may matter: SSH keys for data keys that are wrapped for one, commands when no file had the identity, and
 * what needs a person last. What goes wrong is kept for the report.
 */

interface Place {
  /** For reports: the variable, or the path. */
  readonly name: string;
  readonly holds: "ssh" | "age";
  readonly command: boolean;
  /** Undefined if there is nothing: the variable is not set, the file not there. `recipient` is for commands. */
  load(recipient: string): Promise<Loaded | undefined>;
}

/** A place with what was loaded from it; commands can say something else for each recipient. */
export class Source {
  readonly place: Place;
  readonly #loads = new Map<string, Promise<Loaded | undefined>>();

  constructor(place: Place) {
    this.place = place;
  }

  load(recipient: string): Promise<Loaded | undefined> {
    const about = this.place.command ? recipient : "";
    let load = this.#loads.get(about);
    if (!load) {
      load = this.place.load(recipient).catch(failed);
      this.#loads.set(about, load);
    }
    return load;
  }

  /** What was loaded before, for any recipient. */
  async loaded(): Promise<Loaded[]> {
    return (await Promise.all(this.#loads.values())).filter((load) => load !== undefined);
  }
}

function failed(error: unknown): Loaded {
  if (error instanceof TsopsError && error.code === "aborted") throw error;
  return { identities: [], problems: [reasonOf(error)] };
}

/** The places with what they hold, once a run. */
export function sourcesOf(context: KeyContext): Source[] {
  return once(context, "age places", () => placesOf(context).map((place) => new Source(place)));
}

/** The places, in SOPS's order. */
function placesOf(context: KeyContext): Place[] {
  const { home } = context;
  return [
    fileVariable("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "ssh", context),
    commandVariable("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "ssh", context),
    file(join(home, ".ssh", "id_ed25519"), "ssh", context),
    file(join(home, ".ssh", "id_rsa"), "ssh", context),
    keyVariable(context),
    fileVariable("SOPS_AGE_KEY_FILE", "age", context),
    commandVariable("SOPS_AGE_KEY_CMD", "age", context),
    file(join(configFolder(context), "sops", "age", "keys.txt"), "age", context),
  ];
}

/** The folder where Go's os.UserConfigDir, and so SOPS, has a user's configuration. */
export function configFolder({ env, home }: Pick<KeyContext, "env" | "home">): string {
  if (process.platform === "win32") return env.APPDATA ?? join(home, "AppData", "Roaming");
  if (env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME)) return env.XDG_CONFIG_HOME;
  return process.platform === "darwin" ? join(home, "Library", "Application Support") : join(home, ".config");
}

function keyVariable(context: KeyContext): Place {
  const name = "SOPS_AGE_KEY";
  const load = async (): Promise<Loaded | undefined> => {
    const text = context.env[name];
    return text ? parseIdentities(Buffer.from(text), name, context) : undefined;
  };
  return { name, holds: "age", command: false, load };
}

function file(path: string, holds: Place["holds"], context: KeyContext): Place {
  const load = async (): Promise<Loaded | undefined> => {
    const contents = await withRoom(() => readKeyFile(path));
    return contents && readIdentities(contents, path, holds, context);
  };
  return { name: path, holds, command: false, load };
}

/** A file that a variable names has to be there. */
function fileVariable(variable: string, holds: Place["holds"], context: KeyContext): Place {
  const path = context.env[variable];
  const load = async (): Promise<Loaded | undefined> => {
    if (path === undefined) return undefined;
    const contents = await withRoom(() => readKeyFile(path));
    if (!contents) throw new TsopsError("bad-credentials", "there is no such file");
    return readIdentities(contents, path, holds, context);
  };
  return {
    // most runs need no report
    get name() {
      return path === undefined ? variable : `${variable} (${printable(path)})`;
    },
    holds,
    command: false,
    load,
  };
}

function commandVariable(name: string, holds: Place["holds"], context: KeyContext): Place {
  const command = context.env[name];
  const load = async (recipient: string): Promise<Loaded | undefined> => {
    if (!command) return undefined;
    // on Windows, too: so does SOPS
    const argv = splitWords(command);
    if (argv.length === 0) throw new TsopsError("bad-setting", "the command is empty");
    // most runs have no command
    const { runLogin } = await import("../login-program.ts");
    const variables = { SOPS_AGE_RECIPIENT: recipient };
    const { code, stdout } = await runLogin({ argv, variables }, context);
    if (code !== 0) {
      throw new TsopsError(
        "program-failed",
        `the command failed${code === null ? "" : ` with exit code ${code}`}`,
        {
          hint: `run it by hand with SOPS_AGE_RECIPIENT set to see why`,
        },
      );
    }
    return readIdentities(stdout, name, holds, context);
  };
  return { name, holds, command: true, load };
}
