import { lstat, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { TsopsError } from "../errors.ts";
import { listensOn, MAX_SOCKET_PATH_BYTES } from "../net/socket.ts";
import { printable } from "../printable.ts";

/**
 * Makes room for a Unix socket: removes the one that a process which is gone left there.
 * @throws TsopsError("bad-setting") if somebody listens on it, if there is something that is no socket, or if there
 * can be none.
 */
export async function clearSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw cannotListen(path, `a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  // Node says of a missing folder that there is no permission
  if (!(await stat(dirname(path)).catch(() => undefined))?.isDirectory()) {
    throw cannotListen(path, "its folder is not there");
  }
  const info = await lstat(path).catch(() => undefined);
  if (!info) return;
  if (!info.isSocket()) {
    throw new TsopsError("bad-setting", `${printable(path)} is there already, and is not a socket`, {
      hint: "choose another --address; nothing was removed",
    });
  }
  if (await listensOn(path)) {
    throw new TsopsError("bad-setting", `another process listens on ${printable(path)}`, {
      hint: "stop it first, or choose another --address",
    });
  }
  await unlink(path).catch(() => undefined);
}

export function cannotListen(where: string, why: string, cause?: unknown): TsopsError {
  return new TsopsError("bad-setting", `cannot listen on ${printable(where)}: ${why}`, {
    hint: "choose another --address, or stop what is there",
    cause,
  });
}
