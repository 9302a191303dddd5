import { delimiter, isAbsolute } from "node:path";
import { type Program, programOf } from "../../../git/drivers.ts";
import { canRun, findProgram } from "../../../programs/run.ts";
import type { Io } from "../../io.ts";

/** How git will start tsops, and what a person should know of it. */
export interface Chosen {
  readonly program: Program;
  readonly remark?: string;
}

/**
 * By its name where that is on the PATH of a shell. The folders that npm puts before it (`npx`, `npm run`) are gone when
 * git is started by itself: then the path of this very program counts.
 */
export async function chooseProgram(io: Io): Promise<Chosen> {
  if (findProgram("tsops", { PATH: usualPath(io.env.PATH ?? "") }) !== undefined)
    return { program: programOf() };
  const path = ownPath();
  const npx = path.some((word) => /[\\/]_npx[\\/]/.test(word));
  const remark = npx
    ? `tsops is not on PATH: git gets the path in npx's cache, which may be emptied (${path.at(-1)}). Install it instead`
    : `tsops is not on PATH: git gets its path (${path.at(-1)}). If it moves, run this again`;
  return { program: programOf(path), remark };
}

export function usualPath(path: string): string {
  return path
    .split(delimiter)
    .filter(
      (folder) => isAbsolute(folder) && !/[\\/]node_modules[\\/]\.bin[\\/]?$|[\\/]_npx[\\/]/.test(folder),
    )
    .join(delimiter);
}

/** This program: a script that can be started, or one that Node starts. */
function ownPath(): string[] {
  const [node = process.execPath, script] = process.argv;
  if (script === undefined || script === node) return [process.execPath];
  return canRun(script) ? [script] : [process.execPath, script];
}
