import { lstat, stat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";

/** How long a process may take to accept a connection before it is still taken for a living one. */
const LIMIT_MS = 2000;

/** Room for a path in the address of a socket, without the zero at its end; Node cuts off what is longer. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/**
 * Makes room for a Unix socket: removes the one that a process which is gone left there.
 * @throws TsopsError("bad-setting") if somebody listens on it, if there is something that is no socket, or if there
 * can be none.
 */
export async function clearSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw cannotListen(path, `a socket's path has at most ${MAX_PATH_BYTES} bytes`);
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
  if (await answers(path)) {
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

/** Whether a process listens. If that cannot be found out, one does: its socket must not be taken away. */
async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    const end = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(LIMIT_MS, () => end(true));
    socket.once("connect", () => end(true));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
