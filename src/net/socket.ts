import { connect } from "node:net";

/** Room for a path in the address of a socket, without the zero at its end; Node cuts off what is longer. */
export const MAX_SOCKET_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** How long a process may take to accept a connection before it is still taken for a living one. */
const LIMIT_MS = 2000;

/** Whether a process listens on a socket. If that cannot be found out, one does: it must not be taken away. */
export async function listensOn(path: string): Promise<boolean> {
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
