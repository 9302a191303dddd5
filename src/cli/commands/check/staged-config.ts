import { basename, dirname, posix, relative, resolve, sep } from "node:path";
import {
  type ConfigDisk,
  Configurations,
  DISK,
  isForeignFile,
  OWN_NAME,
  SOPS_NAME,
} from "../../../config/find.ts";
import { readFound } from "../../../config/owner.ts";
import type { Objects } from "../../../git/objects.ts";
import type { Repository } from "../../../git/repository.ts";
import { type StagedFile, stagedByName, stagedFiles } from "../../../git/staged.ts";
import type { CheckRun } from "./command.ts";

/** The configurations that the next commit will have: those of the index, and where it has none, what is on disk. */
export interface StagedConfigurations {
  readonly disk: ConfigDisk;
  /** Those of the work tree, if they are others. */
  readonly workTree?: Configurations;
  /** Names of the configurations whose file in the work tree says something else. */
  readonly different: readonly string[];
}

export async function stagedConfigurations(
  repository: Repository & { readonly top: string },
  objects: Objects,
  { args, io }: CheckRun,
): Promise<StagedConfigurations> {
  const { top } = repository;
  const keyOf = (path: string): string => relative(top, path).split(sep).join("/");
  const named = [args.config, io.env.SOPS_CONFIG].flatMap((path) => {
    const key = path ? keyOf(resolve(io.cwd, path)) : "..";
    return key === ".." || key.startsWith("../") ? [] : [key];
  });
  const staged = new Map<string, Buffer>();
  for (const file of await stagedByName(repository, [SOPS_NAME, OWN_NAME], named)) {
    const bytes = await contentOf(file, { repository, objects });
    if (bytes) staged.set(file.path, bytes);
  }
  const different: string[] = [];
  for (const [key, bytes] of staged) {
    const path = resolve(top, key);
    const there = await DISK.read(path).catch(() => undefined);
    if (!there || !bytes.equals(there)) different.push(relative(io.cwd, path));
  }
  const workTree = new Configurations({ cwd: io.cwd, env: io.env, option: args.config });
  return {
    disk: diskOf(staged, keyOf, await foldersOf(staged)),
    different,
    ...(different.length > 0 ? { workTree } : {}),
  };
}

function diskOf(
  staged: ReadonlyMap<string, Buffer>,
  keyOf: (path: string) => string,
  folders: ReadonlySet<string>,
): ConfigDisk {
  const isHidden = (path: string): boolean =>
    [SOPS_NAME, OWN_NAME].includes(basename(path)) && folders.has(keyOf(dirname(path)));
  return {
    exists: async (path) => staged.has(keyOf(path)) || (!isHidden(path) && (await DISK.exists(path))),
    read: async (path) => staged.get(keyOf(path)) ?? (await DISK.read(path)),
    // git has looked at whose the repository is
    found: (path, env) => {
      const bytes = staged.get(keyOf(path));
      return bytes ? { owners: [], bytes } : readFound(path, env);
    },
  };
}

/** Folders that have a configuration in the index: one of the other name that is not staged will not be beside it. */
async function foldersOf(staged: ReadonlyMap<string, Buffer>): Promise<Set<string>> {
  const folders = new Set<string>();
  for (const [key, bytes] of staged) {
    const own = posix.basename(key) === OWN_NAME && !(await isForeignFile(bytes));
    const folder = posix.dirname(key);
    if (own || posix.basename(key) === SOPS_NAME) folders.add(folder === "." ? "" : folder);
  }
  return folders;
}

/** As many links as the system follows. */
const MAX_LINKS = 40;
const LINK = "120000";

/** What a file of the index says, through links that stay there; undefined for what has to be read on disk. */
async function contentOf(
  { path, mode, id, stage }: StagedFile,
  { repository, objects, links = 0 }: { repository: Repository; objects: Objects; links?: number },
): Promise<Buffer | undefined> {
  if (stage !== 0) return undefined;
  const object = await objects.read(id);
  if (/^100/.test(mode)) return object?.bytes;
  const target = object?.bytes.toString() ?? "";
  if (mode !== LINK || target === "" || target.startsWith("/") || links >= MAX_LINKS) return undefined;
  const next = posix.join(posix.dirname(path), target);
  if (next.startsWith("../")) return undefined;
  const [file] = (await stagedFiles(repository, [next])).filter((one) => one.path === next);
  return file && (await contentOf(file, { repository, objects, links: links + 1 }));
}
