import type { OpenDocument } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import type { Run } from "./command.ts";
import type { Io } from "./io.ts";
import { note } from "./report.ts";

/**
 * The document of a YAML file that a command is about, from 0: the one that `--document` names, else the first. Then the
 * others are left out, as in SOPS, and a line says so.
 * @throws TsopsError("usage") for a document that is not there.
 */
export async function chosenDocument(open: OpenDocument, name: string, run: Run): Promise<number> {
  const { documents } = open.decrypted.reading;
  const given = run.args.document;
  if (given === undefined) {
    if (documents > 1)
      await note(run.io, `${name}: only the first of ${documents} documents is used (--document 0)`);
    return 0;
  }
  if (Number.isInteger(given) && given >= 0 && given < documents) return given;
  throw new TsopsError("usage", `there is no document ${given}`, {
    hint: `documents are counted from 0, and this file has ${documents === 1 ? "one" : documents}`,
  });
}

/** Where a flat format or a variable gets the text that SOPS writes for null: the next reader takes it for the value. */
export async function noteNulls({ decrypted }: OpenDocument, name: string, io: Io): Promise<void> {
  const nulls = decrypted.items.filter(({ entry, value }) => entry.kind === "value" && value === null);
  for (const { entry } of nulls) {
    await note(
      io,
      `warning: ${name}: null at ${formatPath(pathOf(entry))} becomes the text <nil>, as in SOPS`,
    );
  }
}
