import { type Surveyed, writtenAt } from "../../survey.ts";

/** A file, and what is to be said of it that only git knows. */
export type Status = Surveyed & {
  /** Its merge is not finished. */
  readonly unmerged: boolean;
};

/** How many files are what. The words stay: `--json` prints them. */
export interface Summary {
  readonly encrypted: number;
  /** Of the encrypted ones. */
  readonly inLine: number;
  readonly differ: number;
  readonly withoutRule: number;
  readonly withoutSeal: number;
  readonly plaintext: number;
  /** Without those that are in conflict. */
  readonly damaged: number;
  readonly inConflict: number;
  readonly failed: number;
  /** The file that was not written for the longest time. */
  readonly oldest: { readonly file: string; readonly at: number } | undefined;
}

export function summaryOf(files: readonly Status[], failed: number): Summary {
  const encrypted = files.flatMap((file) => (file.state === "encrypted" ? [file] : []));
  const count = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length;
  const oldest = encrypted
    .map((file) => ({ file: file.file, at: writtenAt(file) }))
    .filter(({ at }) => !Number.isNaN(at))
    .reduce<Summary["oldest"]>((a, b) => (a && a.at <= b.at ? a : b), undefined);
  return {
    encrypted: encrypted.length,
    inLine: count(encrypted, (file) => inLine(file) === true),
    differ: count(encrypted, (file) => inLine(file) === false),
    withoutRule: count(encrypted, (file) => inLine(file) === undefined),
    withoutSeal: count(encrypted, ({ sealed }) => !sealed),
    plaintext: count(files, ({ state }) => state === "plaintext"),
    damaged: count(files, (file) => file.state === "damaged" && conflictsOf(file).length === 0),
    inConflict: count(files, (file) => conflictsOf(file).length > 0),
    failed,
    oldest,
  };
}

/** Whether an encrypted file is as its creation rule has it; undefined if no rule is for it. */
export function inLine(file: Extract<Status, { state: "encrypted" }>): boolean | undefined {
  return file.rule ? file.drift === undefined : undefined;
}

/** What is left of a merge. The words stay: `--json` prints them. */
export function conflictsOf(file: Status): ("unmerged" | "markers" | "held")[] {
  return [
    ...(file.unmerged ? (["unmerged"] as const) : []),
    ...(file.state === "damaged" && file.error.code === "merge-conflict" ? (["markers"] as const) : []),
    ...(file.state === "encrypted" && file.conflicts ? (["held"] as const) : []),
  ];
}
