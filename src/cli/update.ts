import { resolve } from "node:path";
import type { OpenDocument, Recipients, Session } from "../document.ts";
import { inFile } from "../errors.ts";
import type { SaveOptions } from "../save.ts";
import { alone, aloneAt } from "./alone.ts";
import type { Run } from "./command.ts";
import {
  type OpenFile,
  openForUpdate,
  readInput,
  refuseOtherFormat,
  ruledFile,
  writeResult,
} from "./files.ts";
import { refuseProtected } from "./protected.ts";
import { note } from "./report.ts";
import { sessionOf } from "./session.ts";
import { indentFor, loadSettings } from "./settings.ts";
import { checkDrift, sealingOf, type VouchOptions, warnOfPlain } from "./vouch.ts";

/** A file that is open to be changed. */
export interface Updating extends OpenFile {
  readonly session: Session;
  /** What it is saved with. */
  readonly saving: SaveOptions;
}

/** What a command makes of an open file: its new text, or undefined if nothing is to be written. */
export type Change = (file: Updating) => string | undefined | Promise<string | undefined>;

interface UpdateOptions {
  /** Write back to the file; otherwise to `--output` or standard output. */
  readonly inPlace?: boolean;
  /**
   * For commands that are about who can read the file: what they do about differences from the creation rule, and the
   * recipients that the file will have.
   */
  readonly vouch?: Pick<VouchOptions, "mends"> & {
    readonly after?: (open: OpenDocument) => Recipients | Promise<Recipients>;
  };
}

/**
 * Reads, opens, changes and replaces one file, alone: others that change it wait. The result goes to `--output` or
 * standard output where `inPlace` is false.
 */
export async function updateFile(
  name: string,
  run: Run,
  change: Change,
  { inPlace = true, vouch }: UpdateOptions = {},
): Promise<number> {
  const path = resolve(run.io.cwd, name);
  await refuseProtected(name, run);
  const session = await sessionOf(run);
  const update = async (): Promise<number> => {
    const { bytes, fingerprint } = await readInput(name, run.io);
    const settings = await loadSettings(ruledFile(run.args, name, run.io), run);
    const open = await openForUpdate(name, bytes, run, session);
    try {
      await refuseOtherFormat(run.args, open.format);
      const { mends, after } = vouch ?? {};
      const file = { name, open, settings };
      await checkDrift(file, run, { mends, after: after && (await after(open)) });
      const { seal, said } = await sealingOf(file, run, { decides: vouch !== undefined });
      const saving = { seal, indent: indentFor(open.format, run.args, settings) };
      const text = await change({ ...file, session, saving });
      if (text === undefined) return 0;
      if (said !== undefined) await note(run.io, said);
      await warnOfPlain(file, text, run.io);
      const target = inPlace ? { file: name, expected: fingerprint } : { output: run.args.output };
      await writeResult(text, { ...target, plaintext: false }, run.io);
      return 0;
    } catch (error) {
      throw inFile(error, name);
    } finally {
      open.close();
    }
  };
  return inPlace ? await alone(path, run.io, update) : await aloneAt(run.args.output, run.io, update);
}
