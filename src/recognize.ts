import { TsopsError } from "./errors.ts";
import type { FormatName } from "./formats/format.ts";
import { loadFormat } from "./formats/index.ts";
import { type EncryptedText, readEncrypted } from "./sops/decrypt.ts";
import { SELECTOR_KINDS } from "./sops/selection.ts";

/** Reads an encrypted text in just this format. @throws as readEncrypted */
export async function readAs(text: string, name: FormatName): Promise<EncryptedText> {
  return readEncrypted(text, await loadFormat(name));
}

/**
 * Reads an encrypted text in the format that its name says, and where it is none of that format, in the one that its
 * content says: `q.yaml.enc`, standard input, `.env.production` as SOPS encrypts it. What the name's format can read is
 * read once, and never taken for another one, but for the case of `isWrapped`.
 * @throws as readEncrypted
 */
export async function recognize(text: string, named: FormatName): Promise<EncryptedText> {
  let error: unknown;
  try {
    const read = await readAs(text, named);
    if (named !== "json5" || !isWrapped(read)) return read;
  } catch (thrown) {
    if (!(thrown instanceof TsopsError) || !OF_ANOTHER_FORMAT.includes(thrown.code)) throw thrown;
    error = thrown;
  }
  const { formatsOfEncrypted } = await import("./formats/detect.ts");
  const others = formatsOfEncrypted(text).filter((name) => name !== named);
  for (const [i, other] of others.entries()) {
    try {
      return await readAs(text, other);
    } catch (thrown) {
      if (!(thrown instanceof TsopsError) || !OF_ANOTHER_FORMAT.includes(thrown.code)) throw thrown;
      // a name that says nothing has nothing better to say; JSON's reader says more than that of what is in it
      if (named === "binary" && (i === 0 || others[i - 1] === "binary")) error = thrown;
    }
  }
  if (error === undefined) return await readAs(text, named);
  throw error;
}

/** What reading says of a text of another format; anything else is said of the file's metadata. */
const OF_ANOTHER_FORMAT: readonly string[] = ["parse", "print", "no-metadata"];

/**
 * Whether a JSON5 document is the wrapper of a binary file, as which SOPS encrypts `.json5` and `.jsonc`: one text named
 * data, and no selector, which documents with names always have.
 */
function isWrapped({ reading, metadata }: EncryptedText): boolean {
  const [entry, other] = reading.entries;
  const alone = other === undefined && entry?.key === "data" && typeof entry.value === "string";
  return alone && SELECTOR_KINDS.every((kind) => metadata.tree.get(kind) === undefined);
}
