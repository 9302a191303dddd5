import { resolve } from "node:path";
import type { OpenDocument, Session } from "../document.ts";
import { inFile } from "../errors.ts";
import { withLock } from "../files/lock.ts";
import { readDocument } from "../files/read.ts";
import type { SaveOptions } from "../save.ts";
import type { Args } from "./args.ts";
import { openForUpdate, writeResult } from "./files.ts";
import type { Io } from "./io.ts";
import { makeSession } from "./session.ts";
import { indentFor, loadSettings, type Settings } from "./settings.ts";
import { checkRecipients, checkSelectors, checkSelectorsVouched } from "./vouch.ts";

/** What a command makes of an open file: its new text, or undefined if nothing is to be written. */
export type Change = (
  open: OpenDocument,
  session: Session,
  options: SaveOptions,
  settings: Settings,
) => string | undefined | Promise<string | undefined>;

interface UpdateOptions {
  /** Write back to the file; otherwise to `--output` or standard output. */
  readonly inPlace?: boolean;
  /** Whether the recipients that stand in the file get a new data key. */
  readonly rewraps?: boolean;
  /** Compare the recipients with the creation rule; false where they come from it. */
  readonly vouch?: boolean;
}

/**
 * Reads, opens, changes and replaces one file, alone: others that change it wait. The result goes to `--output` or
 * standard output where `inPlace` is false.
 */
export async function updateFile(
  name: string,
  args: Args,
  io: Io,
  change: Change,
  { inPlace = true, rewraps = false, vouch = true }: UpdateOptions = {},
): Promise<number> {
  const path = resolve(io.cwd, name);
  const session = await makeSession(args, io);
  const update = async (): Promise<number> => {
    const { bytes, fingerprint } = await readDocument(path);
    const settings = await loadSettings(path, args, io);
    const open = await openForUpdate(name, bytes, args, io, session);
    try {
      const seal = vouch
        ? await checkRecipients(open, settings, name, args, io, rewraps)
        : await checkSelectorsVouched(open, settings, name, args, io);
      const options = { seal, indent: indentFor(open.format, args, settings) };
      const text = await change(open, session, options, settings);
      if (text === undefined) return 0;
      await checkSelectors(open, text, settings, args);
      const target = inPlace ? { file: name, expected: fingerprint } : { output: args.text("output") };
      await writeResult(text, { ...target, plaintext: false }, io);
      return 0;
    } catch (error) {
      throw inFile(error, name);
    } finally {
      open.close();
    }
  };
  return inPlace ? await withLock(path, update) : await update();
}
