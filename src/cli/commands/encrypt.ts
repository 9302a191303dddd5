import { resolve } from "node:path";
import type { NewFile, Session } from "../../document.ts";
import { inFile, TsopsError, withHint } from "../../errors.ts";
import { withLock } from "../../files/lock.ts";
import { buildTrees } from "../../formats/build.ts";
import { type Format, type FormatName, pathOf, type Reading } from "../../formats/format.ts";
import { formatOfName, formatOfSopsName } from "../../formats/index.ts";
import { formatPath } from "../../formats/path.ts";
import { decodeText, placeOf } from "../../formats/text.ts";
import { readText } from "../../formats/unreadable.ts";
import { encryptNew, saveText } from "../../save.ts";
import { bareHint, bareValues } from "../../sops/bare.ts";
import { plainWarnings } from "../../sops/remarks.ts";
import { compileSelector, DEFAULT_SELECTOR, selectorIn } from "../../sops/selection.ts";
import type { Encrypted } from "../../sops/work.ts";
import type { Args } from "../args.ts";
import { forEachFile } from "../batch.ts";
import { problemJson, problemLines, problemsOf } from "../check.ts";
import { creationFor, ruleMatches, settingsForNew } from "../creation.ts";
import {
  checkOutputOptions,
  inputFormat,
  openForUpdate,
  outputBelow,
  outputFormat,
  readEncryptedAs,
  readInput,
  reportWarnings,
  ruledFile,
  writeResult,
} from "../files.ts";
import { findFiles } from "../found.ts";
import { readStdin } from "../interrupt.ts";
import { type Io, quotedPath, write } from "../io.ts";
import { writeJson } from "../json.ts";
import { KEYS, SELECTORS, THRESHOLD } from "../options.ts";
import { refuseProtected, whoReads } from "../protected.ts";
import { nothingSelected, warnOfNothing } from "../remarks.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings } from "../settings.ts";
import { checkDrift, sealingOf, warnOfPlain } from "../vouch.ts";
import { isEncrypted, noDryRun } from "./decrypt.ts";

/** `encrypt`: one file to standard output, or many in place or into a folder. */
export async function encrypt(args: Args, io: Io): Promise<number> {
  const given = args.list("files");
  checkOutputOptions(args, given);
  if (args.has("update")) return await encryptUpdate(args, io, given);
  if (args.flag("json") && !args.flag("check"))
    throw new TsopsError("usage", "--json is for --check", { hint: "tsops encrypt --check --json FILE…" });
  const session = await makeSession(args, io);
  if (given.length === 0 && (args.flag("check") || args.flag("dry-run"))) throw noDryRun();
  if (given.length === 0) return await encryptStdin(args, io, session);
  if (args.flag("check")) return await checkFiles(given, args, io);
  const { names, many } = await filesToEncrypt(given, args, io);
  if (args.flag("dry-run")) return await listFiles(names, args, io);
  const output = args.text("output");
  if (many && !args.flag("in-place") && output === undefined) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place, or --output FOLDER",
    });
  }
  return await forEachFile(names, "encrypted", io, (name) => {
    if (output === undefined || !many) return encryptFile(name, { output }, args, io, session);
    return encryptFile(name, { output: outputBelow(output, name, io), below: output }, args, io, session);
  });
}

async function encryptStdin(args: Args, io: Io, session: Session): Promise<number> {
  const name = args.text("filename-override");
  if (name === undefined) {
    throw new TsopsError("conflicting-parameters", "reading from standard input needs --filename-override", {
      hint: "the name says which format the input has, and which creation rule applies",
    });
  }
  const text = decodeText(await readStdin("the plaintext", io));
  const encrypted = await encryptContent(name, text, args, io, session);
  await writeResult(encrypted, { output: args.text("output"), plaintext: false }, io);
  return 0;
}

