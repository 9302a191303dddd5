import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { TsopsError } from "../errors.ts";
import type { Scope } from "../files/discover.ts";
import { type Listing, listFiles, pathKey, topOf } from "../git/listing.ts";
import { type Io, wholeOf } from "./io.ts";
import { note } from "./report.ts";

/*
 * Folders and patterns bring in what git has or would take. Whoever names a file or a folder means it: a folder that git
 * ignores is taken as a whole. Outside of repositories nothing is ignored.
 */

/** What counts below each of the folders, whose paths lead through no links. */
export async function scopesFor(folders: readonly string[], io: Io): Promise<Scope[]> {
  /** A folder of no repository may hold repositories. */
  const outside: Scope = {
    takes: () => true,
    inside: async (folder) =>
      existsSync(join(folder, ".git")) ? (await scopesFor([folder], io))[0]! : outside,
  };
  const listings = await listingsFor(folders, io);
  return folders.map((folder, i) => {
    const listing = listings[i];
    return listing && !listing.ignored.has(pathKey(folder)) ? scopeIn(listing) : outside;
  });
}

/** In a work tree. Other repositories among its files are no part of it, as git sees it. */
function scopeIn({ files, folders, repositories }: Listing): Scope {
  const scope: Scope = {
    takes: (file) => files.has(pathKey(file)),
    inside: async (folder) => {
      const key = pathKey(folder);
      if (folders.has(key)) return scope;
      // a submodule that was not checked out is an empty folder
      return repositories.has(key) && existsSync(join(folder, ".git")) ? "repository" : "ignored";
    },
  };
  return scope;
}

/**
 * What git says of files and folders, for each the listing of its work tree; undefined for those that are in none, or
 * where git cannot be asked, which a line says. One git a work tree: what was asked about once is known.
 */
export async function listingsFor(paths: readonly string[], io: Io): Promise<(Listing | undefined)[]> {
  const tops = paths.map(topFinder());
  const known = trees.get(wholeOf(io)) ?? new Map<string, Asked>();
  trees.set(wholeOf(io), known);
  for (const top of new Set(tops)) {
    if (top === undefined) continue;
    const own = paths.filter((_, i) => tops[i] === top);
    const before = known.get(top);
    if (before && own.every((path) => isBelow(path, before.paths))) continue;
    const all = new Set([...(before?.paths ?? []), ...own]);
    const listing = await listFiles(top, [...all], io.env).catch((error) => refused(top, error, io));
    known.set(top, { paths: all, listing });
  }
  return tops.map((top) => (top === undefined ? undefined : known.get(top)?.listing));
}

interface Asked {
  readonly paths: ReadonlySet<string>;
  readonly listing: Listing | undefined;
}

/** By the run, then by the top of the work tree. */
const trees = new WeakMap<Io, Map<string, Asked>>();

/** Files of a folder have one work tree. */
function topFinder(): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (path) => {
    // a folder that is one itself
    if (existsSync(join(path, ".git"))) return path;
    const folder = dirname(path);
    if (!known.has(folder)) known.set(folder, topOf(folder));
    return known.get(folder);
  };
}

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (folders.has(at)) return true;
    if (dirname(at) === at) return false;
  }
}

/** Each is said once a run. */
const said = new WeakMap<Io, Set<string>>();

async function refused(top: string, error: unknown, io: Io): Promise<undefined> {
  if (!(error instanceof TsopsError) || !["git", "program-failed"].includes(error.code)) throw error;
  const whole = wholeOf(io);
  const known = said.get(whole) ?? new Set();
  if (known.has(error.message)) return undefined;
  said.set(whole, known.add(error.message));
  await note(
    whole,
    `what .gitignore names is not left out, since git does not read ${top}: ${error.message}`,
  );
  return undefined;
}
