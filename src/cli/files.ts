import { basename, join, relative, resolve } from "node:path";
import { type OpenDocument, openText, type Session } from "../document.ts";
import { inFile, TsopsError } from "../errors.ts";
import { createFile, replaceFile } from "../files/atomic.ts";
import { type ReadFile, readDocument } from "../files/read.ts";
import type { Format } from "../formats/format.ts";
import { formatOfFile, isFormatName, loadFormat } from "../formats/index.ts";
import { decodeText, encodeText, placeOf } from "../formats/text.ts";
import type { Warning } from "../sops/decrypt.ts";
import type { Args } from "./args.ts";
import { type Io, visibleDocument, write } from "./io.ts";
import { note } from "./report.ts";
import { checkSealThere } from "./require-seal.ts";

/** A file's bytes, by the name that the person gave. */
export async function readInput(name: string, io: Io): Promise<ReadFile> {
  try {
    return await readDocument(resolve(io.cwd, name));
  } catch (error) {
    if (name !== "-" || !(error instanceof TsopsError)) throw error;
    const hint = "standard input is read where no file is named: leave the - away";
    throw new TsopsError(error.code, error.message, { hint, place: error.place, cause: error.cause });
  }
}

/** Gives a file that is not there the exit code that SOPS has for it, which depends on the command (SPEC section 8). */
export async function missingFileExits<T>(exit: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw error;
    const { code, message, hint, place, cause } = error;
    throw new TsopsError(code, message, { hint, place, cause, exit });
  }
}

/** The format to read a file in: `--input-type`, else its name or what stands in for that. */
export async function inputFormat(args: Args, name: string): Promise<Format> {
  const type = args.text("input-type");
  return await loadFormat(isFormatName(type) ? type : formatOfFile(args.text("filename-override") ?? name));
}

/** The format to write it in: `--output-type`, else that of the input. */
export async function outputFormat(args: Args, name: string): Promise<Format> {
  const type = args.text("output-type");
  return isFormatName(type) ? await loadFormat(type) : await inputFormat(args, name);
}

/** Refuses options that cannot stand together, as SOPS does (SPEC section 7). */
export function checkOutputOptions(args: Args, files: readonly string[]): void {
  if (args.flag("in-place") && args.has("output")) {
    throw new TsopsError("conflicting-parameters", "--in-place and --output cannot be used together", {
      hint: "use one of them",
    });
  }
  if (args.flag("in-place") && files.length === 0) {
    throw new TsopsError(
      "conflicting-parameters",
      "--in-place needs a file: standard input cannot be written to",
      {
        hint: "name the file, or redirect the output",
      },
    );
  }
}

/**
 * Writes a result where the options say: to standard output, back to the file, or to another one. Files are replaced
 * as a whole or not at all; what holds plaintext is only for its owner to read.
 */
export async function writeResult(
  text: string,
  target: {
    file?: string;
    expected?: ReadFile["fingerprint"];
    output?: string;
    /** Make the folders that lead to the output. */
    parents?: boolean;
    plaintext: boolean;
  },
  io: Io,
): Promise<void> {
  const bytes = encodeText(text);
  if (target.output !== undefined) {
    const { plaintext, parents } = target;
    await createFile(resolve(io.cwd, target.output), bytes, { plaintext, parents });
  } else if (target.file !== undefined) {
    await replaceFile(resolve(io.cwd, target.file), bytes, { expected: target.expected });
  } else if (target.plaintext && io.stdout.isTTY) {
    await write(io.stdout, encodeText(visibleDocument(text)));
  } else {
    await write(io.stdout, bytes);
  }
}

/** Where the result of one of several inputs goes below the folder that `--output` names. */
export function outputBelow(folder: string, name: string, io: Io): string {
  const inside = relative(io.cwd, resolve(io.cwd, name));
  return join(folder, inside.startsWith("..") ? basename(name) : inside);
}

/** Opens an encrypted file and says what is odd about it. The caller closes it. */
export async function openFile(
  name: string,
  bytes: Uint8Array,
  args: Args,
  io: Io,
  session: Session,
): Promise<OpenDocument> {
  const text = decodeText(bytes);
  try {
    const format = await encryptedFormat(args, name, text);
    const open = await openText(text, format, session, { ignoreMac: args.flag("ignore-mac") });
    await checkSealThere(name, open.metadata, args, io).catch((error) => {
      open.close();
      throw error;
    });
    await reportWarnings(open.decrypted.warnings, text, name, io);
    if (args.flag("verbose")) {
      const sealed = open.decrypted.sealed ? "MAC and seal match" : "the MAC matches; it has no seal";
      await note(
        io,
        `${name}: opened as ${open.format.name}; ${args.flag("ignore-mac") ? "not checked" : sealed}`,
      );
    }
    return open;
  } catch (error) {
    throw inFile(error, name);
  }
}

/**
 * The format to read an encrypted file in. SOPS reads a tree of JSON in a file that its name makes a binary one, and
 * refuses only to print it as such.
 */
async function encryptedFormat(args: Args, name: string, text: string): Promise<Format> {
  const format = await inputFormat(args, name);
  const type = args.text("output-type");
  const printsTree = (isFormatName(type) && type !== "binary") || Boolean(args.text("extract"));
  if (!format.readEncrypted || !printsTree) return format;
  try {
    format.readEncrypted(text);
    return format;
  } catch (error) {
    if (error instanceof TsopsError && error.code === "print") return await loadFormat("json");
    throw error;
  }
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
