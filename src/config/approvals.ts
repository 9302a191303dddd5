import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { readBounded, strangerAmong } from "./owner.ts";
import { xdgFolder } from "./user-path.ts";

/**
 * Which configurations a person approved, as direnv keeps it: a file for each, whose name is a hash of the configuration's
 * path and content, so that any change withdraws the approval. The file holds the path, for the list.
 */

type Env = Readonly<Record<string, string | undefined>>;

export interface Approval {
  /** The configuration's real path. */
  readonly path: string;
  /** Whether it still says what was approved. */
  readonly current: boolean;
}

export class Approvals {
  /** Undefined where there is no home folder to have it in: then nothing is approved. */
  private readonly folder: string | undefined;
  private readonly env: Env;

  constructor(env: Env, home: string) {
    this.env = env;
    const data = xdgFolder(env.XDG_DATA_HOME, home, ".local/share");
    this.folder = data && join(data, "tsops", "allowed");
  }

  has(path: string, content: Uint8Array): boolean {
    const { folder } = this;
    return (
      folder !== undefined && this.isOurs(folder) && isFile(join(folder, nameFor(realPath(path), content)))
    );
  }

  /** @throws TsopsError("write") if it cannot be kept. */
  add(path: string, content: Uint8Array): void {
    const real = realPath(path);
    const { folder } = this;
    if (folder === undefined) throw noFolder();
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
      writeFileSync(join(folder, nameFor(real, content)), real, { mode: 0o600 });
    } catch (error) {
      throw broken("cannot be kept", folder, error);
    }
  }

  /** Withdraws all approvals of a configuration, whatever it said; it may be gone. @returns how many there were. */
  remove(path: string): number {
    const real = realPath(path);
    const { folder } = this;
    if (folder === undefined) return 0;
    const found = entriesOf(folder).filter((entry) => entry.path === real);
    try {
      for (const { name } of found) rmSync(join(folder, name));
    } catch (error) {
      throw broken("cannot be withdrawn", folder, error);
    }
    return found.length;
  }

  list(): Approval[] {
    const entries = this.folder === undefined ? [] : entriesOf(this.folder);
    return entries.map(({ name, path }) => ({ path, current: nameNow(path) === name }));
  }

  /** Where others can write, they could approve for us. */
  private isOurs(folder: string): boolean {
    const info = lstatSync(folder, { throwIfNoEntry: false });
    if (!info?.isDirectory() || strangerAmong([info.uid], this.env) !== undefined) return false;
    return process.platform === "win32" || (info.mode & 0o022) === 0;
  }
}

function entriesOf(folder: string): { name: string; path: string }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw broken("cannot be read", folder, error);
  }
  return names
    .filter((name) => NAME.test(name) && isFile(join(folder, name)))
    .map((name) => ({ name, path: readFileSync(join(folder, name), "utf8") }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function broken(what: string, folder: string, cause: unknown): TsopsError {
  const { code } = cause as NodeJS.ErrnoException;
  return new TsopsError("write", `approvals ${what} in ${folder} (${code ?? "unknown cause"})`, {
    hint: ELSEWHERE,
    cause,
  });
}

function noFolder(): TsopsError {
  return new TsopsError("write", "approvals cannot be kept: there is no home folder", { hint: ELSEWHERE });
}

const ELSEWHERE = "XDG_DATA_HOME names another place; without approvals, TSOPS_ALLOW names what may be used";

const NAME = /^[0-9a-f]{64}$/;

/** No path holds a zero byte: with a line break between them, a path could end in what is content for another one. */
function nameFor(real: string, content: Uint8Array): string {
  return createHash("sha256").update(`${real}\0`).update(content).digest("hex");
}

/** What a configuration's approval would be called now. */
function nameNow(path: string): string | undefined {
  try {
    return nameFor(path, readBounded(path, path));
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
