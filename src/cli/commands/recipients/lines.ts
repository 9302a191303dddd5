import { formatPath } from "../../../formats/path.ts";
import { groupsNeeded } from "../../../keys/metadata.ts";
import { type Io, type Line, quotedPath } from "../../io.ts";
import { kindAndId, shortKey, wrapped } from "../../readers.ts";
import { nameOfKey } from "../../recipients.ts";
import type { EncryptedFile } from "../../survey.ts";
import type { Readable, Reader } from "./readable.ts";
import type { NamedValues } from "./values.ts";

/** More files of one recipient are counted. */
const SHOWN = 10;

interface Showing {
  /** How many encrypted files there are. */
  readonly total: number;
  readonly all: boolean;
}

/** A recipient with its files: those that it can read alone, then those that take keys of other key groups. */
export function readerLines({ key, name, files }: Reader, { total, all }: Showing): Line[] {
  const own = kindAndId(key);
  const who = name === undefined ? [own] : [name, `    ${own}`];
  const needs = [...new Set(files.map(({ others }) => others))].sort((a, b) => a - b);
  const parts = needs.flatMap((others) => {
    const some = files.filter((file) => file.others === others);
    const count = `${some.length} of ${total} ${total === 1 ? "file" : "files"}`;
    return [`  ${others === 0 ? count : `${count}, ${withOthers(others)}`}`, ...names(some, all)];
  });
  return [...who, ...parts];
}

function withOthers(count: number): string {
  return `with a key of ${count === 1 ? "1 other group" : `each of ${count} other groups`}`;
}

function names(files: readonly Readable[], all: boolean): string[] {
  const shown = all ? files : files.slice(0, SHOWN);
  const more = files.length - shown.length;
  return [
    ...shown.map(({ file }) => `    ${quotedPath(file)}`),
    ...(more > 0 ? [`    and ${more} more: --verbose lists them`] : []),
  ];
}

/** Files that the same people can read stand together above them. */
export function fileLines(files: readonly EncryptedFile[], plain: readonly string[], io: Io): Line[] {
  const items = files.map((file) => ({ head: quotedPath(file.file), file }));
  const everybody: Line[] = plain.map(
    (name) => `${quotedPath(name)}: not encrypted, whoever has it can read it`,
  );
  return [...grouped(items, io), ...everybody];
}

/** The same for values. */
export function valueLines(
  found: readonly { readonly file: EncryptedFile; readonly values: readonly NamedValues[] }[],
  io: Io,
): Line[] {
  const items = found.flatMap(({ file, values }) =>
    values.map(({ path, encrypted, plain }) => {
      const head = `${quotedPath(file.file)}: ${formatPath(path)}`;
      if (encrypted > 0)
        return {
          head: plain > 0 ? `${head} (${plain} of ${plain + encrypted} values not encrypted)` : head,
          file,
        };
      return { head: `${head}: not encrypted, whoever has the file can read it`, file: undefined };
    }),
  );
  return grouped(items, io);
}

function grouped(
  items: readonly { readonly head: string; readonly file: EncryptedFile | undefined }[],
  io: Io,
): Line[] {
  const groups = new Map<string, { heads: string[]; lines: string[] }>();
  for (const { head, file } of items) {
    const lines = file ? whoLines(file, io) : [];
    const name = JSON.stringify(lines);
    const group = groups.get(name) ?? { heads: [], lines };
    group.heads.push(head);
    groups.set(name, group);
  }
  return [...groups.values()].flatMap(({ heads, lines }) => [...heads, ...lines]);
}

function whoLines({ groups, threshold, settings }: EncryptedFile, io: Io): string[] {
  const width = io.stdout.columns || 80;
  if (groups.length === 1) {
    const keys = groups[0]!.map((key) => ({ key, name: nameOfKey(key, settings) ?? "" }));
    const longest = keys.reduce((most, { name }) => Math.max(most, name.length), 0);
    return keys.map(
      ({ key, name }) => `    ${longest > 0 ? `${name.padEnd(longest)}  ` : ""}${kindAndId(key)}`,
    );
  }
  const needed = groupsNeeded(groups, threshold);
  return [
    `    together, one of each of ${needed === groups.length ? "these" : `any ${needed} of these`} ${groups.length} groups:`,
    ...groups.flatMap((group, i) =>
      wrapped(
        `    ${i + 1}. `,
        group.map((key) => shortKey(key, settings)),
        width,
      ),
    ),
  ];
}
