import type { TsopsError } from "../errors.ts";
import { printable, shellQuoted } from "../printable.ts";
import { type Finding, finding } from "./finding.ts";
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

/** The same for a file of a merge commit. */
export function badMerge(name: string, commit: string, error: TsopsError, mended: boolean): Finding {
  const short = commit.slice(0, 12);
  const since = mended ? "; the newest version of the file is in order" : "";
  const found = finding("bad-merge", {
    file: name,
    what: short,
    message: `in the merge commit ${short} this file does not verify: ${error.message.split("\n", 1)[0]}${since}`,
    hint: mended
      ? "nothing is left to do; a baseline keeps it out of reports"
      : `compare it with both sides: git show ${short} -- ${shellQuoted(printable(name))}\nthen write the values that are right with: tsops edit --ignore-mac ${shellQuoted(printable(name))}`,
  });
  return mended ? { ...found, level: "note" } : found;
}
