import { resolve } from "node:path";
import type { OpenDocument } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { discover } from "../../files/discover.ts";
import type { ReadFile } from "../../files/read.ts";
import { statOf } from "../../files/stat.ts";
import { buildTrees } from "../../formats/build.ts";
import type { Format } from "../../formats/format.ts";
import { loadFormat } from "../../formats/index.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../formats/path.ts";
import { decodeText } from "../../formats/text.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { readEncrypted } from "../../sops/decrypt.ts";
import type { Args } from "../args.ts";
import { forEachFile, PASSED_OVER } from "../batch.ts";
import { chosenDocument } from "../documents.ts";
import {
  checkOutputOptions,
  inputFormat,
  openFile,
  outputBelow,
  outputFormat,
  readInput,
  writeResult,
} from "../files.ts";
import { type Io, readAll } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings } from "../settings.ts";

/** `decrypt`: one file to standard output, or many in place or into a folder. */
export async function decrypt(args: Args, io: Io): Promise<number> {
  const given = args.list("files");
  checkOutputOptions(args, given);
  const session = await makeSession(args, io);
  const plaintext = async (name: string, bytes: Uint8Array): Promise<string> => {
    const settings = await loadSettings(resolve(io.cwd, name), args, io);
    const open = await openFile(name, bytes, args, io, session);
    try {
      const format = await outputFormat(args, name);
      return await plaintextOf(open, name, format, indentFor(format, args, settings), args, io);
    } finally {
      open.close();
    }
  };
  const decryptTo = async (
    name: string,
    output: string | undefined,
    given?: Pick<ReadFile, "bytes"> & Partial<ReadFile>,
    parents = false,
  ): Promise<void> => {
    const input = given ?? (await readInput(name, io));
    const text = await plaintext(name, input.bytes);
    const file = args.flag("in-place") ? name : undefined;
    await writeResult(text, { file, expected: input.fingerprint, output, parents, plaintext: true }, io);
  };
  if (given.length === 0) {
    await decryptTo(args.text("filename-override") ?? "standard input", args.text("output"), {
      bytes: await readAll(io.stdin),
    });
    return 0;
  }
  const { names, many } = await namedFiles(given, io);
  const output = args.text("output");
  if (!many) return await forEachFile(names, "decrypted", io, (name) => decryptTo(name, output));
  const toStdout = !args.flag("in-place") && output === undefined && !args.flag("dry-run");
  if (toStdout && (await areYaml(given, args, io))) {
    const texts: string[] = [];
    for (const name of given) texts.push(await plaintext(name, (await readInput(name, io)).bytes));
    await writeResult(await asDocuments(texts), { plaintext: true }, io);
    return 0;
  }
  if (toStdout) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place, or --output FOLDER; YAML files that are named one by one can",
    });
  }
  const explicit = new Set(given);
  return await forEachFile(names, args.flag("dry-run") ? "would decrypt" : "decrypted", io, async (name) => {
    const input = await readInput(name, io);
    const known = explicit.has(name);
    if (!known && !input.bytes.includes("sops")) return PASSED_OVER;
    if (args.flag("dry-run")) {
      if (!known && !(await hasMetadata(input.bytes, name, args))) return PASSED_OVER;
      return await note(io, `would decrypt ${name}`);
    }
    const target = output && outputBelow(output, name, io);
    try {
      return await decryptTo(name, target, input, true);
    } catch (error) {
      if (!known && isNotEncrypted(error)) return PASSED_OVER;
      throw error;
    }
  });
}

/** Whether what is named are files, each of which comes out as YAML and as a whole. */
async function areYaml(names: readonly string[], args: Args, io: Io): Promise<boolean> {
  if (args.text("extract")) return false;
  for (const name of names) {
    if (!isFile(resolve(io.cwd, name)) || (await outputFormat(args, name)).name !== "yaml") return false;
  }
  return true;
}

/** YAML texts as the documents of one. */
async function asDocuments(texts: readonly string[]): Promise<string> {
  const yaml = await loadFormat("yaml");
  return texts
    .map((text, i) => {
      const closed = i === texts.length - 1 ? text : withLineBreak(text, yaml);
      return i === 0 ? closed : startOf(closed) + closed.replace(/^\ufeff/, "");
    })
    .join("");
}

/** The text with a line break at its end; printed anew where that would become part of its last value. */
function withLineBreak(text: string, { read, print }: Format): string {
  if (text === "" || text.endsWith("\n")) return text;
  const [before, after] = [read(text), read(`${text}\n`)].map(({ entries, documents }) =>
    buildTrees(entries, documents),
  ) as [TreeMap[], TreeMap[]];
  return after.every((tree, i) => sameTree(tree, before[i]!)) ? `${text}\n` : print(before, {});
}

/** What a text needs before it behind another: nothing where it has its own `---`; `...` before a directive. */
function startOf(text: string): string {
  const first = /^(?:\ufeff|[ \t]*(?:#.*)?\r?\n)*(---(?=\s|$)|%)/.exec(text)?.[1];
  return first === undefined ? "---\n" : first === "%" ? "...\n" : "";
}

/** The plaintext as it was encrypted; a part of it; or the same content in another format. */
async function plaintextOf(
  open: OpenDocument,
  name: string,
  format: Format,
  indent: number | undefined,
  args: Args,
  io: Io,
): Promise<string> {
  const extract = args.text("extract");
  const whole = extract === undefined || extract === "";
  if (whole && !args.has("document")) {
    if (format === open.format) return open.decrypted.text;
    // YAML alone can hold several
    if (format.name !== "yaml") await chosenDocument(open, name, args, io);
    return format.print(documentTrees(open), { indent });
  }
  const tree = documentTrees(open)[await chosenDocument(open, name, args, io)]!;
  return whole ? format.print([tree], { indent }) : extractFrom(tree, extract, format, indent);
}

export function documentTrees({ decrypted: { reading, values } }: OpenDocument): TreeMap[] {
  const decryptedValues = new Map(reading.entries.map((entry, i) => [entry, values[i]]));
  return buildTrees(reading.entries, reading.documents, (entry) => decryptedValues.get(entry));
}

/** `--extract`: texts as they are, maps as a document, others as the format prints a value (SPEC section 7). */
function extractFrom(tree: TreeMap, extract: string, format: Format, indent: number | undefined): string {
  const path = parsePath(extract);
  const value: Tree | undefined = valueAt(tree, path);
  if (value === undefined) {
    throw new TsopsError("bad-path", `there is nothing at ${formatPath(path)}`, {
      exit: 1,
      hint: "keys are case-sensitive; list items count from 0",
    });
  }
  if (typeof value === "string") return value;
  return value instanceof TreeMap ? format.print([value], { indent }) : format.printValue(value, { indent });
}

/** The files that were named, and all below the folders and patterns. */
async function namedFiles(
  given: readonly string[],
  io: Io,
): Promise<{ names: readonly string[]; many: boolean }> {
  if (given.length === 1 && isFile(resolve(io.cwd, given[0]!))) return { names: given, many: false };
  return { names: await discover(given, { cwd: io.cwd }), many: true };
}

/** The files that were named, and the encrypted ones below the folders and patterns. */
export async function encryptedFiles(given: readonly string[], args: Args, io: Io): Promise<string[]> {
  const explicit = new Set(given);
  const found: string[] = [];
  for (const name of await discover(given, { cwd: io.cwd })) {
    if (explicit.has(name) || (await isEncrypted(name, args, io))) found.push(name);
  }
  return found;
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
