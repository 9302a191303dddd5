import { type Dirent, promises, realpathSync, type Stats } from "node:fs";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import { withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { errorCode } from "./errors.ts";
import { isOwnName } from "./own.ts";
import { statOf } from "./stat.ts";

export interface DiscoverOptions {
  /** The folder that relative names start from. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
  /**
   * What counts below each of these folders, which are absolute and lead through no links; without it, everything does.
   * It is asked once, for all folders that are named or that patterns start from.
   */
  readonly scopes?: (folders: readonly string[]) => Promise<readonly Scope[]>;
}

/** What counts of that which folders and patterns bring in. Paths are absolute and lead through no links. */
export interface Scope {
  /** Whether a file counts. */
  takes(path: string): boolean;
  /** What counts in a folder below; else why nobody looks into it. */
  inside(path: string): Promise<Scope | "ignored" | "repository">;
}

const EVERYTHING: Scope = { takes: () => true, inside: async () => EVERYTHING };

/** A file that names, folders or patterns stand for. */
export interface Found {
  /** As it was given, or as a folder or pattern makes it. */
  readonly name: string;
  /** Whether it was given itself. */
  readonly named: boolean;
  /** Whether it is a link that a folder or pattern brought in. It leads to a file below that folder. */
  readonly link: boolean;
  /** It is a folder that cannot be read: reading it says why, and the others are not held up. */
  readonly unreadable?: true;
}

/** What a folder or pattern brought in and nobody follows or reads. */
export interface PassedOver {
  readonly name: string;
  readonly why: "leaves" | "no-file" | "repository";
}

export interface Explored {
  readonly files: Found[];
  readonly passedOver: PassedOver[];
  /** How many files and folders were left out because they do not count; what is in such a folder is not looked at. */
  readonly ignored: number;
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
 * @throws TsopsError("no-such-file") if a pattern matches nothing, TsopsError("aborted").
 */
export async function explore(given: readonly string[], options: DiscoverOptions): Promise<Explored> {
  const { cwd } = options;
  const all: Found[] = [];
  const passedOver = new Map<string, PassedOver>();
  const places = given.map((name) => placeOf(name, cwd));
  const scopeOf = await scopesOf(places, options);
  let ignored = 0;
  for (const place of places) {
    const { files, search } = await filesOf(place, scopeOf, options);
    append(all, files);
    if (!search) continue;
    ignored += search.ignored.size;
    for (const item of search.passed.values()) passedOver.set(item.name, item);
  }
  const named = new Set(given);
  return {
    files: eachOnce(all, cwd),
    passedOver: [...passedOver.values()].filter(({ name }) => !named.has(name)),
    ignored,
  };
}

/** What was given: a file (or nothing that is there), a folder, or a pattern. */
interface Given {
  readonly name: string;
  readonly kind: "file" | "folder" | "pattern";
  /** The real path of the folder that is searched. */
  readonly root: string;
}

/** A file or folder of that very name comes before a pattern. */
function placeOf(name: string, cwd: string): Given {
  const info = statOf(resolve(cwd, name));
  if (info?.isDirectory()) return { name, kind: "folder", root: realPathOf(resolve(cwd, name)) };
  if (info || !isPattern(name)) return { name, kind: "file", root: "" };
  return { name, kind: "pattern", root: realPathOf(resolve(cwd, startOf(partsOf(name)))) };
}

/** Each folder is asked about once. */
async function scopesOf(places: readonly Given[], { scopes }: DiscoverOptions) {
  const roots = [...new Set(places.filter(({ kind }) => kind !== "file").map(({ root }) => root))];
  if (!scopes || roots.length === 0) return () => EVERYTHING;
  const found = await scopes(roots);
  const known = new Map(roots.map((root, i) => [root, found[i]]));
  return (root: string) => known.get(root) ?? EVERYTHING;
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

/** What one name stands for. */
async function filesOf(
  { name, kind, root }: Given,
  scopeOf: (root: string) => Scope,
  { cwd, signal }: DiscoverOptions,
): Promise<{ files: Found[]; search?: Search }> {
  if (kind === "file") return { files: [{ name, named: true, link: false }] };
  const search = new Search(root, cwd, signal);
  if (kind === "folder") await search.below({ name, real: root, scope: scopeOf(root) });
  else await search.matching(name, scopeOf(root));
  const unreadable = [...search.unreadable].map((name): Found => {
    return { name, named: false, link: false, unreadable: true };
  });
  const files = [...search.found]
    .map(([name, link]): Found => ({ name, named: false, link }))
    .concat(unreadable)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (files.length > 0 || search.passed.size > 0 || kind === "folder") return { files, search };
  throw new TsopsError("no-such-file", `no file matches ${name}`, {
    hint:
      search.ignored.size > 0
        ? "what git ignores is left out: name the file or its folder, or take all with --no-ignore"
        : "a dot at the start of a name has to be written in a pattern; ** stands for any number of folders",
  });
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

interface Item {
  readonly name: string;
  readonly kind: "folder" | "file" | "link" | "other";
}

/** A folder that is searched. */
interface Folder {
  /** As the names of its files begin. */
  readonly name: string;
  readonly real: string;
  readonly scope: Scope;
}

class Search {
  /** Names, and whether each is a link. */
  readonly found = new Map<string, boolean>();
  readonly passed = new Map<string, PassedOver>();
  /** Names of folders. */
  readonly unreadable = new Set<string>();
  /** Names of what does not count. */
  readonly ignored = new Set<string>();
  /** The real path of the folder that was named, or that the pattern starts from. */
  private readonly root: string;
  private readonly visited = new Set<string>();
  private readonly cwd: string;
  private readonly signal: AbortSignal | undefined;

  constructor(root: string, cwd: string, signal: AbortSignal | undefined) {
    this.root = root;
    this.cwd = cwd;
    this.signal = signal;
  }

  /** Every file below a folder. */
  async below(folder: Folder): Promise<void> {
    for (const { name, kind } of await this.list(folder.name)) {
      if (kind !== "folder") {
        this.take(folder, name, kind);
        continue;
      }
      const inner = await this.inside(folder, name);
      if (inner) await this.below(inner);
    }
  }

  /** A folder in a folder; undefined if nobody looks into it. */
  private async inside(folder: Folder, own: string): Promise<Folder | undefined> {
    const [name, real] = [join(folder.name, own), join(folder.real, own)];
    const scope = await folder.scope.inside(real);
    if (scope === "ignored") this.ignored.add(name);
    else if (scope === "repository") this.passed.set(name, { name, why: scope });
    else return { name, real, scope };
    return undefined;
  }

  private take(folder: Folder, own: string, kind: Exclude<Item["kind"], "folder">): void {
    const name = join(folder.name, own);
    if (!folder.scope.takes(join(folder.real, own))) this.ignored.add(name);
    else if (kind === "other") this.passed.set(name, { name, why: "no-file" });
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

  async matching(pattern: string, scope: Scope): Promise<void> {
    const parts = partsOf(pattern);
    const rest = parts
      .slice(parts.findIndex(isPattern))
      .filter((part, i, all) => part !== "" && !(part === "**" && all[i - 1] === "**"));
    await this.match({ name: startOf(parts), real: this.root, scope }, rest);
  }

  /** Files below a folder whose path is as the parts of a pattern say, a part for each level. */
  private async match(folder: Folder, parts: readonly string[]): Promise<void> {
    // several ** lead to the same place in several ways
    const visit = `${parts.length} ${folder.name}`;
    if (this.visited.has(visit)) return;
    this.visited.add(visit);
    const [part = "", ...rest] = parts;
    const last = rest.length === 0;
    const any = part === "**";
    if (any && !last) await this.match(folder, rest);
    const matches = matcher(any ? "*" : part);
    for (const item of await this.list(folder.name)) {
      if (!matches.test(item.name)) continue;
      if (item.kind !== "folder") {
        if (last) this.take(folder, item.name, item.kind);
      } else if (any || !last) {
        const inner = await this.inside(folder, item.name);
        if (inner) await this.match(inner, any ? parts : rest);
      }
    }
  }

  private async list(folder: string): Promise<Item[]> {
    if (this.signal?.aborted) throw new TsopsError("aborted", "stopped while looking for files");
    const path = resolve(this.cwd, folder);
    try {
      const items: Item[] = [];
      for (const entry of await withRoom(() => promises.readdir(path, { withFileTypes: true }))) {
        const { name } = entry;
        if (SKIPPED.has(name) || isOwnName(name)) continue;
        const kind = entry.isSymbolicLink() ? kindBehind(join(path, name)) : kindOf(entry);
        if (kind) items.push({ name, kind });
      }
      return items;
    } catch (error) {
      // it was there a moment ago, or a pattern guessed at it
      if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
      this.unreadable.add(folder || ".");
      return [];
    }
  }
}

/** On Windows a backslash parts folders; elsewhere it is a character like others. */
function partsOf(pattern: string): string[] {
  return (sep === "\\" ? pattern.replaceAll("\\", "/") : pattern).split("/");
}

/** The folder that a pattern starts from. */
function startOf(parts: readonly string[]): string {
  const first = parts.findIndex(isPattern);
  const base = parts.slice(0, first).join("/");
  return first > 0 && base === "" ? "/" : base;
}

function kindOf(entry: Dirent | Stats): "folder" | "file" | "other" {
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
    return realpathSync.native(path);
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
