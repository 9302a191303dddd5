import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { TsopsError } from "../errors.ts";

/** Whose a configuration is: one that was only found says who gets data keys, so it has to be the caller's or root's. */

type Env = Readonly<Record<string, string | undefined>>;

/** The system itself follows no more. */
const MAX_LINKS = 40;

/** A file that was only found: its bytes, and who could have put them there. */
export interface FoundFile {
  /** Of each link on the way to it, and of the file that was opened. */
  readonly owners: readonly number[];
  /** Undefined if it could not be read, or is a stranger's pipe, which could hold everything up. */
  readonly bytes?: Uint8Array;
  readonly info?: Stats;
  /** Why it could not be read. */
  readonly error?: unknown;
}

const MAX_BYTES = 2 ** 24;

/**
 * The bytes of a configuration that is open, or at a path. Not more than a configuration can have: git checks out links,
 * also to devices that never end. @throws TsopsError("config")
 */
export function readBounded(file: number | string, path: string): Buffer {
  if (typeof file === "string") {
    const opened = openSync(file, "r");
    try {
      return readBounded(opened, path);
    } finally {
      closeSync(opened);
    }
  }
  const chunks: Buffer[] = [];
  for (let size = 0; size <= MAX_BYTES; ) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const read = readSync(file, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    size += read;
  }
  throw new TsopsError("config", "the configuration cannot be read: it is larger than 16 MiB", {
    place: { file: path },
    hint: "to use another one, name it with --config or in SOPS_CONFIG",
  });
}

const CHUNK_BYTES = 2 ** 16;

/** Opens a file once, so that what is read is what was looked at. */
export function readFound(path: string, env: Env): FoundFile {
  let owners: number[] = [];
  let file: number | undefined;
  try {
    owners = ownersOf(path);
    // without waiting: a pipe is opened before it is known whose it is
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(file);
    owners.push(info.uid);
    if (info.isFile()) return { owners, info, bytes: readBounded(file, path) };
    if (strangerAmong(owners, env) !== undefined) return { owners, info };
    return { owners, info, bytes: readBounded(info.isFIFO() ? path : file, path) };
  } catch (error) {
    return { owners, error };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The owners of a file and, if it is a link, of each link on the way to it. */
function ownersOf(path: string): number[] {
  const owners: number[] = [];
  for (let at = path; owners.length <= MAX_LINKS; ) {
    const info = lstatSync(at, { throwIfNoEntry: false });
    if (!info) break;
    owners.push(info.uid);
    if (!info.isSymbolicLink()) break;
    at = resolve(dirname(at), readlinkSync(at));
  }
  return owners;
}

/**
 * Refuses a file that somebody else could have put there, as git does (safe.directory).
 * @throws TsopsError("config") that says whose it is.
 */
export function checkOwner(path: string, owners: readonly number[], env: Env): void {
  const stranger = strangerAmong(owners, env);
  if (stranger === undefined) return;
  throw new TsopsError(
    "config",
    `the configuration belongs to user ${stranger}, and you are user ${process.getuid?.()}: it is not used`,
    {
      place: { file: path },
      hint:
        "a configuration says who can read what you encrypt, so one that is only found must be yours or root's\n" +
        `if you trust it, name it with --config ${path}, or in SOPS_CONFIG`,
    },
  );
}

/** Root's files are everybody's; who became root with sudo may have some of their own. Windows has no such owners. */
export function strangerAmong(owners: readonly number[], env: Env): number | undefined {
  const own = process.getuid?.();
  if (own === undefined) return undefined;
  const before = own === 0 && /^\d+$/.test(env.SUDO_UID ?? "") ? Number(env.SUDO_UID) : own;
  return owners.find((uid) => uid !== own && uid !== 0 && uid !== before);
}

/**
 * Who else may write into a file, by its mode. Its owner's own group, which many systems make for each user with the
 * user's number, holds nobody else: a umask of 002 lets it write.
 */
export function writersOf({ mode, uid, gid }: Stats): "every user" | "its group" | undefined {
  if (process.platform === "win32") return undefined;
  if ((mode & 0o002) !== 0) return "every user";
  return (mode & 0o020) !== 0 && gid !== uid ? "its group" : undefined;
}
