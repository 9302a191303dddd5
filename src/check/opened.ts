import type { ErrorCode, TsopsError } from "../errors.ts";
import { holdsCiphertexts } from "../formats/detect.ts";
import { printable, shellQuoted } from "../printable.ts";
import type { Decrypted } from "../sops/decrypt.ts";
import { type Finding, finding, type Lines } from "./finding.ts";
import type { RuleId } from "./rules.ts";

/** What opening a file with a key has shown. */

const RULES: Readonly<Record<string, RuleId>> = {
  "mac-mismatch": "mac-mismatch",
  "tree-decryption": "mac-mismatch",
  "seal-broken": "seal-broken",
};

/** @param error of opening it: no error of ours holds a value. */
export function badFile(name: string, error: TsopsError): Finding {
  const rule = RULES[error.code] ?? "cannot-decrypt";
  const { message, hint, place } = error;
  const file = shellQuoted(printable(name));
  if (rule !== "cannot-decrypt") return finding(rule, { file: name, message, hint, at: place });
  const [first = "", ...details] = message.split("\n");
  return finding(rule, {
    file: name,
    message: first,
    details,
    hint: `tsops doctor ${file} says which keys are missing`,
  });
}

/** Comments that do not open; what is said of plain ones is said without a key, too. */
export function badComments(name: string, { reading, warnings }: Decrypted, lines: Lines): Finding[] {
  const encrypted = new Set(
    reading.entries.flatMap(({ kind, value, start }) =>
      kind === "comment" && holdsCiphertexts(String(value)) ? [start] : [],
    ),
  );
  return warnings
    .filter(({ offset }) => encrypted.has(offset))
    .map(({ message, offset }) => finding("bad-comment", { file: name, at: lines.at(offset), message }));
}

/** The same for a file of a merge commit. */
export function badMerge(name: string, commit: string, error: TsopsError, mended: boolean): Finding {
  const short = commit.slice(0, 12);
  const file = shellQuoted(printable(name));
  const why = error.message.split("\n", 1)[0];
  const since = mended ? "; the newest version of the file is in order" : "";
  // without a key nobody can tell
  const known = OF_CONTENT.includes(error.code);
  const found = finding(known ? "bad-merge" : "cannot-decrypt", {
    file: name,
    what: short,
    message: `in the merge commit ${short} this file ${known ? "does not verify" : "cannot be verified"}: ${why}${since}`,
    hint: mended
      ? "nothing is left to do; a baseline keeps it out of reports"
      : `compare it with both sides: git show ${short} -- ${file}\n` +
        `then write the values that are right with: tsops edit --ignore-mac ${file}`,
  });
  return mended ? { ...found, level: "note" } : found;
}

/** Codes of errors about what a file says; others are about keys. */
const OF_CONTENT: readonly ErrorCode[] = [
  ...(["mac-mismatch", "seal-broken", "tree-decryption"] as const),
  ...(["parse", "merge-conflict", "no-metadata"] as const),
];
