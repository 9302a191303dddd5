import { readFile } from "node:fs/promises";
import { withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";

/** A file that a variable names, with certificates or a private key in PEM; undefined without the variable. */
export async function pemIn(
  env: Readonly<Record<string, string | undefined>>,
  variable: string,
): Promise<Buffer | undefined> {
  const path = env[variable];
  return path ? readPem(path, variable) : undefined;
}

/** @throws TsopsError("bad-credentials") that says what cannot be read, why, and what names it. */
export function readPem(path: string, namedBy: string): Promise<Buffer> {
  return withRoom(() => readFile(path)).catch((error: unknown) => {
    throw unreadable("file", path, namedBy, error);
  });
}

/** The error for a file or folder with certificates that cannot be read. */
export function unreadable(what: string, path: string, namedBy: string, cause: unknown): TsopsError {
  const { code = "unknown cause" } = cause as NodeJS.ErrnoException;
  const why = { ENOENT: "it is not there", EACCES: "this user may not read it" }[code] ?? code;
  return new TsopsError("bad-credentials", `the ${what} ${printable(path)} cannot be read: ${why}`, {
    hint: `${namedBy} names it`,
    cause,
  });
}
