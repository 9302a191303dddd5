import { realpathSync } from "node:fs";
import { basename, resolve, sep } from "node:path";
import { TsopsError } from "../errors.ts";
import { isOwnName } from "../files/own.ts";
import type { Run } from "./command.ts";
import type { Io } from "./io.ts";
import { configurationFor } from "./settings.ts";

/** What git itself reads in a work tree (gitattributes(5), gitignore(5), gitmodules(5), gitmailmap(5), gitrepository-layout(5)). */
const OF_GIT: ReadonlySet<string> = new Set([
  ".git",
  ".gitattributes",
  ".gitignore",
  ".gitmodules",
  ".mailmap",
]);
/** Configurations, also those of other folders, and the name that SOPS warns of. */
const CONFIGURATIONS: ReadonlySet<string> = new Set([".sops.yaml", ".sops.yml", ".sopsrc"]);

/**
 * Whose file it is that must stay as it can be read: undefined for all that may be encrypted. Folders and patterns never
 * bring such files in.
 */
export async function whoReads(name: string, run: Run): Promise<string | undefined> {
  const path = resolve(run.io.cwd, name);
  const real = realPathOf(path);
  for (const at of new Set([path, real])) {
    const own = basename(at);
    if (isOwnName(own)) return "it is a lock or a temporary file of tsops";
    // where upper and lower case are one, git reads .GitIgnore, too
    const last = own.toLowerCase();
    if (OF_GIT.has(last) || at.split(sep).some((part) => part.toLowerCase() === ".git"))
      return "git reads this file itself";
    if (CONFIGURATIONS.has(last)) return "it is a configuration, which says how files are encrypted";
  }
  const configuration = await configurationFor(path, run);
  if (configuration !== undefined && realPathOf(configuration) === real)
    return "it is the configuration in use, which says how files are encrypted";
  return undefined;
}

/** Refuses to encrypt such a file, also where it was named. @throws TsopsError("usage") */
export async function refuseProtected(name: string, run: Run): Promise<void> {
  const why = await whoReads(name, run);
  if (why === undefined) return;
  throw new TsopsError("usage", `this file is not encrypted: ${why}`, {
    hint: "nothing was written; keep secrets in files of their own",
    place: { file: name },
  });
}

/** Files of private keys, by the variables that name them. */
const KEY_FILES = ["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"];

/**
 * Whether a file holds the keys that this run uses: a folder that brings it in must not make it unreadable. Who names it may
 * want it encrypted for somebody else.
 */
export function isKeyFile(name: string, io: Io): boolean {
  const real = realPathOf(resolve(io.cwd, name));
  return KEY_FILES.some((variable) => {
    const file = io.env[variable];
    return file !== undefined && file !== "" && realPathOf(resolve(io.cwd, file)) === real;
  });
}

/** dotenvx's file of private keys: encrypted, it opens nothing any more, and it has no place in git in any form. */
export function isDotenvxKeys(name: string): boolean {
  return basename(name) === ".env.keys";
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
