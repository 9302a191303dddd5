import { resolve } from "node:path";
import type { OpenDocument, Recipients, Session } from "../document.ts";
import { inFile } from "../errors.ts";
import { withLock } from "../files/lock.ts";
import type { SaveOptions } from "../save.ts";
import type { Args } from "./args.ts";
import { openForUpdate, readInput, refuseOtherFormat, ruledFile, writeResult } from "./files.ts";
import type { Io } from "./io.ts";
import { refuseProtected } from "./protected.ts";
import { note } from "./report.ts";
import { makeSession } from "./session.ts";
import { indentFor, loadSettings, type Settings } from "./settings.ts";
import { checkDrift, sealingOf, type VouchOptions, warnOfPlain } from "./vouch.ts";

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
  /** For commands that are about who can read the file: what they do about differences from the creation rule, and the recipients that it will give the file. */
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
  args: Args,
  io: Io,
  change: Change,
  { inPlace = true, vouch }: UpdateOptions = {},
): Promise<number> {
  const path = resolve(io.cwd, name);
  await refuseProtected(name, args, io);
  const session = await makeSession(args, io);
  const update = async (): Promise<number> => {
    const { bytes, fingerprint } = await readInput(name, io);
    const settings = await loadSettings(ruledFile(args, name, io), args, io);
    const open = await openForUpdate(name, bytes, args, io, session);
    try {
      await refuseOtherFormat(args, open.format);
      const { mends, after } = vouch ?? {};
      await checkDrift(open, settings, name, args, io, { mends, after: after && (await after(open)) });
      const decides = vouch !== undefined;
      const { seal, said } = await sealingOf(open, settings, name, args, io, { decides });
      const options = { seal, indent: indentFor(open.format, args, settings) };
      const text = await change(open, session, options, settings);
      if (text === undefined) return 0;
      if (said !== undefined) await note(io, said);
      await warnOfPlain(open, text, settings, name, io);
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
