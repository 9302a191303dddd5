import fs from "node:fs";
import { join, resolve, sep } from "node:path";
import { TsopsError } from "../errors.ts";
import { errorCode, readError } from "./errors.ts";
import { isOwnName } from "./own.ts";
import { statOf } from "./stat.ts";

export interface DiscoverOptions {
  /** The folder that relative names start from. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
}

/** Folders that hold no files of the person who asks. */
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * The files that names, folders and patterns stand for, in the order given, each once; what a folder or pattern
 * stands for is in the order of its characters' codes. Names come back as they were given, also if there is no such
 * file: reading it says so better. Folders are walked with all that is below them, files whose name starts with a dot
 * included, but for `.git` and `node_modules`; links to folders are not followed. In patterns `*` stands for any
 * part of a name, `?` for one character, and `**` for any number of folders; a dot at the start of a name has to be
 * written.
 * @throws TsopsError("no-such-file") if a pattern matches nothing, TsopsError("read") if a folder cannot be read,
 * TsopsError("aborted").
 */
export async function discover(
  given: readonly string[],
  { cwd, signal }: DiscoverOptions,
): Promise<string[]> {
  const found: string[] = [];
  const seen = new Seen();
  for (const name of given) {
    for (const file of await filesOf(name, cwd, signal)) {
      if (seen.isNew(resolve(cwd, file))) found.push(file);
    }
  }
  return found;
}

/** Files that occurred. Following a path to its end takes long, so that is done only for those with equal numbers. */
class Seen {
  private readonly byNumber = new Map<string, string[]>();

  isNew(path: string): boolean {
    const info = statOf(path);
    // hard links have one number and are several files
    const number = info && info.ino !== 0 ? `${info.dev}:${info.ino}` : "";
    const others = this.byNumber.get(number);
    if (!others) {
      this.byNumber.set(number, [path]);
      return true;
    }
    const real = realPathOf(path);
    if (others.some((other) => realPathOf(other) === real)) return false;
    others.push(path);
    return true;
  }
}

/** What one name stands for. A file or folder of that very name comes before a pattern. */
async function filesOf(name: string, cwd: string, signal?: AbortSignal): Promise<string[]> {
  const info = statOf(resolve(cwd, name));
  const search = new Search(cwd, signal);
  if (info?.isDirectory()) await search.below(name);
  else if (info || !isPattern(name)) return [name];
  else await search.matching(name);
  const files = [...search.found].sort();
  if (files.length > 0 || info) return files;
  throw new TsopsError("no-such-file", `no file matches ${name}`, {
    hint: "a dot at the start of a name has to be written in a pattern; ** stands for any number of folders",
  });
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

interface Item {
  readonly name: string;
  readonly folder: boolean;
}

class Search {
  readonly found = new Set<string>();
  private readonly visited = new Set<string>();
  private readonly cwd: string;
  private readonly signal: AbortSignal | undefined;

  constructor(cwd: string, signal: AbortSignal | undefined) {
    this.cwd = cwd;
    this.signal = signal;
  }

  /** Every file below a folder. */
  async below(folder: string): Promise<void> {
    for (const { name, folder: isFolder } of await this.list(folder)) {
      const path = join(folder, name);
      if (isFolder) await this.below(path);
      else this.found.add(path);
    }
  }

  async matching(pattern: string): Promise<void> {
    // on Windows a backslash parts folders; elsewhere it is a character like others
    const parts = (sep === "\\" ? pattern.replaceAll("\\", "/") : pattern).split("/");
    const first = parts.findIndex(isPattern);
    const base = parts.slice(0, first).join("/");
    const rest = parts
      .slice(first)
      .filter((part, i, all) => part !== "" && !(part === "**" && all[i - 1] === "**"));
    await this.match(first > 0 && base === "" ? "/" : base, rest);
  }

  /** Files below a folder whose path is as the parts of a pattern say, a part for each level. */
  private async match(folder: string, parts: readonly string[]): Promise<void> {
    // several ** lead to the same place in several ways
    const visit = `${parts.length} ${folder}`;
    if (this.visited.has(visit)) return;
    this.visited.add(visit);
    const [part = "", ...rest] = parts;
    const last = rest.length === 0;
    const any = part === "**";
    if (any && !last) await this.match(folder, rest);
    const matches = matcher(any ? "*" : part);
    for (const item of await this.list(folder)) {
      if (!matches.test(item.name)) continue;
      const path = join(folder, item.name);
      if (item.folder) {
        if (any) await this.match(path, parts);
        else if (!last) await this.match(path, rest);
      } else if (last) this.found.add(path);
    }
  }

  private async list(folder: string): Promise<Item[]> {
    if (this.signal?.aborted) throw new TsopsError("aborted", "stopped while looking for files");
    const path = resolve(this.cwd, folder);
    try {
      const items: Item[] = [];
      for (const entry of await fs.promises.readdir(path, { withFileTypes: true })) {
        if (entry.isDirectory()) {
          if (!SKIPPED.has(entry.name)) items.push({ name: entry.name, folder: true });
        } else if (entry.isFile()) {
          if (!isOwnName(entry.name)) items.push({ name: entry.name, folder: false });
        } else if (entry.isSymbolicLink() && leadsToFile(join(path, entry.name))) {
          items.push({ name: entry.name, folder: false });
        }
      }
      return items;
    } catch (error) {
      // it was there a moment ago, or a pattern guessed at it
      if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
      throw readError(error, folder);
    }
  }
}

function leadsToFile(link: string): boolean {
  return statOf(link)?.isFile() === true;
}

function realPathOf(path: string): string {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return path;
  }
}

/** One part of a pattern as a regular expression. Characters, not UTF-16 units: `?` is one of them. */
function matcher(part: string): RegExp {
  const source = [...part.replace(/\*+/g, "*")].map((char) => {
    if (char === "*") return ".*";
    return char === "?" ? "." : char.replace(/[\\^$.|+()[\]{}/]/, "\\$&");
  });
  const dots = /^[*?]/.test(part) ? "(?!\\.)" : "";
  return new RegExp(`^${dots}${source.join("")}$`, "su");
}
