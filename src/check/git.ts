import { type CachedText, removalOf } from "../git/textconv-cache.ts";
import { type Finding, finding } from "./finding.ts";

/** What is said of plaintext that git keeps of diffs. */
export function cachedText(cached: CachedText): Finding {
  const { kind, name } = cached;
  const [remove, collect, push] = removalOf(cached);
  if (kind === "setting") {
    return finding("textconv-cache", {
      what: name,
      message: `git keeps decrypted text of diffs in its objects: ${name} is set`,
      hint: `take the setting out: ${remove}`,
    });
  }
  return finding("textconv-cache", {
    what: name,
    message: `git has decrypted text of diffs in its objects: ${name}`,
    hint:
      `remove it: ${remove} && ${collect}\n` +
      `if it was pushed, remove it there, too: ${push}\n` +
      "then change the secrets that others may have seen",
  });
}
