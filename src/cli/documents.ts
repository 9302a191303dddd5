import type { OpenDocument } from "../document.ts";
import { TsopsError } from "../errors.ts";
import type { Args } from "./args.ts";
import type { Io } from "./io.ts";
import { note } from "./report.ts";

/**
 * The document of a YAML file that a command is about, from 0: the one that `--document` names, else the first. Then the
 * others are left out, as in SOPS, and a line says so.
 * @throws TsopsError("usage") for a document that is not there.
 */
export async function chosenDocument(open: OpenDocument, name: string, args: Args, io: Io): Promise<number> {
  const { documents } = open.decrypted.reading;
  const given = args.number("document");
  if (given === undefined) {
    if (documents > 1)
      await note(io, `${name}: only the first of ${documents} documents is used (--document 0)`);
    return 0;
  }
  if (Number.isInteger(given) && given >= 0 && given < documents) return given;
  throw new TsopsError("usage", `${name} has no document ${given}`, {
    hint: `documents are counted from 0, and this file has ${documents === 1 ? "one" : documents}`,
  });
}
