/** What is said about a plaintext that is encrypted: a selector that selects nothing, a value that is set in an odd place. */

import { visibleName } from "../formats/characters.ts";
import { type Entry, type PathElement, pathOf, type Reading } from "../formats/format.ts";
import { placeOf } from "../formats/text.ts";
import type { Tree } from "../formats/tree.ts";
import type { Nothing } from "../sops/nothing.ts";
import type { Selector } from "../sops/selection.ts";
import type { OpenFile } from "./files.ts";
import type { Io } from "./io.ts";
import { note } from "./report.ts";

export async function warnOfNothing(name: string, nothing: Nothing | undefined, io: Io): Promise<void> {
  if (!nothing) return;
  const { selector, values, comments } = nothing;
  const what = comments ? "only comments are" : "nothing is";
  const count = `0 of ${values} ${values === 1 ? "value" : "values"}`;
  await note(io, `warning: ${name}: ${matches(selector)}: ${what} encrypted (${count})`);
}

function matches({ kind }: Selector): string {
  if (kind === "encrypted_comment_regex") return `no value of this file has a comment that matches ${kind}`;
  if (kind === "unencrypted_comment_regex")
    return `every value of this file has a comment that matches ${kind}`;
  return kind.startsWith("encrypted")
    ? `no value of this file matches ${kind}`
    : `every value of this file matches ${kind}`;
}

/** What `set` says about a value and the place that it is set at. */
export async function warnOfSetting(
  file: Pick<OpenFile, "name" | "open">,
  path: readonly PathElement[],
  value: Tree,
  io: Io,
): Promise<void> {
  const { reading } = file.open.decrypted;
  if (!hasPath(reading, path)) {
    const like = reading.entries.find((entry) => looksLike(entry, path, reading.seenName ?? visibleName));
    if (like) {
      const { line } = placeOf(reading.text, like.start);
      const name = String(like.key);
      await note(
        io,
        `warning: ${file.name}: there is no ${String(path.at(-1))}, but \`${name}\` on line ${line}: it stays, and another one is added`,
      );
    }
  }
  if (file.open.format.name === "ini") await warnOfIni(file, path, value, io);
}

function hasPath({ entries }: Reading, path: readonly PathElement[]): boolean {
  const text = JSON.stringify(path);
  return entries.some((entry) => entry.kind !== "comment" && JSON.stringify(pathOf(entry)) === text);
}

/** Whether an entry stands beside the path's place, under a name that people take for the same. */
function looksLike(entry: Entry, path: readonly PathElement[], seen: (key: string) => string): boolean {
  const key = path.at(-1);
  if (entry.kind === "comment" || typeof entry.key !== "string" || typeof key !== "string") return false;
  if (entry.key === key || seen(entry.key) !== seen(key)) return false;
  return JSON.stringify(pathOf(entry).slice(0, -1)) === JSON.stringify(path.slice(0, -1));
}

async function warnOfIni(
  { name, open: { format, decrypted } }: Pick<OpenFile, "name" | "open">,
  path: readonly PathElement[],
  value: Tree,
  io: Io,
): Promise<void> {
  const plain = format.read(decrypted.text);
  const [edit] = format.set(plain, path, value, {});
  if (!edit) return;
  const wanted = JSON.stringify(path);
  const old = plain.entries.findLast(
    (entry) => entry.kind === "value" && JSON.stringify(pathOf(entry)) === wanted,
  );
  if (old && edit.end > old.end) {
    await note(
      io,
      `warning: ${name}: the text after the old value, which other programs read as part of it, was removed`,
    );
  }
  const quote = /(?:^|[=:] *)("""|`)/.exec(edit.text)?.[1];
  if (quote === undefined) return;
  const quotes = quote === "`" ? "backquotes" : "triple quotes";
  await note(
    io,
    `warning: ${name}: the value is in ${quotes}, which SOPS needs and many other programs take for part of the value`,
  );
}