async function encryptFile(
  name: string,
  target: { output?: string; below?: string },
  args: Args,
  io: Io,
  session: Session,
): Promise<void> {
  await refuseProtected(name, args, io);
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
      {
        ...target,
        file: inPlace ? name : undefined,
        expected: fingerprint,
        encrypts: true,
        plaintext: false,
      },
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
  const settings = await settingsForNew(name, args, io);
  const creation = await creationFor(settings, args, io);
  const from = await inputFormat(args, file, creation);
  const to = await outputFormat(args, file, from);
  const indent = indentFor(to, args, settings);
  if (from === to) await noteUnsaid(from, file, text, args, creation, io);
  const selector = selectorIn(from, creation.selector ?? DEFAULT_SELECTOR);
  try {
    const made = await encryptAs(text, from, to, { ...creation, indent }, session);
    await reportWarnings(made.warnings, text, file, io);
    await warnOfNothing(file, selector && (await nothingSelected(made.reading, selector)), io);
    return made.text;
  } catch (error) {
    throw await orWithBare(orAsBinary(error, file, args), file, text, args);
  }
}

/** What is said of the plaintext is said of that in its own format. */
async function encryptAs(
  text: string,
  from: Format,
  to: Format,
  file: NewFile,
  session: Session,
): Promise<Encrypted> {
  if (from === to) return await encryptNew(text, to, file, session);
  const { plain, format, reading } = convert(text, from, to, file.indent);
  const selection = await compileSelector(file.selector ?? DEFAULT_SELECTOR);
  const { text: encrypted } = await encryptNew(plain, format, file, session);
  return { text: encrypted, reading, warnings: plainWarnings(reading, from, selection) };
}

/** Who encrypts an encrypted file again may have added values to it by hand. */
async function orWithBare(error: unknown, file: string, text: string, args: Args): Promise<unknown> {
  if (!(error instanceof TsopsError) || error.code !== "already-encrypted") return error;
  const opened = await readEncryptedAs(text, file, args).catch(() => undefined);
  if (!opened) return error;
  const bare = bareValues(opened.reading, await compileSelector(opened.metadata.selector));
  if (bare.length === 0) return error;
  const [which, is] =
    bare.length === 1
      ? [`the value at ${formatPath(pathOf(bare[0]!))}`, "is"]
      : [`${bare.length} of its values`, "are"];
  const hint = bareHint(bare, file) + (bare.length > 1 ? "\ntsops encrypt --check names them" : "");
  return new TsopsError(error.code, `the file is encrypted already, but ${which} ${is} not, and should be`, {
    place: placeOf(text, bare[0]!.start),
    hint,
    cause: error,
  });
}

/** Says that a file is encrypted as one text because its name says nothing, where it looks as if that was not meant. */
async function noteUnsaid(
  format: Format,
  file: string,
  text: string,
  args: Args,
  rule: { readonly format?: FormatName },
  io: Io,
): Promise<void> {
  const name = args.text("filename-override") ?? file;
  if (!format.wrapper || rule.format || args.text("input-type") || formatOfName(name)) return;
  const { formatOfPlain } = await import("../../formats/looks.ts");
  const type = formatOfPlain(text);
  if (type === undefined) return;
  await note(
    io,
    `${file}: its name does not say what it is, so it is encrypted as one text; it looks like ${type}:`,
    `  --input-type ${type}, or format: "${type}" in its rule, encrypts its values one by one`,
  );
}

/** Names that only we take for a format can belong to any file. */
function orAsBinary(error: unknown, file: string, args: Args): unknown {
  if (!(error instanceof TsopsError) || error.code !== "parse" || args.text("input-type")) return error;
  const name = args.text("filename-override") ?? file;
  const format = formatOfSopsName(name) ? undefined : formatOfName(name);
  if (format === undefined) return error;
  return withHint(
    error,
    `its name says ${format}; --input-type binary encrypts it as one text, as SOPS does`,
  );
}

/** The same content in another format. SOPS's binary output of a document with keys is that document as JSON. */
export function convert(
  text: string,
  from: Format,
  to: Format,
  indent?: number,
): { plain: string; format: Format; reading: Reading } {
  const reading = readText(text, from);
  const trees = buildTrees(reading.entries, reading.documents);
  const format = to.wrapper?.format ?? to;
  return { plain: format.print(trees, { indent }), format, reading };
}

