import { type OpenDocument, openWithKey } from "./document.ts";
import { TsopsError } from "./errors.ts";
import { type Variants, variantsOf } from "./merge/choose.ts";
import { asMerged } from "./merge/line-ends.ts";
import { type Conflicts, conflictsIn } from "./sops/conflicts.ts";
import { readEncrypted } from "./sops/decrypt.ts";

/** A file with its conflicts, as the merge wrote it: git may have checked it out with other line ends. */
export interface Merged {
  readonly open: OpenDocument;
  readonly said: Conflicts;
  readonly variants: Variants;
}

/**
 * What a merge left in a file that was opened and holds conflicts. It is a document of its own, which has to be closed,
 * too. @throws TsopsError("merge-conflict") if the file was changed since.
 */
export async function openMerged(file: OpenDocument, checkedOut: string): Promise<Merged> {
  const { conflicts } = file.decrypted;
  const said = conflicts && conflictsIn(conflicts);
  if (!said) throw changedSince();
  for (const text of asMerged(checkedOut, said)) {
    const open = await openWithKey(readEncrypted(text, file.format), file.dataKey);
    const variants = open && variantsOf(open.decrypted.text, said);
    if (variants) return { open, said, variants };
    open?.close();
  }
  throw changedSince();
}

function changedSince(): TsopsError {
  return new TsopsError(
    "merge-conflict",
    "the file was changed after the merge, so its conflicts cannot be read",
    {
      hint: "git checkout -m FILE merges again, as long as the merge is not finished",
      exit: 1,
    },
  );
}
