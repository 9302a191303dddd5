import { TsopsError } from "../errors.ts";

/** What an operating system's error means for somebody who wants to read or write a file, and what to do. */
const MEANINGS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ["there is no such file or folder", "check the name, and that its folder exists"],
  ENOTDIR: ["a part of the path is not a folder", "check the path"],
  EISDIR: ["it is a folder", "name a file"],
  EACCES: ["permission denied", "check the permissions of the file and of its folder"],
  EPERM: [
    "the operation is not permitted",
    "check the owner and the permissions of the file and of its folder",
  ],
  EROFS: ["the file system is read-only", "mount it for writing, or work on a copy elsewhere"],
  ENOSPC: ["the disk is full", "free some space and try again"],
  EDQUOT: ["the disk quota is used up", "free some space and try again"],
  EFBIG: [
    "it would be larger than this file system or the limit of this shell (ulimit -f) allows",
    "raise the limit",
  ],
  EBUSY: [
    "it is in use, or a mount point of its own",
    "close what uses it; in a container mount its folder instead of the single file",
  ],
  EXDEV: ["its folder spans two file systems", "work on a copy elsewhere"],
  ELOOP: ["its symbolic links lead in a circle", "check where the links lead"],
  ENAMETOOLONG: ["the name is too long", "use a shorter name"],
  EMFILE: [
    "too many files are open",
    "raise the limit (ulimit -n) or work on fewer files side by side (--jobs 4)",
  ],
  ENFILE: ["too many files are open on this machine", "close some programs and try again"],
  EIO: ["the disk reports an error", "check the disk, and that there is a copy of the file"],
  ERR_FS_FILE_TOO_LARGE: ["it is larger than 2 GiB", "split it: a file that large cannot be held in memory"],
};

/** The code of an operating system's error (`ENOENT`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** An error of reading as a TsopsError: `no-such-file` if there is nothing, else `read`. */
export function readError(error: unknown, path: string): unknown {
  if (error instanceof TsopsError) return error;
  const code = errorCode(error);
  if (code === undefined) return error;
  const missing = code === "ENOENT" || code === "ENOTDIR";
  // what Node makes of bytes that are no text; no such name leads to the file
  if (missing && path.includes("\ufffd")) {
    return new TsopsError("no-such-file", "its name is not UTF-8, and no file can be opened by such a name", {
      hint: "rename it",
      place: { file: path },
      cause: error,
    });
  }
  if (missing) {
    return new TsopsError("no-such-file", "there is no such file", {
      hint: "check the name",
      place: { file: path },
      cause: error,
    });
  }
  const [what, hint] = MEANINGS[code] ?? [code, "check that the file is readable"];
  return new TsopsError("read", `the file cannot be read: ${what}`, {
    hint,
    place: { file: path },
    cause: error,
  });
}

/** An error of writing as a TsopsError("write"). It is thrown only where the old file is as it was. */
export function writeError(error: unknown, path: string): unknown {
  if (error instanceof TsopsError) return error;
  const code = errorCode(error);
  if (code === undefined) return error;
  const [what, hint] = MEANINGS[code] ?? [code, "check that the file and its folder are writable"];
  return new TsopsError("write", `the file cannot be written: ${what}`, {
    hint: `${hint}; nothing was changed`,
    place: { file: path },
    cause: error,
  });
}

/** The same for standard output or error, of which a part may have been written. */
export function outputError(error: Error, name: string): Error {
  const code = errorCode(error);
  if (code === undefined) return error;
  const [what, hint] = MEANINGS[code] ?? [code, "check where it goes"];
  return new TsopsError("write", `${name} cannot be written: ${what}`, { hint, cause: error });
}
