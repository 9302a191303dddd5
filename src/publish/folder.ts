import { lstat, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TsopsError } from "../errors.ts";
import { replaceFile } from "../files/atomic.ts";
import { errorCode, readError, writeError } from "../files/errors.ts";
import type { Standing, Target } from "./target.ts";

/** A folder on this machine, or on a share that is mounted there. Not one of SOPS's. */
export function folderTarget(folder: string): Target {
  const pathOf = (name: string): string => join(folder, ...name.split("/"));
  return {
    takes: "file",
    addressOf: pathOf,
    async read(name): Promise<Standing> {
      await checkWay(folder, name);
      try {
        return await readFile(pathOf(name));
      } catch (error) {
        const code = errorCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return "nothing";
        if (code === "EACCES" || code === "EPERM") return "unreadable";
        throw readError(error, pathOf(name));
      }
    },
    async write(name, bytes) {
      const path = pathOf(name);
      await mkdir(dirname(path), { recursive: true }).catch((error) => {
        throw writeError(error, path);
      });
      await checkWay(folder, name);
      await replaceFile(path, bytes);
    },
  };
}

/**
 * Others may write to the folder, too: a link that they put there would lead the write to another place, a pipe would
 * hold it up.
 */
async function checkWay(folder: string, name: string): Promise<void> {
  const parts = name.split("/");
  let at = folder;
  for (const [i, part] of parts.entries()) {
    at = join(at, part);
    const there = await lstat(at).catch(() => undefined);
    if (!there) return;
    if (there.isFile() || (there.isDirectory() && i < parts.length - 1)) continue;
    const what = there.isSymbolicLink() ? "a symbolic link" : "something that is not a file";
    throw new TsopsError("write", `${what} stands where the file should go`, {
      hint: "remove it if it is not meant to be there; tsops does not write through it",
      place: { file: at },
    });
  }
}
