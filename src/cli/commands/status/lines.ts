import { append } from "../../../formats/append.ts";
import { formatDrift } from "../../drift.ts";
import type { Io, Line } from "../../io.ts";
import { quotedPath } from "../../io.ts";
import { readersLines, wrapped } from "../../readers.ts";
import { differenceLine, errorLines } from "../../report.ts";
import { type EncryptedFile, writtenAt } from "../../survey.ts";
import { conflictsOf, type Status, type Summary } from "./summary.ts";

interface Showing {
  readonly now: number;
  readonly io: Io;
  /** Long lists as a whole. */
  readonly verbose: boolean;
}

/** More plain files than this are not listed: a rule without a pattern is for all files that there are. */
const SHOWN = 20;

/**
 * Files that are for the same people by the same rule stand together; those that somebody should look at come last, next to
 * the person's next command.
 */
export function statusLines(files: readonly Status[], summary: Summary, showing: Showing): Line[] {
  const encrypted = files.flatMap((file) => (file.state === "encrypted" ? [file] : []));
  const groups = new Map<string, { head: Line[]; files: (EncryptedFile & Status)[] }>();
  for (const file of encrypted) {
    const head = headOf(file, showing.io);
    const name = JSON.stringify(head);
    const group = groups.get(name);
    if (group) group.files.push(file);
    else groups.set(name, { head, files: [file] });
  }
  const sorted = [...groups.values()].sort((a, b) => urgency(a.files[0]!) - urgency(b.files[0]!));
  const sections: Line[][] = sorted.map((group) => [
    ...group.head,
    ...table(group.files.map((file) => columnsOf(file, showing.now))),
  ]);
  append(sections, [plainLines(files, showing), damagedLines(files), conflictLines(files)]);
  append(sections, [summaryLines(summary, showing)]);
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, i) => (i === 0 ? lines : ["", ...lines]));
}

function urgency({ rule, drift }: EncryptedFile): number {
  if (!rule) return 1;
  return drift ? 2 : 0;
}

/** Whom files are for, and what is to be said about their rule. */
function headOf(file: EncryptedFile, io: Io): Line[] {
  const { settings, rule, drift } = file;
  const which = rule?.name === undefined ? `rule ${rule?.number}` : `rule "${rule.name}"`;
  const how = drift ? `not as ${which} has it (+++ it adds, --- it removes)` : `as ${which} has it`;
  const readers = readersLines(file, settings, io.stdout.columns || 80);
  const last = rule ? how : "no creation rule is for it";
  const changes = drift ? formatDrift(drift, settings).map((line) => differenceLine(`  ${line}`)) : [];
  return [...readers, rule && !drift ? last : { text: last, colour: "yellow" as const }, ...changes];
}

type Columns = readonly [format: string, seal: string, age: string, name: string];

function columnsOf(file: EncryptedFile & Status, now: number): Columns {
  const conflict = conflictsOf(file).length > 0;
  const seal = file.sealed ? "sealed" : "no seal";
  return [
    file.read.format.name,
    conflict ? "conflict" : seal,
    ageOf(writtenAt(file), now),
    quotedPath(file.file),
  ];
}

/** Names come last: they are as long as they like. */
function table(rows: readonly Columns[]): string[] {
  const width = (i: 0 | 1 | 2) => rows.reduce((most, row) => Math.max(most, row[i].length), 0);
  const [first, second, third] = [width(0), width(1), width(2)];
  return rows.map(
    ([format, seal, age, name]) =>
      `  ${format.padEnd(first)}  ${seal.padEnd(second)}  ${age.padStart(third)}  ${name}`,
  );
}

const DAY_MS = 24 * 3_600_000;

export function ageOf(since: number, now: number): string {
  if (Number.isNaN(since)) return "?";
  const days = Math.floor((now - since) / DAY_MS);
  if (days < 0) return "future";
  return days === 0 ? "today" : `${days} ${days === 1 ? "day" : "days"}`;
}

function plainLines(files: readonly Status[], { verbose }: Showing): Line[] {
  const plain = files.filter(({ state }) => state === "plaintext");
  if (plain.length === 0) return [];
  const shown = verbose ? plain : plain.slice(0, SHOWN);
  const more = plain.length - shown.length;
  return [
    { text: "in plaintext, and a creation rule is for them: tsops encrypt -i FILE", colour: "yellow" },
    ...shown.map(({ file }) => `  ${quotedPath(file)}`),
    ...(more > 0 ? [`  and ${more} more: --verbose lists them`] : []),
  ];
}

function damagedLines(files: readonly Status[]): Line[] {
  // what a merge left is said below
  const damaged = files.flatMap((file) =>
    file.state === "damaged" && conflictsOf(file).length === 0 ? [file] : [],
  );
  if (damaged.length === 0) return [];
  const lines = damaged.flatMap(({ error }) =>
    errorLines(error).map((line) => `  ${line.replace(/^tsops: /, "")}`),
  );
  return [{ text: "damaged:", colour: "red" }, ...lines];
}

const CONFLICTS = {
  unmerged: "git waits for the end of a merge",
  markers: "it holds git's conflict markers",
  held: "it holds what a merge could not decide",
} as const;

function conflictLines(files: readonly Status[]): Line[] {
  const lines = files.flatMap((file) => {
    const why = conflictsOf(file).map((word) => CONFLICTS[word]);
    return why.length === 0 ? [] : [`  ${quotedPath(file.file)}: ${why.join("; ")}`];
  });
  return lines.length === 0 ? [] : [{ text: "in conflict: tsops git resolve FILE", colour: "red" }, ...lines];
}

function summaryLines(summary: Summary, { now, io }: Showing): Line[] {
  const { encrypted, plaintext, damaged, inConflict, failed, oldest } = summary;
  if (encrypted + plaintext + damaged === 0)
    return failed > 0 ? [] : ["no encrypted files, and none that a creation rule is for"];
  const width = io.stdout.columns || 80;
  const ofEncrypted = counts([
    [summary.inLine, "as their creation rules have them"],
    [summary.differ, "not as their rules have them"],
    [summary.withoutRule, "without a rule"],
    [summary.withoutSeal, "without a seal"],
  ]);
  const others = counts([
    [plaintext, "in plaintext"],
    [damaged, "damaged"],
    [inConflict, "in conflict"],
    [failed, "not read"],
  ]);
  const files = `${encrypted} encrypted ${encrypted === 1 ? "file" : "files"}`;
  return [
    ...(encrypted > 0 ? wrapped(`${files}: `, ofEncrypted, width) : [files]),
    ...(others.length > 0 ? wrapped("other files: ", others, width) : []),
    ...(oldest
      ? [`longest without a write: ${quotedPath(oldest.file)}, ${ageOf(oldest.at, now)}`, LEGEND]
      : []),
  ];
}

const LEGEND = "The time is that of the last write: the data key of a file is at least as old.";

function counts(list: readonly (readonly [number, string])[]): string[] {
  return list.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}
