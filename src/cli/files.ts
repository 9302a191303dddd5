import { basename, join, relative, resolve } from "node:path";
import type { Rule } from "../config/model.ts";
import { type OpenDocument, openRead, type Session } from "../document.ts";
import { changed, inFile, TsopsError, withHint } from "../errors.ts";
import { createFile, type Replaced, replaceFile } from "../files/atomic.ts";
import { type ReadFile, readDocument } from "../files/read.ts";
import type { Format, FormatName } from "../formats/format.ts";
import { formatOfFile, formatOfSopsName, isFormatName, loadFormat } from "../formats/index.ts";
import { decodeText, encodeText, placeOf } from "../formats/text.ts";
import type { MasterKey } from "../keys/kind.ts";
import { readAs, recognize } from "../recognize.ts";
import type { EncryptedText, Warning } from "../sops/decrypt.ts";
import { strangeTags } from "../sops/tags.ts";
import type { Args } from "./args.ts";
import type { Run } from "./command.ts";
import { type Io, visibleDocument, write } from "./io.ts";
import { checkPlace } from "./place.ts";
import { showKey } from "./recipients.ts";
import { note } from "./report.ts";
import { checkSealThere } from "./require-seal.ts";
import { loadSettings, type Settings } from "./settings.ts";

/** A file's bytes, by the name that the person gave. */
export async function readInput(name: string, io: Io): Promise<ReadFile> {
  try {
    const read = await readDocument(resolve(io.cwd, name));
    checkPlace(name, io);
    return read;
  } catch (error) {
    if (name !== "-" || !(error instanceof TsopsError)) throw error;
    throw changed(error, { hint: "standard input is read when no file is named: leave out the -" });
  }
}

/**
 * Gives a file that is not there the exit code that SOPS has for it, which depends on the command
 * (docs/internals/sops.md §8).
 */
export async function missingFileExits<T>(exit: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw error;
    throw changed(error, { exit });
  }
}

/**
 * The format of a plaintext that is to be encrypted: `--input-type`, else its name or what stands in for that. Where
 * SOPS would take it for binary, the creation rule has a say before our own names have.
 */
export async function inputFormat(args: Args, name: string, rule?: Pick<Rule, "format">): Promise<Format> {
  const type = args["input-type"];
  if (isFormatName(type)) return await loadFormat(type);
  const file = args["filename-override"] ?? name;
  return await loadFormat(formatOfSopsName(file) ?? rule?.format ?? formatOfFile(file));
}

/**
 * The format to write in: `--output-type`, else that of the input. With `--input-type` it is the one that the name
 * says, as in SOPS, where it has one to SOPS.
 */
export async function outputFormat(args: Args, name: string, input: Format): Promise<Format> {
  const type = args["output-type"];
  if (isFormatName(type)) return await loadFormat(type);
  if (!isFormatName(args["input-type"])) return input;
  const named = formatOfSopsName(args["filename-override"] ?? name);
  return named === undefined ? input : await loadFormat(named);
}

/**
 * Reads an encrypted file: as `--input-type` says, else by its name, or its content where that is of another format.
 */
export async function readEncryptedAs(text: string, name: string, args: Args): Promise<EncryptedText> {
  const type = args["input-type"];
  if (!isFormatName(type)) return await recognize(text, formatOfFile(args["filename-override"] ?? name));
  try {
    return await readAs(text, type);
  } catch (error) {
    throw await looksOtherwise(error, text, type);
  }
}

/** Says which type the file seems to have, where it is not the one that was asked for. */
async function looksOtherwise(error: unknown, text: string, type: FormatName): Promise<unknown> {
  if (!(error instanceof TsopsError) || !["parse", "print", "no-metadata"].includes(error.code)) return error;
  const { format } = await recognize(text, type).catch(() => ({ format: undefined }));
  if (!format) return error;
  const hint = `it looks like an encrypted file of type ${format.name}: leave out --input-type ${type}`;
  return changed(error, { hint });
}

/** The file that stands for an input where the creation rule is looked for: `--filename-override`, else itself. */
export function ruledFile(args: Args, name: string, io: Io): string {
  return resolve(io.cwd, args["filename-override"] ?? name);
}

/**
 * Commands that change a file keep its format, in which the parts that they do not change are kept to the byte. SOPS
 * prints all of it anew in the other one, whatever the file is called.
 */
