import { resolve } from "node:path";
import type { NewFile, Session } from "../../../document.ts";
import { inFile, TsopsError, withHint } from "../../../errors.ts";
import type { Found } from "../../../files/discover.ts";
import { buildTrees } from "../../../formats/build.ts";
import { holdsCiphertexts } from "../../../formats/detect.ts";
import { type Format, type FormatName, pathOf, type Reading } from "../../../formats/format.ts";
import { formatOfName, formatOfSopsName } from "../../../formats/index.ts";
import { formatPath } from "../../../formats/path.ts";
import { decodeText, placeOf } from "../../../formats/text.ts";
import { readText } from "../../../formats/unreadable.ts";
import { encryptNew, saveText } from "../../../save.ts";
import { bareHint, bareValues } from "../../../sops/bare.ts";
import type { Warning } from "../../../sops/decrypt.ts";
import { refuseLost } from "../../../sops/lost.ts";
import { nothingSelected } from "../../../sops/nothing.ts";
import { plainWarnings } from "../../../sops/remarks.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector, selectorIn } from "../../../sops/selection.ts";
import type { Encrypted } from "../../../sops/work.ts";
import { alone, aloneAt } from "../../alone.ts";
import { forEachFile, goesOn } from "../../batch.ts";
import { creationFor, ruleMatches, settingsForNew } from "../../creation.ts";
import { type Failure, reportFailures } from "../../failures.ts";
import {
  checkOutputOptions,
  checkResults,
  inputFormat,
  openForUpdate,
  outputBelow,
  outputFormat,
  readEncryptedAs,
  readInput,
  reportWarnings,
  ruledFile,
  writeResult,
} from "../../files.ts";
import { encryptionOf, findFiles, noDryRun, type ReadIfEncrypted, readFound } from "../../found.ts";
import { readStdin } from "../../interrupt.ts";
import { quotedPath, write } from "../../io.ts";
import { failureJson, writeJson } from "../../json.ts";
import { KEYS, SELECTORS, THRESHOLD, TYPES } from "../../options.ts";
import { isDotenvxKeys, refuseProtected, whoReads } from "../../protected.ts";
import { warnOfNothing } from "../../remarks.ts";
import { note, reportError } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { indentFor, loadSettings } from "../../settings.ts";
import { sharedKey } from "../../shared-key.ts";
import { checkDrift, sealingOf, warnOfPlain } from "../../vouch.ts";
import { problemJson, problemLines, problemsOf } from "./check.ts";
import type { EncryptRun } from "./command.ts";

/** `encrypt`: one file to standard output, or many in place or into a folder. */
export async function encrypt(run: EncryptRun): Promise<number> {
  const given = run.args.files;
  checkOutputOptions(run.args, given);
  if (run.args.json && (run.args.update !== undefined || given.length === 0))
    throw new TsopsError("usage", "--json is for files that are encrypted anew, or checked", {
      hint: "leave it out with --update and with standard input",
    });
  if (run.args.update !== undefined) return await encryptUpdate(run, run.args.update);
  checkResults(run.args, given.length > 0 && (run.args.check || run.args["dry-run"]));
  const session = await sessionOf(run);
  if (given.length === 0 && (run.args.check || run.args["dry-run"])) throw noDryRun();
  if (given.length === 0) return await encryptStdin(run, session);
  if (run.args.check) return await checkFiles(given, run);
  const { names, many, named } = await filesToEncrypt(given, run);
  if (run.args["dry-run"]) return await listFiles(names, run);
  const output = run.args.output;
  if (many && !run.args["in-place"] && output === undefined) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place, or --output FOLDER",
    });
  }
  const further = run.args["in-place"] ? goesOn("tsops encrypt -i", "encrypted", named) : undefined;
  const batch = { what: "encrypted", run, results: run.args.json, further };
  return await forEachFile(names, batch, (name) => {
    if (output === undefined || !many) return encryptFile(name, { output }, run, session);
    return encryptFile(name, { output: outputBelow(output, name, run.io), below: output }, run, session);
  });
}

async function encryptStdin(run: EncryptRun, session: Session): Promise<number> {
  const name = run.args["filename-override"];
  if (name === undefined) {
    throw new TsopsError("conflicting-parameters", "reading from standard input needs --filename-override", {
      hint: "the name says which format the input has, and which creation rule applies",
    });
  }
  const text = decodeText(await readStdin("the plaintext", run.io));
  const encrypted = await encryptContent({ name, file: name, text }, run, session);
  const { output } = run.args;
  await aloneAt(output, run.io, () => writeResult(encrypted, { output, plaintext: false }, run.io));
  return 0;
}

