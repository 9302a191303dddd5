import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withRoom } from "../descriptors.ts";
import { replaceFile } from "../files/atomic.ts";
import { errorCode, readError, writeError } from "../files/errors.ts";
import { checkWay } from "../files/way.ts";
import type { Standing, Target } from "./target.ts";

/** A folder on this machine, or on a share that is mounted there. Not one of SOPS's. */
export function folderTarget(folder: string): Target {
  const pathOf = (name: string): string => join(folder, ...name.split("/"));
  return {
    takes: "file",
    addressOf: pathOf,
    async read(name): Promise<Standing> {
      checkWay(folder, name);
      try {
        return await withRoom(() => readFile(pathOf(name)));
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
      checkWay(folder, name);
      await replaceFile(path, bytes);
    },
  };
}
