import { lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { TsopsError } from "../errors.ts";

/**
 * Refuses a name below a folder if something stands on its way, or in its place, that is neither folder nor file. Others
 * may write to the folder, too: a link that they put there would lead the write to another place, a pipe would hold it up.
 * @throws TsopsError("write")
 */
export function checkWay(folder: string, name: string): void {
  const parts = name.split("/");
  let at = folder;
  for (const [i, part] of parts.entries()) {
    at = join(at, part);
    const there = seen(at);
    if (!there) return;
    if (there.isFile() || (there.isDirectory() && i < parts.length - 1)) continue;
    const what = there.isSymbolicLink() ? "a symbolic link" : "something that is not a file";
    throw new TsopsError("write", `there is ${what} where the file should go`, {
      hint: "remove it if it is not meant to be there; tsops does not write through it",
      place: { file: at },
    });
  }
}

function seen(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
