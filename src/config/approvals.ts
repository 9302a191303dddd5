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
import { strangerAmong } from "./owner.ts";
import { xdgFolder } from "./user.ts";

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
  readonly folder: string;
  private readonly env: Env;

  constructor(env: Env, home: string) {
    this.env = env;
    this.folder = join(xdgFolder(env.XDG_DATA_HOME, home, ".local/share"), "tsops", "allowed");
  }

  has(path: string, content: Uint8Array): boolean {
    return this.isOurs() && this.isApproval(nameFor(realPath(path), content));
  }

  /** @throws TsopsError("write") if it cannot be kept. */
  add(path: string, content: Uint8Array): void {
    const real = realPath(path);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      chmodSync(this.folder, 0o700);
      writeFileSync(join(this.folder, nameFor(real, content)), real, { mode: 0o600 });
    } catch (error) {
      throw this.broken("cannot be kept", error);
    }
  }

  /** Withdraws all approvals of a configuration, whatever it said; it may be gone. @returns how many there were. */
  remove(path: string): number {
    const real = realPath(path);
    const found = this.entries().filter((entry) => entry.path === real);
    try {
      for (const { name } of found) rmSync(join(this.folder, name));
    } catch (error) {
      throw this.broken("cannot be withdrawn", error);
    }
    return found.length;
  }

  list(): Approval[] {
    return this.entries().map(({ name, path }) => ({ path, current: nameNow(path) === name }));
  }

  private entries(): { name: string; path: string }[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw this.broken("cannot be read", error);
    }
    return names
      .filter((name) => NAME.test(name) && this.isApproval(name))
      .map((name) => ({ name, path: readFileSync(join(this.folder, name), "utf8") }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Where others can write, they could approve for us. */
  private isOurs(): boolean {
    const info = lstatSync(this.folder, { throwIfNoEntry: false });
    if (!info?.isDirectory() || strangerAmong([info.uid], this.env) !== undefined) return false;
    return process.platform === "win32" || (info.mode & 0o022) === 0;
  }

  private isApproval(name: string): boolean {
    return lstatSync(join(this.folder, name), { throwIfNoEntry: false })?.isFile() === true;
  }

  private broken(what: string, cause: unknown): TsopsError {
    const { code } = cause as NodeJS.ErrnoException;
    return new TsopsError("write", `approvals ${what} in ${this.folder} (${code ?? "unknown cause"})`, {
      hint: "XDG_DATA_HOME names another place; without approvals, TSOPS_ALLOW names what may be used",
      cause,
    });
  }
}

const NAME = /^[0-9a-f]{64}$/;

function nameFor(real: string, content: Uint8Array): string {
  return createHash("sha256").update(`${real}\n`).update(content).digest("hex");
}

/** What a configuration's approval would be called now. */
function nameNow(path: string): string | undefined {
  try {
    return nameFor(path, readFileSync(path));
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
