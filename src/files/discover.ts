import fs from "node:fs";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { errorCode, readError } from "./errors.ts";
import { isOwnName } from "./own.ts";
import { statOf } from "./stat.ts";

export interface DiscoverOptions {
  /** The folder that relative names start from. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
}

/** A file that names, folders or patterns stand for. */
export interface Found {
  /** As it was given, or as a folder or pattern makes it. */
  readonly name: string;
  /** Whether it was given itself. */
  readonly named: boolean;
  /** Whether it is a link that a folder or pattern brought in. It leads to a file below that folder. */
  readonly link: boolean;
}

/** What a folder or pattern brought in and nobody follows or reads. */
export interface PassedOver {
  readonly name: string;
  readonly why: "leaves" | "no-file";
}

/** Folders that hold no files of the person who asks; in work trees, `.git` can be a file. */
const SKIPPED: ReadonlySet<string> = new Set([".git", "node_modules"]);

/**
 * The files that names, folders and patterns stand for, in the order given, each once; what a folder or pattern
 * stands for is in the order of its characters' codes. Names come back as they were given, also if there is no such
 * file: reading it says so better. Folders are walked with all that is below them, files whose name starts with a dot
 * included, but for `.git` and `node_modules`. In patterns `*` stands for any part of a name, `?` for one character, and
 * `**` for any number of folders; a dot at the start of a name has to be written.
 *
 * What was not named itself is somebody else's choice. So links to folders are not followed, links to files only to where
 * the folder, or the one that the pattern starts from, holds their target, and pipes and devices are not read.
 * @returns also what was passed over.
 * @throws TsopsError("no-such-file") if a pattern matches nothing, TsopsError("read") if a folder cannot be read,
 * TsopsError("aborted").
 */
export async function explore(
  given: readonly string[],
  { cwd, signal }: DiscoverOptions,
): Promise<{ files: Found[]; passedOver: PassedOver[] }> {
  const all: Found[] = [];
  const passedOver = new Map<string, PassedOver>();
  for (const name of given) {
    const { files, passed } = await filesOf(name, cwd, signal);
    append(all, files);
    for (const item of passed) passedOver.set(item.name, item);
  }
  const named = new Set(given);
  return {
    files: eachOnce(all, cwd),
    passedOver: [...passedOver.values()].filter(({ name }) => !named.has(name)),
  };
}

/** Of several names for a file, one that was given counts before one that was found, and that before a link. */
function eachOnce(all: readonly Found[], cwd: string): Found[] {
  const seen = new Seen();
  const fresh = new Set<Found>();
  const ranks = [
    all.filter(({ named }) => named),
    all.filter(({ named, link }) => !named && !link),
    all.filter(({ link }) => link),
  ];
  for (const file of ranks.flat()) if (seen.isNew(resolve(cwd, file.name))) fresh.add(file);
  return all.filter((file) => fresh.has(file));
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
async function filesOf(
  name: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<{ files: Found[]; passed: readonly PassedOver[] }> {
  const info = statOf(resolve(cwd, name));
  const search = new Search(cwd, signal);
  if (info?.isDirectory()) await search.below(name);
  else if (info || !isPattern(name)) return { files: [{ name, named: true, link: false }], passed: [] };
  else await search.matching(name);
  const files = [...search.found]
    .map(([name, link]) => ({ name, named: false, link }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const passed = [...search.passed.values()];
  if (files.length > 0 || passed.length > 0 || info) return { files, passed };
  throw new TsopsError("no-such-file", `no file matches ${name}`, {
    hint: "a dot at the start of a name has to be written in a pattern; ** stands for any number of folders",
  });
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

interface Item {
  readonly name: string;
  readonly kind: "folder" | "file" | "link" | "other";
}

class Search {
  /** Names, and whether each is a link. */
  readonly found = new Map<string, boolean>();
  readonly passed = new Map<string, PassedOver>();
  /** The real path of the folder that was named, or that the pattern starts from. */
  private root = "";
  private readonly visited = new Set<string>();
  private readonly cwd: string;
  private readonly signal: AbortSignal | undefined;

  constructor(cwd: string, signal: AbortSignal | undefined) {
    this.cwd = cwd;
    this.signal = signal;
  }

  /** Every file below a folder. */
  async below(folder: string): Promise<void> {
    this.root ||= realPathOf(resolve(this.cwd, folder));
    for (const { name, kind } of await this.list(folder)) {
      const path = join(folder, name);
      if (kind === "folder") await this.below(path);
      else this.take(path, kind);
    }
  }

  private take(name: string, kind: Exclude<Item["kind"], "folder">): void {
    if (kind === "other") this.passed.set(name, { name, why: "no-file" });
    else if (kind === "link" && !this.holds(realPathOf(resolve(this.cwd, name))))
      this.passed.set(name, { name, why: "leaves" });
    else this.found.set(name, kind === "link");
  }

  /** Whether a file is one of the folder's own. */
  private holds(real: string): boolean {
    const way = relative(this.root, real).split(sep);
    const inside = way[0] !== ".." && !isAbsolute(way[0] ?? "");
    return inside && !way.some((part) => SKIPPED.has(part)) && !isOwnName(basename(real));
  }

  async matching(pattern: string): Promise<void> {
    // on Windows a backslash parts folders; elsewhere it is a character like others
    const parts = (sep === "\\" ? pattern.replaceAll("\\", "/") : pattern).split("/");
    const first = parts.findIndex(isPattern);
    const base = parts.slice(0, first).join("/");
    const rest = parts
      .slice(first)
      .filter((part, i, all) => part !== "" && !(part === "**" && all[i - 1] === "**"));
    const start = first > 0 && base === "" ? "/" : base;
    this.root = realPathOf(resolve(this.cwd, start));
    await this.match(start, rest);
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
      if (item.kind === "folder") {
        if (any) await this.match(path, parts);
        else if (!last) await this.match(path, rest);
      } else if (last) this.take(path, item.kind);
    }
  }

  private async list(folder: string): Promise<Item[]> {
    if (this.signal?.aborted) throw new TsopsError("aborted", "stopped while looking for files");
    const path = resolve(this.cwd, folder);
    try {
      const items: Item[] = [];
      for (const entry of await fs.promises.readdir(path, { withFileTypes: true })) {
        const { name } = entry;
        if (SKIPPED.has(name) || isOwnName(name)) continue;
        const kind = entry.isSymbolicLink() ? kindBehind(join(path, name)) : kindOf(entry);
        if (kind) items.push({ name, kind });
      }
      return items;
    } catch (error) {
      // it was there a moment ago, or a pattern guessed at it
      if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
      throw readError(error, folder);
    }
  }
}

function kindOf(entry: fs.Dirent | fs.Stats): "folder" | "file" | "other" {
  if (entry.isDirectory()) return "folder";
  return entry.isFile() ? "file" : "other";
}

/** What a link counts as; undefined for those to nothing and to folders. */
function kindBehind(link: string): "link" | "other" | undefined {
  const info = statOf(link);
  if (!info || info.isDirectory()) return undefined;
  return info.isFile() ? "link" : "other";
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
