import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode } from "./errors.ts";

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * The file that a path leads to through symbolic links, whether it exists or not: two names of one file give the
 * same answer, and a link that leads nowhere yet gives the file that it will lead to.
 * @throws the operating system's error, `ENOENT` if the folder does not exist.
 */
export async function followLinks(path: string): Promise<string> {
  let at = resolve(path);
  for (let hops = 0; hops < MOST_LINKS; hops++) {
    try {
      return await realpath(at);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    const folder = await realpath(dirname(at));
    at = join(folder, basename(at));
    const link = await readlink(at).catch(() => undefined);
    if (link === undefined) return at;
    at = resolve(folder, link);
  }
  throw Object.assign(new Error("too many symbolic links"), { code: "ELOOP" });
}
