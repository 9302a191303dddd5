import { resolve } from "node:path";
import type { OpenDocument } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { withLock } from "../../files/lock.ts";
import type { ReadFile } from "../../files/read.ts";
import { statOf } from "../../files/stat.ts";
import { buildTrees } from "../../formats/build.ts";
import { type Format, pathOf } from "../../formats/format.ts";
import { loadFormat } from "../../formats/index.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../formats/path.ts";
import { decodeText } from "../../formats/text.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { treesOf } from "../../sops/items.ts";
import type { Args } from "../args.ts";
import { forEachFile, PASSED_OVER } from "../batch.ts";
import { chosenDocument } from "../documents.ts";
import {
  checkOutputOptions,
  inputFormat,
  openFile,
  outputBelow,
  outputFormat,
  readEncryptedAs,
  readInput,
  ruledFile,
  writeResult,
} from "../files.ts";
import { findFiles } from "../found.ts";
import { readStdin } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { note } from "../report.ts";
import { Ruleless } from "../ruleless.ts";
import { makeSession } from "../session.ts";
import { indentFor, settingsForReading } from "../settings.ts";

/** `decrypt`: one file to standard output, or many in place or into a folder. */
export async function decrypt(args: Args, io: Io): Promise<number> {
  const given = args.list("files");
  checkOutputOptions(args, given);
  const session = await makeSession(args, io);
  let narrowed = 0;
  const ruleless = new Ruleless(given, args, io);
  const plaintext = async (name: string, bytes: Uint8Array): Promise<string> => {
    const settings = await settingsForReading(ruledFile(args, name, io), args, io);
    const open = await openFile(name, bytes, args, io, session);
    try {
      const format = await outputFormat(args, name, open.format);
      if (format !== open.format && ["dotenv", "ini"].includes(format.name)) await noteNulls(open, name, io);
      if (args.flag("in-place")) await ruleless.look(name, open, settings);
      return await plaintextOf(open, name, format, indentFor(format, args, settings), args, io);
    } finally {
      open.close();
    }
  };
  const decryptTo = async (
    name: string,
    output: string | undefined,
    given?: Pick<ReadFile, "bytes"> & Partial<ReadFile>,
    below?: string,
  ): Promise<void> => {
    const file = args.flag("in-place") ? name : undefined;
    const work = async (): Promise<void> => {
      // what was read before the lock may have changed
      const input: Partial<ReadFile> & Pick<ReadFile, "bytes"> =
        given && file === undefined ? given : await readInput(name, io);
      const text = await plaintext(name, input.bytes);
      const target = { file, expected: input.fingerprint, output, below, plaintext: true };
      if (await writeResult(text, target, io)) narrowed++;
      ruleless.decrypted(name);
    };
    await (file === undefined ? work() : withLock(resolve(io.cwd, file), work));
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
    await ruleless.tell();
    return code;
  }
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
  await ruleless.tell();
  return code;
}

export function noDryRun(): TsopsError {
  return new TsopsError("usage", "--dry-run needs files, and standard input is none");
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

/** Once a run: whoever else has to read a file, such as a service, has to be given the permission again. */
async function noteNarrowed(count: number, io: Io): Promise<void> {
  if (count === 0) return;
  const files =
    count === 1 ? "a file that others could read is" : `${count} files that others could read are`;
  await note(io, `${files} now readable by the owner only (mode 0600), as plaintext should be`);
}

/** Whether what is named are files, each of which comes out as YAML and as a whole. */
async function areYaml(names: readonly string[], args: Args, io: Io): Promise<boolean> {
  if (args.text("extract")) return false;
  for (const name of names) {
    if (
      !isFile(resolve(io.cwd, name)) ||
      (await outputFormat(args, name, await inputFormat(args, name))).name !== "yaml"
    )
      return false;
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

export function documentTrees({ decrypted }: OpenDocument): TreeMap[] {
  return treesOf(decrypted);
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
    await readEncryptedAs(decodeText(bytes), name, args);
    return true;
  } catch (error) {
    // it was an encrypted file before, and whoever asks is to be told
    return error instanceof TsopsError && error.code === "merge-conflict" && bytes.includes("ENC[");
  }
}
