import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { errorCode } from "./errors.ts";

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * The file that a path leads to through symbolic links, whether it exists or not: two names of one file give the
 * same answer, and a link that leads nowhere yet gives the file that it will lead to.
 * @throws the operating system's error, `ENOENT` if the folder does not exist.
 */
export function followLinks(path: string): string {
  let at = resolve(path);
  for (let hops = 0; hops < MOST_LINKS; hops++) {
    try {
      return realpathSync.native(at);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    const folder = realpathSync.native(dirname(at));
    at = join(folder, basename(at));
    const link = linkAt(at);
    if (link === undefined) return at;
    // not normalized: `..` behind a linked folder is the parent of where that leads
    at = isAbsolute(link) ? link : folder + sep + link;
  }
  throw Object.assign(new Error("too many symbolic links"), { code: "ELOOP" });
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