/** `encrypt --update OLD NEW`: a new plaintext for an encrypted file; what did not change keeps its ciphertext. */
async function encryptUpdate(args: Args, io: Io, given: readonly string[]): Promise<number> {
  refuseWithUpdate(args);
  const old = args.text("update")!;
  if (given.length > 1) {
    throw new TsopsError("usage", "--update takes one encrypted file and one plaintext", {
      hint: "tsops encrypt --update secrets.enc.yaml secrets.yaml",
    });
  }
  if (given[0] !== undefined) await refuseProtected(given[0], args, io);
  const session = await makeSession(args, io);
  const { bytes } = await readInput(old, io);
  const input = given[0] === undefined ? undefined : await readInput(given[0], io);
  const settings = await loadSettings(ruledFile(args, old, io), args, io);
  const open = await openForUpdate(old, bytes, args, io, session);
  try {
    await checkDrift(open, settings, old, args, io);
    const { seal, said } = await sealingOf(open, settings, old, args, io);
    const plain = decodeText(input?.bytes ?? (await readStdin("the new plaintext", io)));
    const options = { seal, indent: indentFor(open.format, args, settings) };
    const { text, warnings } = saveText(open, plain, session, options);
    await reportWarnings(warnings, plain, given[0] ?? old, io);
    await warnOfPlain(open, text, settings, old, io);
    if (said !== undefined) await note(io, said);
    const file = args.flag("in-place") ? given[0] : undefined;
    await writeResult(
      text,
      { file, expected: input?.fingerprint, output: args.text("output"), encrypts: true, plaintext: false },
      io,
    );
    return 0;
  } finally {
    open.close();
  }
}

/** The old version says who can read the file and what of it is encrypted: what would be ignored is refused. */
function refuseWithUpdate(args: Args): void {
  const own = ["output-type", "check", "dry-run"];
  const tables = [KEYS, SELECTORS, THRESHOLD].flatMap((table) => Object.keys(table));
  const given = [...tables, ...own].find((name) => args.has(name));
  if (given === undefined) return;
  throw new TsopsError("usage", `--${given} and --update cannot be used together`, {
    hint: "with --update keys, selector and format are those of the encrypted version",
  });
}

/** The files that were named; of folders and patterns, those that have a creation rule and are not encrypted yet. */
async function filesToEncrypt(given: readonly string[], args: Args, io: Io) {
  let without = 0;
  const found = await findFiles(given, args, io, {
    writes: args.flag("in-place"),
    about: async (name) => {
      const matches = await ruleMatches(name, args, io);
      if (!matches) without++;
      return matches;
    },
    wanted: async ({ name }) => !(await isEncrypted(name, args, io)),
  });
  const names = found.map(({ name }) => name);
  // else who sees that nothing is left to do takes them for encrypted
  if (names.length === 0 && without > 0) {
    const one = without === 1;
    const stay = `no creation rule, and ${one ? "stays as it is" : "stay as they are"}`;
    await note(
      io,
      `${without} ${one ? "file matches" : "files match"} ${stay}: tsops config explain FILE says why`,
    );
  }
  return { names, many: names.length > 1 || found.some(({ named }) => !named) };
}

async function listFiles(names: readonly string[], args: Args, io: Io): Promise<number> {
  for (const name of names) {
    if ((await whoReads(name, args, io)) === undefined && !(await isEncrypted(name, args, io)))
      await note(io, `would encrypt ${name}`);
  }
  return 0;
}

/** `--check`: the names of files that are not as they should be; why, where they are encrypted, for people. */
async function checkFiles(given: readonly string[], args: Args, io: Io): Promise<number> {
  const asJson = args.flag("json");
  const wrong: unknown[] = [];
  const notes: unknown[] = [];
  for (const { name, named } of await findFiles(given, args, io, { writes: false })) {
    if ((await whoReads(name, args, io)) !== undefined) continue;
    const encrypted = await isEncrypted(name, args, io);
    if (!encrypted && !named && !(await ruleMatches(name, args, io))) continue;
    const { problems, nothing } = encrypted ? await problemsIn(name, args, io) : { problems: [] };
    if (nothing) notes.push({ file: name, note: "nothing-selected", ...nothing });
    if (encrypted && problems.length === 0) continue;
    const listed = encrypted ? problems.map(problemJson) : [{ problem: "not-encrypted" }];
    wrong.push({ file: name, problems: listed });
    if (asJson) continue;
    await write(io.stdout, `${quotedPath(name)}\n`);
    for (const lines of problemLines(name, problems)) await note(io, ...lines);
  }
  if (asJson) await writeJson(io, { files: wrong, notes });
  return wrong.length > 0 ? 1 : 0;
}

async function problemsIn(name: string, args: Args, io: Io): ReturnType<typeof problemsOf> {
  try {
    return await problemsOf(name, args, io);
  } catch (error) {
    throw inFile(error, name);
  }
}
