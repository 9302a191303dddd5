import type { TsopsError } from "../errors.ts";
import { printable, shellQuoted } from "../printable.ts";
import { type Finding, finding } from "./finding.ts";
import type { RuleId } from "./rules.ts";

/** What is said of a file that is not encrypted, or was before somebody damaged it. */

interface NotEncrypted {
  readonly staged: boolean;
  /** Of what looks like a secret in it, where nothing else says that it should be encrypted. */
  readonly count?: number;
  /** The rule that says so is not staged. */
  readonly ruleUnstaged?: boolean;
}

export function notEncrypted(name: string, { staged, count, ruleUnstaged }: NotEncrypted): Finding {
  const file = shellQuoted(printable(name));
  const covered = `a creation rule covers it${ruleUnstaged ? ", which is in the work tree and not staged yet" : ""}`;
  const why =
    count === undefined
      ? `and ${covered}`
      : `and ${count === 1 ? "a value of it looks" : `${count} of its values look`} like a secret; ${covered}`;
  return finding("not-encrypted", {
    file: name,
    message: `this file is not encrypted, ${why}`,
    hint: staged
      ? `encrypt it with: tsops encrypt -i ${file} && git add ${file}`
      : `encrypt it with: tsops encrypt -i ${file}\nif it was committed before, change its secrets where they are used`,
  });
}

/** In the index there is plaintext, and in the work tree the same file is encrypted. */
export function encryptedSince(name: string): Finding {
  const file = shellQuoted(printable(name));
  return finding("not-encrypted", {
    file: name,
    message: "what is staged of this file is not encrypted; in the work tree it is",
    hint: `stage the encrypted file: git add ${file}`,
  });
}

const DAMAGES: Readonly<Record<string, RuleId>> = { "merge-conflict": "merge-conflict", parse: "damaged" };

/** A reader's error about a file that is, or was, encrypted. Its texts hold no values. */
export function damage(name: string, { code, message, hint, place }: TsopsError): Finding {
  return finding(DAMAGES[code] ?? "bad-metadata", { file: name, message, hint, at: place });
}

/** The last commit has the file encrypted, and what is staged is plaintext, though no rule covers it. */
export function lostEncryption(name: string): Finding {
  const file = shellQuoted(printable(name));
  return finding("not-encrypted", {
    file: name,
    message: "this file is encrypted in the last commit, and what is staged is not",
    hint:
      `take it back with: git restore --staged ${file}\n` +
      "if it is to stay plain from now on, change its secrets first",
  });
}
