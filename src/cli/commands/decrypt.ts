import { resolve } from "node:path";
import type { OpenDocument } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import type { ReadFile } from "../../files/read.ts";
import { statOf } from "../../files/stat.ts";
import { buildTrees } from "../../formats/build.ts";
import type { Format } from "../../formats/format.ts";
import { formatPath, parsePath, valueAt } from "../../formats/path.ts";
import { decodeText } from "../../formats/text.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { readEncrypted } from "../../sops/decrypt.ts";
import type { Args } from "../args.ts";
import { forEachFile, PASSED_OVER } from "../batch.ts";
import {
  checkOutputOptions,
  inputFormat,
  openFile,
  outputBelow,
  outputFormat,
  readInput,
  ruledFile,
  writeResult,
} from "../files.ts";
import { findFiles } from "../found.ts";
import { readStdin } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings } from "../settings.ts";

/** `decrypt`: one file to standard output, or many in place or into a folder. */
export async function decrypt(args: Args, io: Io): Promise<number> {
  const given = args.list("files");
  checkOutputOptions(args, given);
  const session = await makeSession(args, io);
  let narrowed = 0;
  const decryptTo = async (
    name: string,
    output: string | undefined,
    given?: Pick<ReadFile, "bytes"> & Partial<ReadFile>,
    below?: string,
  ): Promise<void> => {
    const input = given ?? (await readInput(name, io));
    const settings = await loadSettings(ruledFile(args, name, io), args, io);
    const open = await openFile(name, input.bytes, args, io, session);
    try {
      const format = await outputFormat(args, name);
      const text = plaintextOf(open, format, args, indentFor(format, args, settings));
      const file = args.flag("in-place") ? name : undefined;
      const target = { file, expected: input.fingerprint, output, below, plaintext: true };
      if (await writeResult(text, target, io)) narrowed++;
    } finally {
      open.close();
    }
  };
  if (given.length === 0) {
    if (args.flag("dry-run")) throw noDryRun();
    await decryptTo(args.text("filename-override") ?? "standard input", args.text("output"), {
      bytes: await readStdin("the encrypted file", io),
    });
    return 0;
  }
  const output = args.text("output");
  if (given.length === 1 && isFile(resolve(io.cwd, given[0]!)) && !args.flag("dry-run")) {
    const code = await forEachFile(given, "decrypted", io, (name) => decryptTo(name, output));
    await noteNarrowed(narrowed, io);
    return code;
  }
  if (!args.flag("in-place") && output === undefined && !args.flag("dry-run")) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place, or --output FOLDER",
    });
  }
  const writes = args.flag("in-place");
  const found = await findFiles(given, args, io, {
    writes,
    // the others are looked at when they are read
    wanted: async ({ name, link }) => !(link && writes) || (await isEncrypted(name, args, io)),
  });
  const explicit = new Set(found.filter(({ named }) => named).map(({ name }) => name));
  const names = found.map(({ name }) => name);
  const code = await forEachFile(
    names,
    args.flag("dry-run") ? "would decrypt" : "decrypted",
    io,
    async (name) => {
      const input = await readInput(name, io);
      const known = explicit.has(name);
      if (!known && !input.bytes.includes("sops")) return PASSED_OVER;
      if (args.flag("dry-run")) {
        if (!known && !(await hasMetadata(input.bytes, name, args))) return PASSED_OVER;
        return await note(io, `would decrypt ${name}`);
      }
      const target = output && outputBelow(output, name, io);
      try {
        return await decryptTo(name, target, input, output);
      } catch (error) {
        if (!known && isNotEncrypted(error)) return PASSED_OVER;
        throw error;
      }
    },
  );
  await noteNarrowed(narrowed, io);
  return code;
}

export function noDryRun(): TsopsError {
  return new TsopsError("usage", "--dry-run needs files: of standard input there is nothing to say before");
}

/** Once a run: whoever else has to read a file, such as a service, has to be given the permission again. */
async function noteNarrowed(count: number, io: Io): Promise<void> {
  if (count === 0) return;
  const files =
    count === 1 ? "a file that others could read is" : `${count} files that others could read are`;
  await note(io, `${files} for the owner alone now (mode 0600), as plaintext has to be`);
}

/** The plaintext as it was encrypted; a part of it; or the same content in another format. */
function plaintextOf(open: OpenDocument, format: Format, args: Args, indent: number | undefined): string {
  const extract = args.text("extract");
  if (extract !== undefined && extract !== "") return extractFrom(open, extract, format, indent);
  if (format === open.format) return open.decrypted.text;
  return format.print(documentTrees(open), { indent });
}

export function documentTrees({ decrypted: { reading, values } }: OpenDocument): TreeMap[] {
  const decryptedValues = new Map(reading.entries.map((entry, i) => [entry, values[i]]));
  return buildTrees(reading.entries, reading.documents, (entry) => decryptedValues.get(entry));
}

/** `--extract`: texts as they are, maps as a document, others as the format prints a value (SPEC section 7). */
function extractFrom(
  open: OpenDocument,
  extract: string,
  format: Format,
  indent: number | undefined,
): string {
  const path = parsePath(extract);
  const value: Tree | undefined = valueAt(documentTrees(open)[0]!, path);
  if (value === undefined) {
    throw new TsopsError("bad-path", `there is nothing at ${formatPath(path)}`, {
      exit: 1,
      hint: "keys are case-sensitive; list items count from 0",
    });
  }
  if (typeof value === "string") return value;
  return value instanceof TreeMap ? format.print([value], { indent }) : format.printValue(value, { indent });
}

/** The files that were named, and the encrypted ones below the folders and patterns. */
export async function encryptedFiles(
  given: readonly string[],
  args: Args,
  io: Io,
  { writes = false } = {},
): Promise<string[]> {
  const wanted = ({ name }: { name: string }) => isEncrypted(name, args, io);
  return (await findFiles(given, args, io, { writes, wanted })).map(({ name }) => name);
}

function isFile(path: string): boolean {
  const info = statOf(path);
  // a file that is missing is named as it is, so that the error names it too
  return info ? !info.isDirectory() : !/[*?]/.test(path);
}

/** Whether a file was none that SOPS or tsops encrypted: other files of a folder are none of our business. */
function isNotEncrypted(error: unknown): boolean {
  return error instanceof TsopsError && ["no-metadata", "parse", "print"].includes(error.code);
}

/** Whether a file that a folder or a pattern brought in has metadata. */
export async function isEncrypted(name: string, args: Args, io: Io): Promise<boolean> {
  return await hasMetadata((await readInput(name, io)).bytes, name, args);
}

async function hasMetadata(bytes: Buffer, name: string, args: Args): Promise<boolean> {
  if (!bytes.includes("sops")) return false;
  try {
    readEncrypted(decodeText(bytes), await inputFormat(args, name));
    return true;
  } catch {
    return false;
  }
}
