import { basename, relative, sep } from "node:path";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";

/**
 * The name of a file at its destination (docs/internals/sops.md §7): its own, or with a root its path below that, with
 * slashes on every system. `omitExtension` cuts off what begins at the last dot, as Go's filepath.Ext finds it: all of
 * `.env`. Both paths are absolute.
 */
export function publishedName(file: string, root: string | undefined, omitExtension: boolean): string {
  const path = root === undefined || root === file ? basename(file) : relative(root, file);
  const name = sep === "/" ? path : path.replaceAll(sep, "/");
  if (!omitExtension) return name;
  const own = basename(file);
  const dot = own.lastIndexOf(".");
  return dot < 0 ? name : name.slice(0, name.length - (own.length - dot));
}

/**
 * Refuses names under which nothing can be found again: empty ones, those that end like a folder's, and those with
 * parts of dots, which lead out of the destination (of `...yaml` without its extension, `..` is left).
 * @throws TsopsError("config")
 */
export function checkName(whole: string, file: string): void {
  if (whole.split("/").some((part) => part === "." || part === "..")) {
    throw new TsopsError("config", `the name at the destination, ${printable(whole)}, has a part of dots`, {
      hint: "it would lead out of the destination: rename the file, or remove omit_extensions",
    });
  }
  if (whole !== "" && !whole.endsWith("/")) return;
  throw new TsopsError("config", `nothing is left of the name of ${printable(basename(file))}`, {
    hint: "without its extension it has no name: remove omit_extensions, or rename the file",
  });
}
