import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import type { Here } from "../../../git/compared.ts";
import { Objects } from "../../../git/objects.ts";
import { gitIn } from "../../../git/program.ts";
import { type Repository, requireRepository } from "../../../git/repository.ts";
import type { Run } from "../../command.ts";
import type { Io } from "../../io.ts";

/** The repository that a person stands in, as the commands of `git` need it. */
export interface Place {
  readonly io: Io;
  readonly repository: Repository;
  /** git where its configuration and its files are those of the repository. */
  readonly here: Here;
}

export async function placeOf({ io }: Pick<Run, "io">): Promise<Place> {
  const repository = await requireRepository(io.cwd, io.env, { placed: true });
  return { io, repository, here: { git: (await gitIn(io.cwd, io.env, { placed: true }))! } };
}

/** Work with objects of the repository. */
export async function withObjects<T>({ here }: Place, work: (objects: Objects) => Promise<T>): Promise<T> {
  const objects = new Objects(here);
  try {
    return await work(objects);
  } finally {
    objects.close();
  }
}

/** A path as a person says it: from the folder where they stand, or as it is where that is shorter. */
export function shownPath(path: string, { io }: Pick<Place, "io">): string {
  const below = relative(io.cwd, path);
  return below.startsWith("..") ? path : below;
}

/**
 * A file's bytes; undefined if it is not there. What is written stays in the repository, so no file and no folder on the
 * way to it may be a link. @throws TsopsError("write")
 */
export function ownFile(path: string, base: string): Buffer | undefined {
  checkInside(path, base);
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (!info) return undefined;
  if (info.isFile()) return readFileSync(path);
  throw leadsAway(path, info.isSymbolicLink() ? "a link" : "not a regular file");
}

function checkInside(path: string, base: string): void {
  const folder = existing(dirname(path));
  const real = relative(realpathSync(base), realpathSync(folder));
  if (real === relative(resolve(base), resolve(folder))) return;
  throw leadsAway(folder, "or leads over, a link");
}

function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}

function leadsAway(path: string, what: string): TsopsError {
  return new TsopsError("write", `${basename(path)} is ${what}, and nothing is written there`, {
    place: { file: path },
    hint: "nothing was changed; put a regular file in its place, or leave this part out",
  });
}

/** The folder that holds hooks where nothing else is said. */
export function hooksFolder({ repository }: Place): string {
  return join(repository.commonFolder, "hooks");
}
