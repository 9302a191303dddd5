import { resolve } from "node:path";
import type { Session } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { discover } from "../../files/discover.ts";
import { withLock } from "../../files/lock.ts";
import { buildTrees } from "../../formats/build.ts";
import type { Format, Reading } from "../../formats/format.ts";
import { json } from "../../formats/json.ts";
import { decodeText } from "../../formats/text.ts";
import { encryptNew, saveText } from "../../save.ts";
import { duplicateWarnings, type Warning } from "../../sops/decrypt.ts";
import type { Args } from "../args.ts";
import { forEachFile } from "../batch.ts";
import { creationFor, ruleMatches } from "../creation.ts";
import {
  checkOutputOptions,
  inputFormat,
  openForUpdate,
  outputBelow,
  outputFormat,
  readInput,
  reportWarnings,
  writeResult,
} from "../files.ts";
import { type Io, readAll, visible, write } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings } from "../settings.ts";
import { checkRecipients, checkSelectors } from "../vouch.ts";
import { isEncrypted } from "./decrypt.ts";

/** `encrypt`: one file to standard output, or many in place or into a folder. */
export async function encrypt(args: Args, io: Io): Promise<number> {
  const given = args.list("files");
  checkOutputOptions(args, given);
  if (args.has("update")) return await encryptUpdate(args, io, given);
  const session = await makeSession(args, io);
  if (given.length === 0) return await encryptStdin(args, io, session);
  const { names, many } = await filesToEncrypt(given, args, io);
  if (args.flag("check") || args.flag("dry-run")) return await listFiles(names, args, io);
  const output = args.text("output");
  if (many && !args.flag("in-place") && output === undefined) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place, or --output FOLDER",
    });
  }
  return await forEachFile(names, "encrypted", io, (name) => {
    const target = output === undefined || !many ? output : outputBelow(output, name, io);
    return encryptFile(name, target, args, io, session);
  });
}

async function encryptStdin(args: Args, io: Io, session: Session): Promise<number> {
  const name = args.text("filename-override");
  if (name === undefined) {
    throw new TsopsError("conflicting-parameters", "reading from standard input needs --filename-override", {
      hint: "the name says which format the input has, and which creation rule applies",
    });
  }
  const text = decodeText(await readAll(io.stdin));
  const encrypted = await encryptContent(name, text, args, io, session);
  await writeResult(encrypted, { output: args.text("output"), plaintext: false }, io);
  return 0;
}

async function encryptFile(
  name: string,
  output: string | undefined,
  args: Args,
  io: Io,
  session: Session,
): Promise<void> {
  const inPlace = args.flag("in-place");
  const work = async (): Promise<void> => {
    const { bytes, fingerprint } = await readInput(name, io);
    const text = await encryptContent(
      args.text("filename-override") ?? name,
      decodeText(bytes),
      args,
      io,
      session,
      name,
    );
    await writeResult(
      text,
      { file: inPlace ? name : undefined, expected: fingerprint, output, plaintext: false },
      io,
    );
  };
  await (inPlace ? withLock(resolve(io.cwd, name), work) : work());
}

/** The encrypted text of a plaintext, with keys and selectors from options or the rule for `name`. */
async function encryptContent(
  name: string,
  text: string,
  args: Args,
  io: Io,
  session: Session,
  file = name,
): Promise<string> {
  const from = await inputFormat(args, file);
  const to = await outputFormat(args, file);
  const settings = await loadSettings(resolve(io.cwd, name), args, io);
  const creation = await creationFor(settings, args, io);
  const indent = indentFor(to, args, settings);
  return await warningOfDuplicates(from, text, file, io, async (onReading) => {
    if (from === to) return await encryptNew(text, to, { ...creation, indent, onReading }, session);
    const { plain, format } = convert(text, from, to, indent, onReading);
    return await encryptNew(plain, format, { ...creation, indent }, session);
  });
}

/** Has `work` tell how the text reads, and warns about keys that would pass unnoticed, also where it fails. */
async function warningOfDuplicates<T>(
  format: Format,
  text: string,
  name: string,
  io: Io,
  work: (onReading: (reading: Reading) => void) => T | Promise<T>,
): Promise<T> {
  const duplicates: Warning[] = [];
  try {
    return await work((reading) => void duplicates.push(...duplicateWarnings(reading)));
  } finally {
    if (format.name.startsWith("json")) await reportWarnings(duplicates, text, name, io);
  }
}

/** The same content in another format. SOPS's binary output of a document with keys is that document as JSON. */
export function convert(
  text: string,
  from: Format,
  to: Format,
  indent?: number,
  onReading?: (reading: Reading) => void,
): { plain: string; format: Format } {
  const reading = from.read(text);
  onReading?.(reading);
  const trees = buildTrees(reading.entries, reading.documents);
  const format = to.readEncrypted ? json : to;
  return { plain: format.print(trees, { indent }), format };
}

/** `encrypt --update OLD NEW`: a new plaintext for an encrypted file; what did not change keeps its ciphertext. */
async function encryptUpdate(args: Args, io: Io, given: readonly string[]): Promise<number> {
  const old = args.text("update")!;
  if (given.length > 1) {
    throw new TsopsError("usage", "--update takes one encrypted file and one plaintext", {
      hint: "tsops encrypt --update secrets.enc.yaml secrets.yaml",
    });
  }
  const session = await makeSession(args, io);
  const { bytes } = await readInput(old, io);
  const input = given[0] === undefined ? undefined : await readInput(given[0], io);
  const settings = await loadSettings(resolve(io.cwd, old), args, io);
  const open = await openForUpdate(old, bytes, args, io, session);
  try {
    const seal = await checkRecipients(open, settings, old, args, io, false);
    const plain = decodeText(input?.bytes ?? (await readAll(io.stdin)));
    const options = { seal, indent: indentFor(open.format, args, settings) };
    const text = await warningOfDuplicates(open.format, plain, given[0] ?? old, io, (onReading) =>
      saveText(open, plain, session, { ...options, onReading }),
    );
    await checkSelectors(open, text, settings, args);
    const file = args.flag("in-place") ? given[0] : undefined;
    await writeResult(
      text,
      { file, expected: input?.fingerprint, output: args.text("output"), plaintext: false },
      io,
    );
    return 0;
  } finally {
    open.close();
  }
}

/** The files that were named; of folders and patterns, those that have a creation rule and are not encrypted yet. */
async function filesToEncrypt(given: readonly string[], args: Args, io: Io) {
  const found = await discover(given, { cwd: io.cwd });
  const explicit = new Set(given);
  if (found.every((name) => explicit.has(name))) return { names: found, many: found.length > 1 };
  const names: string[] = [];
  for (const name of found) {
    const wanted =
      explicit.has(name) || ((await ruleMatches(name, args, io)) && !(await isEncrypted(name, args, io)));
    if (wanted) names.push(name);
  }
  return { names, many: true };
}

async function listFiles(names: readonly string[], args: Args, io: Io): Promise<number> {
  const open: string[] = [];
  for (const name of names) if (!(await isEncrypted(name, args, io))) open.push(name);
  if (args.flag("check")) {
    for (const name of open) await write(io.stdout, `${io.stdout.isTTY ? visible(name) : name}\n`);
    return open.length > 0 ? 1 : 0;
  }
  for (const name of open) await note(io, `would encrypt ${name}`);
  return 0;
}
