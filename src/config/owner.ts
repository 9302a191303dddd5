import { closeSync, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { TsopsError } from "../errors.ts";

/** Whose a configuration is: one that was only found says who gets data keys, so it has to be the caller's or root's. */

type Env = Readonly<Record<string, string | undefined>>;

/** The system itself follows no more. */
const MAX_LINKS = 40;

/** The owners of a file and, if it is a link, of each link on the way to it. */
export function ownersOf(path: string): number[] {
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

/** A file's bytes, if it is a stranger's neither when it is opened nor before. @throws as checkOwner. */
export function readOwned(path: string, env: Env): Buffer {
  checkOwner(path, ownersOf(path), env);
  const file = openSync(path, "r");
  try {
    // another one may stand there by now
    checkOwner(path, [fstatSync(file).uid], env);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
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