async function encryptFile(
  name: string,
  target: { output?: string; below?: string },
  run: EncryptRun,
  session: Session,
): Promise<void> {
  await refuseProtected(name, run);
  const inPlace = run.args["in-place"];
  const work = async (): Promise<void> => {
    const { bytes, fingerprint } = await readInput(name, run.io);
    const plain = { name: run.args["filename-override"] ?? name, file: name, text: decodeText(bytes) };
    const text = await encryptContent(plain, run, session);
    const file = inPlace ? name : undefined;
    const whole = { ...target, file, expected: fingerprint, encrypts: true, plaintext: false };
    await writeResult(text, whole, run.io);
  };
  const onto = target.below === undefined ? target.output : undefined;
  await (inPlace ? alone(resolve(run.io.cwd, name), run.io, work) : aloneAt(onto, run.io, work));
}

interface Plain {
  readonly text: string;
  readonly file: string;
  /** What stands for the file where its rule is looked for. */
  readonly name: string;
}

/** The encrypted text of a plaintext, with keys and selectors from options or the rule for its name. */
async function encryptContent(plain: Plain, run: EncryptRun, session: Session): Promise<string> {
  const { text, file, name } = plain;
  const settings = await settingsForNew(name, run);
  const creation = await creationFor(settings, run);
  const shared = await sharedKey(creation.sharing, settings.file, creation, session);
  const from = await inputFormat(run.args, file, creation);
  const to = await outputFormat(run.args, file, from);
  const indent = indentFor(to, run.args, settings);
  refuseUnlessMeant(text, from, run.args);
  if (from === to) await noteUnsaid(plain, from, creation, run);
  const selector = selectorIn(from, creation.selector ?? DEFAULT_SELECTOR);
  try {
    const made = await encryptAs(to, { text, format: from }, { ...creation, indent, shared }, session);
    await reportWarnings(made.warnings, text, file, run.io);
    await warnOfNothing(file, selector && (await nothingSelected(made.reading, selector)), run.io);
    return made.text;
  } catch (error) {
    await reportWarnings(await warningsOf(text, from, selector), text, file, run.io);
    throw await orWithBare(orAsBinary(error, plain, run.args), plain, run.args);
  }
}

/** @throws TsopsError("no-metadata") for what is left of an encrypted file, unless the person means it. */
function refuseUnlessMeant(text: string, format: Format, args: EncryptRun["args"]): void {
  if (args["encrypt-twice"]) return;
  try {
    refuseLost(text, format);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw withHint(
      error,
      "if such texts are meant to be its values: tsops encrypt --encrypt-twice takes them",
    );
  }
}

/** What is odd about a plaintext that could not be encrypted: it may be why. */
async function warningsOf(text: string, format: Format, selector: Selector | undefined): Promise<Warning[]> {
  try {
    const selection = await compileSelector(selector ?? DEFAULT_SELECTOR);
    return plainWarnings(readText(text, format), format, selection);
  } catch {
    return [];
  }
}

/** What is said of the plaintext is said of that in its own format. */
async function encryptAs(
  to: Format,
  { text, format }: { readonly text: string; readonly format: Format },
  file: NewFile,
  session: Session,
): Promise<Encrypted> {
  if (format === to) return await encryptNew(text, to, file, session);
  const reading = readText(text, format);
  refuseTwice(reading, to);
  const converted = convert(reading, to, file.indent);
  const made = await encryptNew(converted.text, converted.format, file, session);
  const selection = await compileSelector(file.selector ?? DEFAULT_SELECTOR);
  return { text: made.text, reading, warnings: plainWarnings(reading, format, selection) };
}

/** Who encrypts an encrypted file again may have added values to it by hand. */
async function orWithBare(error: unknown, { file, text }: Plain, args: EncryptRun["args"]): Promise<unknown> {
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
  { text, file }: Plain,
  format: Format,
  rule: { readonly format?: FormatName },
  { args, io }: EncryptRun,
): Promise<void> {
  const name = args["filename-override"] ?? file;
  if (!format.wrapper || rule.format || args["input-type"] || formatOfName(name)) return;
  const { formatOfPlain } = await import("../../../formats/looks.ts");
  const type = formatOfPlain(text);
  if (type === undefined) return;
  await note(
    io,
    `${file}: its name does not say what it is, so it is encrypted as one text; it looks like ${type}:`,
    `  --input-type ${type}, or format: "${type}" in its rule, encrypts its values one by one`,
  );
}