export async function refuseOtherFormat(args: Args, format: Format): Promise<void> {
  const type = args["output-type"];
  if (!isFormatName(type) || (await loadFormat(type)) === format) return;
  throw new TsopsError(
    "usage",
    `the file is ${format.name} and stays ${format.name}: --output-type ${type} does not work here`,
    { hint: `decrypt it with --output-type ${type}, and encrypt that` },
  );
}

/** Refuses options that cannot stand together, as SOPS does (docs/internals/sops.md §7). */
export function checkOutputOptions(args: Args, files: readonly string[]): void {
  if (args["in-place"] && args.output !== undefined) {
    throw new TsopsError("conflicting-parameters", "--in-place and --output cannot be used together", {
      hint: "use one of them",
    });
  }
  if (args["in-place"] && files.length === 0) {
    throw new TsopsError(
      "conflicting-parameters",
      "--in-place needs a file: standard input cannot be written to",
      { hint: "name the file, or redirect the output" },
    );
  }
}

/** With `--json` standard output is for the JSON alone. `looks`: nothing else would be written there anyway. */
export function checkResults(args: Args & { readonly json?: boolean }, looks = false): void {
  if (!args.json || looks || args["in-place"] || args.output !== undefined) return;
  throw new TsopsError("usage", "--json says what was done, and the result itself would go there, too", {
    hint: "add --in-place or --output",
  });
}

/**
 * Writes a result where the options say: to standard output, back to the file, or to another one. Files are replaced
 * as a whole or not at all; what holds plaintext is only for its owner to read.
 * @returns whether others had access to a file that they have no more.
 */
export async function writeResult(
  text: string,
  target: {
    file?: string;
    /** What stood in the file was plaintext. */
    encrypts?: boolean;
    expected?: ReadFile["fingerprint"];
    output?: string;
    /** The folder that was named: the rest of the output's path follows from the input's. Folders are made. */
    below?: string;
    plaintext: boolean;
  },
  io: Io,
): Promise<boolean> {
  const bytes = encodeText(text);
  const { plaintext } = target;
  if (target.output !== undefined) {
    const below = target.below === undefined ? undefined : resolve(io.cwd, target.below);
    await createFile(resolve(io.cwd, target.output), bytes, {
      plaintext,
      below,
      parents: below !== undefined,
    });
  } else if (target.file !== undefined) {
    const { expected, file, encrypts } = target;
    checkPlace(file, io);
    const replaced = await replaceFile(resolve(io.cwd, file), bytes, { expected, plaintext });
    await noteOtherNames(file, replaced, encrypts === true, io);
    return replaced.narrowed;
  } else if (target.plaintext && io.stdout.isTTY) {
    await write(io.stdout, encodeText(visibleDocument(text)));
  } else {
    await write(io.stdout, bytes);
  }
  return false;
}

/** A file that is replaced as a whole leaves its other names with what it said before. */
export async function noteOtherNames(
  file: string,
  { otherNames, inode }: Replaced,
  plaintext: boolean,
  io: Io,
): Promise<void> {
  if (otherNames === 0) return;
  const what = plaintext ? "the plaintext" : "the old content";
  const names =
    otherNames === 1
      ? `another name (a hard link), which keeps ${what}`
      : `${otherNames} other names (hard links), which keep ${what}`;
  await note(io, `${plaintext ? "warning: " : ""}${file} has ${names}: find them with find -inum ${inode}`);
}

/** Where the result of one of several inputs goes below the folder that `--output` names. */
export function outputBelow(folder: string, name: string, io: Io): string {
  const inside = relative(io.cwd, resolve(io.cwd, name));
  return join(folder, inside.startsWith("..") ? basename(name) : inside);
}

/** Opens an encrypted file and says what is odd about it. The caller closes it. */
export async function openFile(
  name: string,
  content: Uint8Array | EncryptedText,
  run: Run,
  session: Session,
): Promise<OpenDocument> {
  const read = content instanceof Uint8Array ? undefined : content;
  const text = content instanceof Uint8Array ? decodeText(content) : content.reading.text;
  const openers: Opener[] = [];
  try {
    const ignoreMac = run.args["ignore-mac"];
    const onOpened = (key: MasterKey, service: string) => void openers.push({ key, service });
    const encrypted = read ?? (await readEncryptedAs(text, name, run.args));
    const open = await openRead(encrypted, session, { ignoreMac, onOpened }).finally(() =>
      run.args.verbose ? noteOpeners(name, openers, run) : undefined,
    );
    await checkSealThere(name, open.metadata, run).catch((error) => {
      open.close();
      throw error;
    });
    await reportWarnings(open.decrypted.warnings, text, name, run.io);
    if (run.args.verbose) {
      const sealed = open.decrypted.sealed ? "MAC and seal match" : "the MAC matches; it has no seal";
      await note(run.io, `${name}: opened as ${open.format.name}; ${ignoreMac ? "not checked" : sealed}`);
    }
    return open;
  } catch (error) {
    if (error instanceof TsopsError && error.code === "no-data-key")
      throw inFile(await withAdvice(error, { name, text }, run, session), name);
    throw inFile(error, name);
  }
}

