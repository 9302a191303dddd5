import { promises, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isShortage, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { decodeText } from "../formats/text.ts";
import type { Config } from "./model.ts";
import { checkOwner, type FoundFile, readFound } from "./owner.ts";

/** How a configuration was found. */
export type FoundBy = "--config" | "SOPS_CONFIG" | "working folder" | "folder of the file";

export interface ConfigSearch {
  /** The file that counts, and how it was found; undefined if there is none. */
  readonly path?: string;
  readonly by?: FoundBy;
  /** What the person should know about the search, such as a `.sops.yml` that was passed over. */
  readonly warnings: readonly string[];
}

export interface LoadedConfig extends ConfigSearch {
  readonly config?: Config;
}

/** What is needed of the disk. */
export interface ConfigDisk {
  exists(path: string): Promise<boolean>;
  read(path: string): Promise<Uint8Array>;
  /** Reads one that was only found, and says who could have put it there; without it, whoever it was is trusted. */
  found?(path: string, env: SearchOptions["env"]): FoundFile;
}

export interface SearchOptions {
  /** The working folder, absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The value of `--config`. */
  readonly option?: string;
  readonly disk?: ConfigDisk;
}

export const DISK: ConfigDisk = {
  // dozens of these come before every command: the synchronous call costs a tenth of the other
  exists: async (path) => {
    try {
      return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  },
  read: (path) => withRoom(() => promises.readFile(path)),
  found: readFound,
};

/** Folders that SOPS looks into, the first one included (docs/internals/sops.md §7). */
const MAX_FOLDERS = 100;

export const SOPS_NAME = ".sops.yaml";
export const OWN_NAME = ".sopsrc";
/** SOPS passes it over with a warning. */
const IGNORED_NAME = ".sops.yml";

/**
 * Finds and reads configurations for one run; each folder is searched and each file read once.
 *
 * `--config`, then SOPS_CONFIG, name the file. Otherwise the nearest one from the working folder upwards counts, as
 * in SOPS. Where there is none, tsops looks from the folder of the file upwards.
 */
export class Configurations {
  private readonly options: SearchOptions;
  private readonly disk: ConfigDisk;
  private readonly searched = new Map<string, Promise<ConfigSearch>>();
  /** What was found, as it was when it was looked at. */
  private readonly files = new Map<string, Promise<FoundFile>>();
  private readonly loaded = new Map<string, Promise<Config>>();
  /** Those that stand only beside a file that was asked about. */
  private readonly far = new Set<string>();

  constructor(options: SearchOptions) {
    this.options = options;
    this.disk = options.disk ?? DISK;
  }

  /**
   * Which configuration counts for a file, given by its absolute path, or for none in particular.
   * @throws TsopsError("config") if one folder holds both `.sops.yaml` and `.sopsrc`, or if it is a stranger's.
   */
  async find(file?: string): Promise<ConfigSearch> {
    const { cwd, env, option } = this.options;
    if (option) return { path: resolve(cwd, option), by: "--config", warnings: [] };
    if (env.SOPS_CONFIG) return { path: resolve(cwd, env.SOPS_CONFIG), by: "SOPS_CONFIG", warnings: [] };
    const near = await this.search(cwd);
    if (near.path !== undefined) return { ...near, by: "working folder" };
    const far = file === undefined ? { warnings: [] } : await this.search(dirname(file));
    const warnings = [...new Set([...near.warnings, ...far.warnings])];
    if (far.path === undefined) return { warnings };
    this.far.add(far.path);
    return { path: far.path, by: "folder of the file", warnings };
  }

  /** The configurations that were found only in the folders of files so far. */
  get besideFiles(): ReadonlySet<string> {
    return this.far;
  }

  /**
   * The configuration for a file, with `errors` that the functions of match.ts throw when it is used.
   * @throws TsopsError("config") if it cannot be read at all.
   */
  async load(file?: string): Promise<LoadedConfig> {
    const found = await this.find(file);
    if (found.path === undefined) return found;
    return { ...found, config: await this.read(found.path, found.by) };
  }

  private read(path: string, by: FoundBy | undefined): Promise<Config> {
    let config = this.loaded.get(path);
    if (!config) this.loaded.set(path, (config = readConfigFile(path, this.diskFor(by))));
    return config;
  }

  /** What was only found is not read again: somebody else's may have taken its place. */
  private diskFor(by: FoundBy | undefined): ConfigDisk {
    if (by === "--config" || by === "SOPS_CONFIG") return this.disk;
    return { ...this.disk, read: async (path) => bytesOf(await this.look(path)) };
  }

  private search(folder: string): Promise<ConfigSearch> {
    let found = this.searched.get(folder);
    if (!found) this.searched.set(folder, (found = this.searchOwned(folder)));
    return found;
  }

  private async searchOwned(folder: string): Promise<ConfigSearch> {
    const found = await searchUpwards(folder, this.disk, (path) => this.isForeign(path));
    if (found.path !== undefined) {
      checkOwner(found.path, (await this.look(found.path)).owners, this.options.env);
    }
    return found;
  }

  private look(path: string): Promise<FoundFile> {
    let file = this.files.get(path);
    if (!file) this.files.set(path, (file = foundFile(path, this.disk, this.options.env)));
    return file;
  }

  /** Whether a `.sopsrc` is another program's; one that cannot be read counts as ours. */
  private async isForeign(path: string): Promise<boolean> {
    const { bytes } = await this.look(path);
    return bytes !== undefined && (await isForeignFile(bytes));
  }
}

/** Whether what stands in a `.sopsrc` is another program's. */
export async function isForeignFile(bytes: Uint8Array): Promise<boolean> {
  try {
    const text = decodeText(bytes);
    return !text.startsWith("{") && (await (await import("./foreign.ts")).isForeign(text));
  } catch {
    return false;
  }
}

async function foundFile(path: string, disk: ConfigDisk, env: SearchOptions["env"]): Promise<FoundFile> {
  const { found } = disk;
  if (found) return await openedFile(() => found(path, env));
  try {
    return { owners: [], bytes: await disk.read(path) };
  } catch (error) {
    return { owners: [], error };
  }
}

/** A file that was found says why it cannot be read; that there is no room for it passes. */
async function openedFile(read: () => FoundFile): Promise<FoundFile> {
  const once = (): FoundFile => {
    const file = read();
    if (isShortage(file.error)) throw file.error;
    return file;
  };
  return await withRoom(once).catch((error: unknown) => ({ owners: [], error }));
}

function bytesOf({ bytes, error }: FoundFile): Uint8Array {
  if (!bytes) throw error;
  return bytes;
}

/** Whether a file of that name is read as `.sopsrc`; every other one is read as `.sops.yaml`. */
export function isSopsrcName(path: string): boolean {
  const name = basename(path);
  return name.startsWith(OWN_NAME) || name.endsWith(OWN_NAME) || name.endsWith(".json5");
}

/** A configuration from its text. @throws TsopsError("config") if it is neither YAML nor JSON5. */
export async function readConfig(text: string, path: string): Promise<Config> {
  if (text.includes("ENC[")) (await import("./foreign.ts")).refuseEncrypted(text, path);
  const config = isSopsrcName(path)
    ? await (await import("./sopsrc.ts")).readSopsrc(text, path)
    : await (await import("./sops-yaml.ts")).readSopsYaml(text, path);
  if (!/AGE-|PRIVATE KEY/i.test(text)) return config;
  return { ...config, secrets: (await import("./secrets.ts")).secretErrors(text, config) };
}

/** A configuration from disk. @throws TsopsError("config") if it cannot be read. */
export async function readConfigFile(path: string, disk: ConfigDisk = DISK): Promise<Config> {
  let bytes: Uint8Array;
  try {
    bytes = await disk.read(path);
  } catch (error) {
    if (error instanceof TsopsError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = { ENOENT: "there is no such file", EACCES: "no permission", EISDIR: "it is a folder" }[code];
    throw new TsopsError("config", `the configuration cannot be read: ${why ?? "an error of the disk"}`, {
      place: { file: path },
      hint: "to use another one, name it with --config or in SOPS_CONFIG",
      cause: error,
    });
  }
  return await readConfig(decodeText(bytes), path);
}

async function searchUpwards(
  folder: string,
  disk: ConfigDisk,
  isForeign: (path: string) => Promise<boolean>,
): Promise<ConfigSearch> {
  let ignored: string | undefined;
  const foreign: string[] = [];
  let at = folder;
  for (let i = 0; i < MAX_FOLDERS; i++) {
    const paths = [SOPS_NAME, OWN_NAME, IGNORED_NAME].map((name) => join(at, name));
    const [sops, named, other] = await Promise.all(paths.map((path) => disk.exists(path)));
    const own = named && !(await isForeign(paths[1]!));
    if (named && !own) foreign.push(isPassedOver(paths[1]!));
    if (sops && own) throw bothThere(at);
    if (sops || own) {
      const path = paths[sops ? 0 : 1]!;
      if (own && other) ignored ??= paths[2]!;
      return {
        path,
        warnings: [
          ...foreign,
          ...(ignored === undefined ? [] : [`${isIgnored(ignored)}; using ${path} instead`]),
        ],
      };
    }
    if (other) ignored ??= paths[2]!;
    const parent = dirname(at);
    if (parent === at) break;
    at = parent;
  }
  return { warnings: [...foreign, ...(ignored === undefined ? [] : [isIgnored(ignored)])] };
}

function isPassedOver(path: string): string {
  return `${path} is skipped: it is another program's, since it is not an object between { and }`;
}

function isIgnored(path: string): string {
  return `${path} is ignored: the configuration must be called ${SOPS_NAME}`;
}

function bothThere(folder: string): TsopsError {
  return new TsopsError("config", `${folder} holds both ${SOPS_NAME} and ${OWN_NAME}`, {
    place: { file: join(folder, OWN_NAME) },
    hint: "they would contradict each other sooner or later: keep one of them, or name one with --config",
  });
}