/** Names that only we take for a format can belong to any file. */
function orAsBinary(error: unknown, { file, text }: Plain, args: EncryptRun["args"]): unknown {
  if (!(error instanceof TsopsError) || error.code !== "parse" || args["input-type"]) return error;
  // what is left of an encrypted file is not to be encrypted at all
  if (holdsCiphertexts(text)) return error;
  const name = args["filename-override"] ?? file;
  const format = formatOfSopsName(name) ? undefined : formatOfName(name);
  if (format === undefined) return error;
  return withHint(
    error,
    `its name says ${format}; --input-type binary encrypts it as one text, as SOPS does`,
  );
}

/** A key that occurs twice is said where it is in the input: whoever sees the converted text is told of places in that. */
function refuseTwice({ text, duplicates: [again] = [] }: Reading, to: Format): void {
  if (again === undefined || to.keepsDuplicates || to.wrapper) return;
  throw new TsopsError("parse", `this key occurs twice, and ${to.name} has each key once`, {
    place: placeOf(text, again),
    hint: "remove one of the two",
  });
}

/** The same content in another format. SOPS's binary output of a document with keys is that document as JSON. */
function convert(reading: Reading, to: Format, indent?: number): { text: string; format: Format } {
  const trees = buildTrees(reading.entries, reading.documents);
  const format = to.wrapper?.format ?? to;
  return { text: format.print(trees, { indent }), format };
}

/** `encrypt --update OLD NEW`: a new plaintext for an encrypted file; what did not change keeps its ciphertext. */
async function encryptUpdate(run: EncryptRun, old: string): Promise<number> {
  refuseWithUpdate(run);
  const given = run.args.files;
  if (given.length > 1) {
    throw new TsopsError("usage", "--update takes one encrypted file and one plaintext", {
      hint: "tsops encrypt --update secrets.enc.yaml secrets.yaml",
    });
  }
  if (given[0] !== undefined) await refuseProtected(given[0], run);
  const session = await sessionOf(run);
  const input = given[0] === undefined ? undefined : await readInput(given[0], run.io);
  const plain = decodeText(input?.bytes ?? (await readStdin("the new plaintext", run.io)));
  const file = run.args["in-place"] ? given[0] : undefined;
  const { output } = run.args;
  const target = { file, expected: input?.fingerprint, output, encrypts: true, plaintext: false };
  // the encrypted version may be the very file that is replaced, and changed by somebody else until its turn comes
  await aloneAt(file ?? output, run.io, async () => {
    await writeResult(await updated({ old, name: given[0] ?? old, plain }, run, session), target, run.io);
  });
  return 0;
}

interface Update {
  /** The encrypted version. */
  readonly old: string;
  /** What warnings are about. */
  readonly name: string;
  readonly plain: string;
}

async function updated({ old, name, plain }: Update, run: EncryptRun, session: Session): Promise<string> {
  const { bytes } = await readInput(old, run.io);
  const settings = await loadSettings(ruledFile(run.args, old, run.io), run);
  const open = await openForUpdate(old, bytes, run, session);
  try {
    const opened = { name: old, open, settings };
    await checkDrift(opened, run);
    const { seal, said } = await sealingOf(opened, run);
    refuseUnlessMeant(plain, open.format, run.args);
    const options = { seal, indent: indentFor(open.format, run.args, settings) };
    const { text, warnings } = saveText(open, plain, session, options);
    await reportWarnings(warnings, plain, name, run.io);
    await warnOfPlain(opened, text, run.io);
    if (said !== undefined) await note(run.io, said);
    return text;
  } finally {
    open.close();
  }
}

/** The old version says who can read the file and what of it is encrypted: what would be ignored is refused. */
function refuseWithUpdate(run: EncryptRun): void {
  const own = { ...KEYS, ...SELECTORS, ...THRESHOLD, "output-type": TYPES["output-type"] };
  const given =
    (Object.keys(own) as (keyof typeof own)[]).find((name) => run.given(name)) ??
    (["check", "dry-run"] as const).find((name) => run.args[name]);
  if (given === undefined) return;
  throw new TsopsError("usage", `--${given} and --update cannot be used together`, {
    hint: "with --update keys, selector and format are those of the encrypted version",
  });
}

