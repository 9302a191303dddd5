import type { Drift } from "../config/drift.ts";
import { TsopsError } from "../errors.ts";
import { type Entry, pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { groupsFromMetadata } from "../keys/metadata.ts";
import { printable, shellQuoted } from "../printable.ts";
import { bareComments, bareHint, bareValues } from "../sops/bare.ts";
import { holdsConflicts } from "../sops/conflicts.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import type { Metadata } from "../sops/metadata.ts";
import { nothingSelected } from "../sops/nothing.ts";
import { readableText } from "../sops/remarks.ts";
import { compileSelector, type Selection, type Selector } from "../sops/selection.ts";
import { type Finding, finding, type Lines } from "./finding.ts";

/** What can be seen of an encrypted file without a key. */

export interface EncryptedFile {
  readonly name: string;
  readonly encrypted: EncryptedText;
  readonly lines: Lines;
}

/** What a file is compared with. */
export interface Expectations {
  /** How it differs from its creation rule. */
  readonly drift: Drift | undefined;
  /** The same in lines for people, with the names of keys. */
  describe(drift: Drift): string[];
  /** Why it may not be without a seal; undefined if it has one, or needs none. */
  readonly sealMissing: { readonly message: string; readonly hint?: string } | undefined;
  /** Whether it is older than `--older-than` allows. */
  isOld?(metadata: Metadata): boolean;
}

/** @throws nothing on purpose: what cannot be read of the metadata is a finding. */
export async function checkEncrypted(file: EncryptedFile, expected: Expectations): Promise<Finding[]> {
  const { metadata, reading } = file.encrypted;
  const selection = await compileSelector(metadata.selector);
  const rest = readable(file, selection);
  const restLines = new Set(rest.map(({ line }) => line));
  const comments = bareComments(reading, selection).map((entry) => plainComment(file, entry));
  return [
    ...keyGroups(file),
    ...plainValues(file, selection),
    ...(await wantedByRule(file, selection, expected.drift?.selector?.rule)),
    ...comments.filter(({ line }) => !restLines.has(line)),
    ...rest,
    ...duplicates(file),
    ...(await nothing(file)),
    ...drifted(file, expected),
    ...conflicts(file),
    ...seal(file, expected),
    ...old(file, expected),
  ];
}

function word(name: string): string {
  return shellQuoted(printable(name));
}

function keyGroups({ name, encrypted }: EncryptedFile): Finding[] {
  try {
    groupsFromMetadata(encrypted.metadata.tree);
    return [];
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return [badMetadata(name, error)];
  }
}

/** @param error says what is wrong with the metadata, and holds none of it. */
export function badMetadata(name: string, { message, hint, place }: TsopsError): Finding {
  const next = hint ?? "compare the metadata with the file's last good version in git";
  return finding("bad-metadata", { file: name, message, hint: next, at: place });
}

function plainValues({ name, encrypted, lines }: EncryptedFile, selection: Selection): Finding[] {
  return bareValues(encrypted.reading, selection).map((entry) => {
    const path = pathOf(entry);
    return finding("plain-value", {
      file: name,
      at: lines.at(entry.start),
      path,
      message: `the value at ${formatPath(path)} is not encrypted, and should be`,
      hint: bareHint([entry], name),
    });
  });
}

/** Values that the file's own selector leaves plain, and that of its rule does not. */
async function wantedByRule(
  { name, encrypted: { reading }, lines }: EncryptedFile,
  own: Selection,
  selector: Selector | undefined,
): Promise<Finding[]> {
  // of encrypted comments nobody knows whether they match
  if (!selector || selector.kind.includes("comment")) return [];
  const known = new Set(bareValues(reading, own));
  const wanted = bareValues(reading, await compileSelector(selector));
  return wanted
    .filter((entry) => !known.has(entry))
    .map((entry) => {
      const path = pathOf(entry);
      return finding("plain-value", {
        file: name,
        at: lines.at(entry.start),
        path,
        message: `the value at ${formatPath(path)} is not encrypted, and its creation rule wants it to be`,
        hint: `encrypt it with: tsops updatekeys --update-selector ${word(name)}\nthen change it where it is used`,
      });
    });
}

function plainComment({ name, lines }: EncryptedFile, entry: Entry): Finding {
  return finding("plain-comment", {
    file: name,
    at: lines.at(entry.start),
    message: "this comment is not encrypted",
    hint: `if it is a secret, change that; tsops rotate -i ${word(name)} encrypts the comment`,
  });
}

function readable({ name, encrypted, lines }: EncryptedFile, selection: Selection): Finding[] {
  return readableText(encrypted.reading, selection).map(({ message, hint, offset }) =>
    finding("readable-text", {
      file: name,
      at: lines.at(offset),
      message: `${message}: it stays in plaintext`,
      hint,
    }),
  );
}

function duplicates({ name, encrypted, lines }: EncryptedFile): Finding[] {
  return (encrypted.reading.duplicates ?? []).map((offset) =>
    finding("duplicate-key", {
      file: name,
      at: lines.at(offset),
      message: "this key occurs twice in one map",
      hint: `remove one of them with: tsops edit ${word(name)}`,
    }),
  );
}

async function nothing({ name, encrypted }: EncryptedFile): Promise<Finding[]> {
  const { reading, metadata, format } = encrypted;
  if (format.wrapper || !(await nothingSelected(reading, metadata.selector))) return [];
  return [
    finding("nothing-selected", {
      file: name,
      message: `no value of this file is encrypted: its ${metadata.selector.kind} selects none`,
      hint: "tsops config check says whether the expression is valid",
    }),
  ];
}

function drifted({ name }: EncryptedFile, { drift, describe }: Expectations): Finding[] {
  if (!drift) return [];
  const { groups, threshold, selector, macOnlyEncrypted } = drift;
  const found: Finding[] = [];
  const add = (rule: Parameters<typeof finding>[0], part: Drift, message: string, option = ""): void => {
    const hint = `bring it in line with: tsops updatekeys${option} ${word(name)}`;
    found.push(finding(rule, { file: name, message, hint, details: describe(part) }));
  };
  const is = "as its creation rule has it (+++ the rule adds, --- it removes)";
  if (groups) add("recipients-differ", { groups }, `who can read it is not ${is}`);
  if (threshold) add("threshold-differs", { threshold }, `how many key groups are needed is not ${is}`);
  const option = " --update-selector";
  if (selector) add("selector-differs", { selector }, `what of it is encrypted is not ${is}`, option);
  if (macOnlyEncrypted) {
    const message = "its MAC leaves plain values out, and its creation rule does not say so";
    add("mac-only-encrypted", { macOnlyEncrypted }, message, option);
  }
  return found;
}

/** The other side of a merge that nobody finished (docs/format.md). */
function conflicts({ name, encrypted }: EncryptedFile): Finding[] {
  if (!holdsConflicts(encrypted.metadata)) return [];
  return [
    finding("merge-conflict", {
      file: name,
      message: "a merge of this file is not finished: the other side is stored in sops.tsops.conflicts",
      hint: `finish it with: tsops git resolve ${word(name)}\nthen: git add ${word(name)}`,
    }),
  ];
}

function seal({ name }: EncryptedFile, { sealMissing }: Expectations): Finding[] {
  if (!sealMissing) return [];
  const { message, hint } = sealMissing;
  return [finding("seal-missing", { file: name, message, hint })];
}

function old({ name, encrypted: { metadata } }: EncryptedFile, { isOld }: Expectations): Finding[] {
  if (!isOld?.(metadata)) return [];
  return [
    finding("old-data-key", {
      file: name,
      message: `it was not rotated or changed since ${metadata.lastModified}`,
      hint: `make a new data key with: tsops rotate -i ${word(name)}`,
    }),
  ];
}