/**
 * A program that asks for variables gets one with everything in it: that is what SOPS does, and hardly what was meant.
 */
export async function warnOfOneText({ format }: OpenDocument, name: string, io: Io): Promise<void> {
  if (!format.wrapper) return;
  await note(
    io,
    `warning: ${name} was encrypted as one text: all of it is in the variable data`,
    "  decrypt it and encrypt it again with --input-type dotenv, or whatever it is, to have its values",
  );
}

/** The same as {@link openFile} for a file that is to be written again: what nobody vouches for in it is named. */
export async function openForUpdate(...input: Parameters<typeof openFile>): Promise<OpenDocument> {
  const open = await openFile(...input);
  const [name, , run] = input;
  try {
    // before anybody is asked, or types anything
    await refuseHeld(open);
  } catch (error) {
    open.close();
    throw inFile(error, name);
  }
  await reportWarnings(strangeTags(open.decrypted), open.decrypted.reading.text, name, run.io);
  return open;
}

/** Refuses a file with conflicts of a merge. @throws TsopsError("merge-conflict") */
export async function refuseHeld({ decrypted: { conflicts } }: OpenDocument): Promise<void> {
  if (conflicts) (await import("../sops/conflicts.ts")).refuseConflicts(conflicts);
}

/** An encrypted file that is open, or as far as it is known without a key. */
export interface OpenFile<T = OpenDocument> {
  /** As it was typed or found. */
  readonly name: string;
  readonly open: T;
  readonly settings: Settings;
}

interface Opener {
  readonly key: MasterKey;
  readonly service: string;
}

/** Which keys opened a file. Programs that call SOPS look for its words, so they stay. */
async function noteOpeners(name: string, openers: readonly Opener[], run: Run): Promise<void> {
  if (openers.length === 0) return;
  const config = await configOf(name, run);
  const keys = openers.map(({ key, service }) => {
    return `${key.kind} ${showKey(key, { config })}${service === "" ? "" : ` by ${service}`}`;
  });
  await note(run.io, `${name}: Data key recovered successfully, with ${keys.join(" and ")}`);
}

/** A report of keys that did not open a file, with what to do for whom it was never encrypted for. */
async function withAdvice(
  error: TsopsError,
  { name, text }: { name: string; text: string },
  run: Run,
  { context, local = true }: Session,
): Promise<TsopsError> {
  if (!local) return error;
  const [{ adviceForStranger }, { groupsFromMetadata }] = await Promise.all([
    import("./stranger.ts"),
    import("../keys/metadata.ts"),
  ]);
  const { metadata } = await readEncryptedAs(text, name, run.args);
  const { groups } = groupsFromMetadata(metadata.tree);
  const advice = await adviceForStranger(groups, await configOf(name, run), context);
  return advice.length > 0 ? withHint(error, ...advice) : error;
}

/** For names of keys; what is wrong with the configuration does not matter to them. */
async function configOf(name: string, run: Run) {
  const settings = await loadSettings(resolve(run.io.cwd, name), run).catch(() => undefined);
  return settings?.config;
}

/** Ten comments that do not decrypt are ten lines; a thousand are not worth a screen each. */
const SHOWN_WARNINGS = 10;

export async function reportWarnings(
  warnings: readonly Warning[],
  text: string,
  name: string,
  io: Io,
): Promise<void> {
  for (const { message, offset } of warnings.slice(0, SHOWN_WARNINGS)) {
    const { line, column } = placeOf(text, offset);
    await note(io, `warning: ${name}:${line}:${column}: ${message}`);
  }
  const more = warnings.length - SHOWN_WARNINGS;
  if (more > 0) await note(io, `warning: ${name}: ${more} more warnings like these`);
}
