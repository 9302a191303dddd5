import type { EntryDifference, GroupedKey } from "../../../compare/difference.ts";
import type { FileDifference } from "../../file-differences.ts";
import { visibleLine } from "../../io.ts";
import { accessWords, changeWords, kindWords, nameOfEntry, summaryOf } from "../../show-differences.ts";

/** More of one file is not read in a comment. */
const SHOWN = 50;

/**
 * A list in Markdown, which can be read as it is, too. Whoever opened the pull request chose the names in it, so these
 * stand where nothing is markup.
 */
export function summaryLines(
  files: readonly FileDifference[],
  showKey: (key: GroupedKey) => string,
): string[] {
  if (files.length === 0) return ["No encrypted file differs."];
  return files.flatMap((file) => [
    `- ${code(file.from === undefined ? file.path : `${file.from} => ${file.path}`)}: ${plain(file)}`,
    ...detailsOf(file, showKey).map((line) => `  - ${line}`),
  ]);
}

/** Selectors are of the author's choice, as well. */
function plain(file: FileDifference): string {
  const { difference } = file;
  const access = difference && { ...difference.access, selector: undefined };
  const text = summaryOf({
    ...file,
    remarks: file.remarks.length > 0 ? ["see below"] : [],
    ...(difference && access ? { difference: { ...difference, access } } : {}),
  });
  return difference?.access.selector ? `${text}; another selector` : text;
}

function detailsOf(
  { difference, remarks, opened }: FileDifference,
  showKey: (key: GroupedKey) => string,
): string[] {
  const notes = remarks.map((remark) => `note: ${code(remark)}`);
  if (!difference) return notes;
  const { entries, access } = difference;
  const many = entries.some(({ document }) => document > 0);
  const more = entries.length - SHOWN;
  return [
    ...notes,
    ...access.added.map((key) => `recipient added: ${code(showKey(key))}`),
    ...access.removed.map((key) => `recipient removed: ${code(showKey(key))}`),
    ...(access.selector ? accessWords({ added: [], removed: [], selector: access.selector }).map(code) : []),
    ...entries.slice(0, SHOWN).map((entry) => entryLine(entry, { many, opened })),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

function entryLine(entry: EntryDifference, { many, opened }: { many: boolean; opened: boolean }): string {
  const name = code(nameOfEntry(entry, many));
  const side = entry.after ?? entry.before!;
  if (entry.change === "changed") return `changed ${name}: ${changeWords(entry, opened)}`;
  return entry.change === "moved" ? `moved ${name}` : `${entry.change} ${name}: ${kindWords(side)}`;
}

/** Text in which nothing is markup, whatever it holds. */
export function code(text: string): string {
  const shown = visibleLine(text);
  const longest = (shown.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = "`".repeat(longest + 1);
  const blank = longest > 0 || shown === "" ? " " : "";
  return `${fence}${blank}${shown}${blank}${fence}`;
}