/** The files that were named; of folders and patterns, those that have a creation rule and are not encrypted yet. */
async function filesToEncrypt(given: readonly string[], run: EncryptRun) {
  let without = 0;
  const found = await findFiles(given, run, {
    writes: run.args["in-place"],
    about: async (name) => {
      const matches = await ruleMatches(name, run);
      if (!matches) without++;
      return matches;
    },
    // encrypting a damaged one says what is wrong with it
    wanted: async ({ name }) => (await encryptionOf(name, run)) !== "whole" && !(await staysPlain(name, run)),
  });
  const names = found.map(({ name }) => name);
  // else who sees that nothing is left to do takes them for encrypted
  if (names.length === 0 && without > 0) {
    const one = without === 1;
    const stay = `no creation rule, and ${one ? "stays as it is" : "stay as they are"}`;
    await note(
      run.io,
      `${without} ${one ? "file matches" : "files match"} ${stay}: tsops config explain FILE says why`,
    );
  }
  const named = found.some((file) => file.named);
  return { names, many: names.length > 1 || found.some((file) => !file.named), named };
}

/** Of what a folder or a pattern brought in, a rule may match more than it was made for. */
async function staysPlain(name: string, { io }: EncryptRun): Promise<boolean> {
  if (!isDotenvxKeys(name)) return false;
  await note(
    io,
    `${name} is left as it is: dotenvx reads its private keys there`,
    "  keep it out of git (.gitignore); name it if it is to be encrypted",
  );
  return true;
}

async function listFiles(names: readonly string[], run: EncryptRun): Promise<number> {
  const results: object[] = [];
  const failures: Failure[] = [];
  for (const name of names) {
    if ((await whoReads(name, run)) !== undefined) continue;
    const found = await lookAt(name, run);
    if (found.encryption === "whole") continue;
    if (found.encryption === "damaged") {
      failures.push({ name, error: found.error });
      results.push(failureJson({ name, error: found.error }));
      continue;
    }
    results.push({ file: name, status: "would-encrypt" });
    await note(run.io, `would encrypt ${name}`);
  }
  if (run.args.json) await writeJson(run.io, { files: results });
  await reportFailures(failures, run);
  return failures.length > 0 ? 1 : 0;
}

/** Whether a file is encrypted. Ciphertexts without metadata are a plaintext to whoever says so. */
async function lookAt(name: string, run: EncryptRun): Promise<ReadIfEncrypted> {
  const found = await readFound(name, run);
  const left = found.encryption === "damaged" && found.error.code === "no-metadata";
  return left && run.args["encrypt-twice"] ? { encryption: "none" } : found;
}

/**
 * `--check`: the names of files that are not as they should be; why, where they are encrypted, for people. A file that
 * cannot be read is named, and the others are looked at all the same.
 */
async function checkFiles(given: readonly string[], run: EncryptRun): Promise<number> {
  const asJson = run.args.json;
  const files = await findFiles(given, run, { writes: false });
  const wrong: unknown[] = [];
  const notes: unknown[] = [];
  let failed = 0;
  for (const file of files) {
    const { name } = file;
    try {
      const { problems, nothing } = await checkFile(file, run);
      if (nothing) notes.push({ file: name, note: "nothing-selected", ...nothing });
      if (problems.length === 0) continue;
      wrong.push({ file: name, problems: problems.map(problemJson) });
      if (asJson) continue;
      await write(run.io.stdout, `${quotedPath(name)}\n`);
      for (const lines of problemLines(name, problems)) await note(run.io, ...lines);
    } catch (error) {
      if (files.length === 1 && !asJson) throw inFile(error, name);
      failed++;
      wrong.push({ file: name, error: error instanceof TsopsError ? error.code : "internal" });
      await reportError(inFile(error, name), run.io);
    }
  }
  if (asJson) await writeJson(run.io, { files: wrong, notes });
  else if (failed > 0)
    await note(run.io, `not as they should be: ${wrong.length - failed}; failed: ${failed}`);
  return wrong.length > 0 ? 1 : 0;
}

async function checkFile({ name, named }: Found, run: EncryptRun): ReturnType<typeof problemsOf> {
  const none = { problems: [], nothing: undefined };
  if ((await whoReads(name, run)) !== undefined) return none;
  if ((await lookAt(name, run)).encryption !== "none") return await problemsOf(name, run);
  const due = named || ((await ruleMatches(name, run)) && !(await staysPlain(name, run)));
  return due ? { ...none, problems: [{ problem: "not-encrypted" }] } : none;
}
