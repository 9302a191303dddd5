import type { PlacedSelector } from "../config/model.ts";
import { compile } from "../config/pattern.ts";
import { configError } from "../config/problem.ts";
import type { OpenDocument } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { formatPath } from "../formats/path.ts";
import { type Bare, coverageChange } from "../sops/coverage.ts";
import { DEFAULT_SELECTOR, type Selector } from "../sops/selection.ts";

/** An invalid expression never matches: nothing or everything would be plain without a word. */
export async function checkExpression({ kind, value, place }: PlacedSelector): Promise<void> {
  const compiled = kind.endsWith("_regex") ? await compile(value) : undefined;
  if (!compiled || !("why" in compiled)) return;
  const message = `${kind} of the recreation rule is not a valid regular expression: ${compiled.why}`;
  throw configError(message, place, "correct it; RE2 has no look-ahead and no back-references");
}

/**
 * What is encrypted in a file, and would be plain where it is published, in words. A selector of the rule may do that.
 * @throws TsopsError("selectors-changed") if it is the default that does.
 */
export async function baredBy(selector: Selector | undefined, open: OpenDocument): Promise<string[]> {
  const { bared } = await coverageChange(open.decrypted, open.format, selector ?? DEFAULT_SELECTOR);
  const bare = bared.map(nameOf);
  if (bare.length === 0 || selector) return bare;
  throw new TsopsError(
    "selectors-changed",
    `${bare[0]} is encrypted, and would be plain where the file is published`,
    {
      hint: "the recreation rule has no selector, so values whose key ends with _unencrypted are left plain: give it the file's own",
    },
  );
}

function nameOf({ kind, path }: Bare): string {
  const where = formatPath(path);
  if (kind === "value") return `the value at ${where}`;
  return path.length > 0 ? `a comment at ${where}` : "a comment at the top";
}
