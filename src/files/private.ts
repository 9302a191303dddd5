import { mkdtempSync, rmSync } from "node:fs";
import { chmod, chown, mkdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { errorCode, writeError } from "./errors.ts";
import { onWayOut } from "./wayout.ts";

/** A folder for plaintext that only its owner can look into, and that is gone when it is not needed any more. */
export interface PrivateFolder {
  readonly path: string;
  /** Whether it never reaches a disk (but for swap space), so that it is gone after a restart. */
  readonly inMemory: boolean;
  /** Writes a new file, 0600, and gives its path. `name` may hold folders; they are made. */
  write(name: string, bytes: Uint8Array): Promise<string>;
  /** Makes the folders that `name` holds. */
  makeParents(name: string): Promise<void>;
  /** Leaves the folder where it is, for a person to look into; `remove` and signals do nothing then. */
  keep(): void;
  /** Removes it with all that is in it. May be called twice. */
  remove(): Promise<void>;
}

export interface PrivateOptions {
  /** Says where folders for such things are: XDG_RUNTIME_DIR, TMPDIR. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: (message: string) => unknown;
  /** About how many bytes it will have to hold. */
  readonly size?: number;
  /** The user who is to own it, if that is somebody else. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/*
 * Files are removed, not overwritten first: in memory there is nothing to overwrite, and on today's disks and file
 * systems (flash translation, copy on write, journals, snapshots) new bytes go to another place than the old ones.
 * It would promise what it cannot keep. Whoever worries about the disk uses a folder in memory; hence the warning.
 */

/**
 * Makes a private folder: below `$XDG_RUNTIME_DIR`, else `/dev/shm`, which are in memory, else in the temp folder,
 * with a warning if that is on a disk. It is removed if a signal or an error ends the process.
 * @throws TsopsError("write") if no folder can be made.
 */
export async function makePrivateFolder(options: PrivateOptions): Promise<PrivateFolder> {
  let ours: string | undefined;
  // asked for before the folder is there, so that there is no moment at which a signal would leave it
  const done = onWayOut(() => {
    if (ours !== undefined) removeNow(ours);
  });
  const keep = (): void => {
    ours = undefined;
    done();
  };
  try {
    const make = (base: string): string => (ours = mkdtempSync(join(base, "tsops-")));
    const { path, inMemory } = await makeFolder(make, options);
    const remove = async (): Promise<void> => {
      if (ours === undefined) return;
      try {
        // looking into it needs room, too
        await withRoom(() => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
      } catch (error) {
        options.warn(`${path} holds plaintext and could not be removed (${errorCode(error)}): remove it`);
      }
      keep();
    };
    const write = (name: string, bytes: Uint8Array) => writeInside(path, name, bytes, options.owner);
    return {
      path,
      inMemory,
      keep,
      remove,
      write,
      makeParents: (name) => makeParents(path, name, options.owner),
    };
  } catch (error) {
    done();
    throw error;
  }
}

function removeNow(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // the process is ending: there is nobody left who could do better
  }
}

/** Makes a folder where there is room for it. `make` makes one below a base, 0700. */
async function makeFolder(
  make: (base: string) => string,
  { env, warn, size = 0, owner }: PrivateOptions,
): Promise<{ path: string; inMemory: boolean }> {
  const makeIn = async (base: string): Promise<string> => {
    const path = make(base);
    try {
      if (owner) await chown(path, owner.uid, owner.gid);
      return path;
    } catch (error) {
      removeNow(path);
      throw error;
    }
  };
  for (const base of await memoryFolders(env, owner === undefined)) {
    if (!(await hasRoom(base, size))) continue;
    const path = await makeIn(base).catch(() => undefined);
    if (path !== undefined) return { path, inMemory: true };
  }
  const base = tempFolder(env);
  try {
    const path = await makeIn(base);
    const inMemory = await isMemory(path);
    if (!inMemory) {
      warn(
        `plaintext is written to ${base} while tsops runs, perhaps on a disk: there is no folder in memory ` +
          "(XDG_RUNTIME_DIR, /dev/shm) with enough room",
      );
    }
    return { path, inMemory };
  } catch (error) {
    throw noFolder(base, error);
  }
}

/** Folders in memory that can be used. The user's own is closed to other users, so it is not for theirs. */
async function memoryFolders(env: PrivateOptions["env"], own: boolean): Promise<string[]> {
  if (process.platform === "win32") return [];
  const folders: string[] = [];
  const runtime = env.XDG_RUNTIME_DIR;
  if (own && runtime !== undefined && isAbsolute(runtime) && (await isOwn(runtime))) folders.push(runtime);
  if (process.platform === "linux" && (await isMemory("/dev/shm"))) folders.push("/dev/shm");
  return folders;
}

/** Whether a folder is as the XDG specification wants it: the user's, and nobody else gets in. */
async function isOwn(folder: string): Promise<boolean> {
  const info = await stat(folder).catch(() => undefined);
  return info?.isDirectory() === true && info.uid === process.getuid?.() && (info.mode & 0o077) === 0;
}

/** tmpfs and ramfs, by their numbers in statfs(2). */
const MEMORY_TYPES: readonly number[] = [0x01021994, 0x858458f6];

async function isMemory(folder: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const info = await statfs(folder).catch(() => undefined);
  return info !== undefined && MEMORY_TYPES.includes(info.type);
}

/** Editors write copies, so one time the size is not enough. Containers often have 64 MiB only. */
async function hasRoom(folder: string, size: number): Promise<boolean> {
  const info = await statfs(folder).catch(() => undefined);
  return info !== undefined && info.bavail * info.bsize > 3 * size + 2 ** 20;
}

function tempFolder(env: PrivateOptions["env"]): string {
  if (process.platform !== "win32") return env.TMPDIR || "/tmp";
  return env.TEMP || env.TMP || join(env.SystemRoot ?? "C:\\Windows", "temp");
}

async function writeInside(
  folder: string,
  name: string,
  bytes: Uint8Array,
  owner: PrivateOptions["owner"],
): Promise<string> {
  const path = join(folder, name);
  try {
    await makeParents(folder, name, owner);
    await writeFile(path, bytes, { mode: 0o600, flag: "wx" });
    await chmod(path, 0o600);
    if (owner) await chown(path, owner.uid, owner.gid);
    return path;
  } catch (error) {
    throw writeError(error, path);
  }
}

async function makeParents(folder: string, name: string, owner: PrivateOptions["owner"]): Promise<void> {
  try {
    let at = folder;
    for (const part of normalize(dirname(name)).split(sep)) {
      at = join(at, part);
      await mkdir(at, { recursive: true, mode: 0o700 });
      if (owner) await chown(at, owner.uid, owner.gid);
    }
  } catch (error) {
    throw writeError(error, join(folder, name));
  }
}

function noFolder(base: string, cause: unknown): TsopsError {
  return new TsopsError(
    "write",
    `no private folder can be made for the plaintext in ${base} (${errorCode(cause)})`,
    {
      hint: "set TMPDIR to a folder that you can write to, preferably in memory",
      cause,
    },
  );
}
