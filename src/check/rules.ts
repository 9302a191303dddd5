/**
 * Everything that `tsops check` can find, in one table: help, docs/check.md, the JSON schema and the rules of a SARIF
 * report are made from it. The names stay: baselines, reports and scripts hold them.
 */

export type Level = "error" | "warning" | "note";

/** What a rule needs besides the files: a key, the repository, an option. */
export type Group = "encrypted" | "key" | "git" | "secret";

interface Descriptor {
  readonly group: Group;
  readonly level: Level;
  /** What is wrong, in a few words. */
  readonly summary: string;
  /** Why that matters, and what to do. */
  readonly help: string;
}

const TABLE = {
  "not-encrypted": {
    group: "encrypted",
    level: "error",
    summary: "a file that a creation rule covers is not encrypted",
    help:
      "Encrypt it with `tsops encrypt -i FILE` before it is committed. If it was committed already, its secrets are " +
      "known to everybody who has the repository: change them. A rule without a pattern covers every file, so there " +
      "only files count in which something looks like a secret.",
  },
  "plain-value": {
    group: "encrypted",
    level: "error",
    summary: "a value of an encrypted file is not encrypted, and should be",
    help:
      "The file's selector, or that of its creation rule, wants it encrypted. Remove it from the file and add it with " +
      "`tsops set FILE PATH`. If it replaced an encrypted value, restore that one from git first.",
  },
  "plain-comment": {
    group: "encrypted",
    level: "warning",
    summary: "a comment of an encrypted file is not encrypted, and would be",
    help:
      "Somebody added it by hand, or SOPS left it plain. The next `tsops edit` or `rotate` encrypts it. Move it to a " +
      "place that stays plain if everybody may read it.",
  },
  "readable-text": {
    group: "encrypted",
    level: "error",
    summary: "text stays readable where it looks like part of an encrypted value",
    help:
      "SOPS reads this text as a comment or not at all, so it is never encrypted. Put it into the value with " +
      "`tsops edit FILE`, or remove it.",
  },
  "recipients-differ": {
    group: "encrypted",
    level: "error",
    summary: "the recipients of a file are not those of its creation rule",
    help:
      "Somebody may have added a key of their own, or the rule changed. Find out why, then bring the file in line " +
      "with `tsops updatekeys FILE`.",
  },
  "threshold-differs": {
    group: "encrypted",
    level: "error",
    summary: "a file needs another number of key groups than its creation rule says",
    help: "Bring the file in line with `tsops updatekeys FILE`.",
  },
  "selector-differs": {
    group: "encrypted",
    level: "error",
    summary: "the selector of a file is not that of its creation rule",
    help:
      "The next value that somebody adds could be written in plaintext. Bring the file in line with " +
      "`tsops updatekeys --update-selector FILE`.",
  },
  "mac-only-encrypted": {
    group: "encrypted",
    level: "error",
    summary: "the MAC leaves plain values out, and the creation rule does not say so",
    help:
      "Everybody can change the plain values of such a file unnoticed. Bring it in line with " +
      "`tsops updatekeys --update-selector FILE`.",
  },
  "seal-missing": {
    group: "encrypted",
    level: "error",
    summary: "a file has no seal, and one is required",
    help:
      "SOPS wrote it, or somebody removed the seal. Compare it with git's history; if it is right, " +
      "`tsops rotate -i --require-seal=false FILE` seals it.",
  },
  "merge-conflict": {
    group: "encrypted",
    level: "error",
    summary: "a file holds an unresolved merge conflict",
    help:
      "Either git's conflict markers are in the file, or the other side of a merge is stored in its metadata " +
      "(`sops.tsops.conflicts`). Finish the merge before you commit.",
  },
  "duplicate-key": {
    group: "encrypted",
    level: "warning",
    summary: "a key occurs twice in an encrypted file",
    help: "Programs differ in which of the two they use. Remove one of them with `tsops edit FILE`.",
  },
  "nothing-selected": {
    group: "encrypted",
    level: "warning",
    summary: "the selector of an encrypted file selects no value",
    help: "Nothing in the file is encrypted. Correct the expression in the creation rule; `tsops config check` helps.",
  },
  "old-data-key": {
    group: "encrypted",
    level: "error",
    summary: "a file was not rotated or changed for longer than --older-than allows",
    help: "Make a new data key with `tsops rotate -i FILE`.",
  },
  "bad-metadata": {
    group: "encrypted",
    level: "error",
    summary: "the metadata of an encrypted file is missing or cannot be read",
    help: "Nothing opens such a file. Compare its `sops` part with the last good version in git.",
  },
  damaged: {
    group: "encrypted",
    level: "error",
    summary: "an encrypted file cannot be read",
    help: "Compare it with its last good version in git.",
  },
  "cannot-decrypt": {
    group: "key",
    level: "error",
    summary: "no key here opens a file",
    help: "Only with --decrypt and --merges. `tsops doctor FILE` says for each key what is missing.",
  },
  "mac-mismatch": {
    group: "key",
    level: "error",
    summary: "a value of a file was changed without its key",
    help:
      "Only with --decrypt. The MAC does not fit, or a value does not open: somebody changed the file by hand, or a " +
      "merge mixed two versions. Compare it with its last good version in git.",
  },
  "bad-comment": {
    group: "key",
    level: "warning",
    summary: "a comment of an encrypted file cannot be decrypted",
    help: "Only with --decrypt. Somebody changed or moved it. Compare the file with its last good version in git.",
  },
  "seal-broken": {
    group: "key",
    level: "error",
    summary: "a file is not as it was when it was sealed",
    help:
      "Only with --decrypt. Recipients, selector, keys or the spelling changed without the data key. Compare it with its " +
      "last good version in git.",
  },
  "bad-merge": {
    group: "git",
    level: "error",
    summary: "a merge commit has an encrypted file that does not verify",
    help:
      "Only with --merges. The merge was done as text, for example by a forge, which runs no merge driver. Merge the " +
      "two parents again where tsops is installed in git, or take over the values with `tsops edit`.",
  },
  "textconv-cache": {
    group: "git",
    level: "error",
    summary: "git stores decrypted text of diffs in its objects",
    help:
      "`cachetextconv` is set for a diff driver, or a cache of it is there (refs/notes/textconv/…). Whoever gets these " +
      "objects can read the plaintext. Remove the setting and the refs.",
  },
  "secret-name": {
    group: "secret",
    level: "warning",
    summary: "a value that stays plain has the name of a secret",
    help:
      "If it is a secret, encrypt it and change it where it is used. If not, put `tsops:allow` into a comment on its " +
      "line or the line before, or add it to a baseline.",
  },
  "secret-value": {
    group: "secret",
    level: "error",
    summary: "a value that stays plain looks random, and has the name of a secret",
    help: "Encrypt it, and change it where it is used: it is known to everybody who has the repository.",
  },
  "vendor-token": {
    group: "secret",
    level: "error",
    summary: "a token or key of a known service stands in plaintext",
    help: "Encrypt it, and revoke it where it was issued: it is known to everybody who has the repository.",
  },
  "private-key": {
    group: "secret",
    level: "error",
    summary: "a private key stands in plaintext",
    help: "Encrypt it or take it out of the repository, and make a new one.",
  },
  jwt: {
    group: "secret",
    level: "warning",
    summary: "a signed token (JWT) stands in plaintext",
    help: "If it has not expired it lets others in: encrypt it, and have it revoked.",
  },
  "url-password": {
    group: "secret",
    level: "error",
    summary: "an address with a password stands in plaintext",
    help: "Encrypt it, and change the password.",
  },
  secretlint: {
    group: "secret",
    level: "error",
    summary: "secretlint found a secret",
    help: "Only with --deep: a second opinion by the rules of secretlint's preset.",
  },
} as const satisfies Readonly<Record<string, Descriptor>>;

export type RuleId = keyof typeof TABLE;

export interface Rule extends Descriptor {
  readonly id: RuleId;
}

/** All rules, in the order of the documentation. */
export const RULES: readonly Rule[] = Object.entries(TABLE).map(([id, rule]) => ({
  id: id as RuleId,
  ...rule,
}));

export function ruleOf(id: RuleId): Rule {
  return { id, ...TABLE[id] };
}
