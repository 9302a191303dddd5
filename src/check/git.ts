import type { CachedText } from "../git/textconv-cache.ts";
import { shellQuoted } from "../printable.ts";
import { type Finding, finding } from "./finding.ts";

/** What is said of plaintext that git keeps of diffs. */
export function cachedText({ kind, name, scope }: CachedText): Finding {
  const word = shellQuoted(name);
  if (kind === "setting") {
    const where = scope === undefined || scope === "command" ? "" : ` --${scope}`;
    return finding("textconv-cache", {
      what: name,
      message: `git keeps decrypted text of diffs in its objects: ${name} is set`,
      hint: `take the setting out: git config${where} --unset-all ${word}`,
    });
  }
  return finding("textconv-cache", {
    what: name,
    message: `git has decrypted text of diffs in its objects: ${name}`,
    hint:
      `remove it: git update-ref -d ${word} && git reflog expire --expire=now --all && git gc --prune=now\n` +
      `if it was pushed, remove it there, too: git push REMOTE --delete ${word}\n` +
      "then change the secrets that others may have seen",
  });
}
