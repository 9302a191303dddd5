import { resolve } from "node:path";
import { documentTrees, type Session } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import type { ReadFile } from "../../../files/read.ts";
import { statOf } from "../../../files/stat.ts";
import { buildTrees } from "../../../formats/build.ts";
import type { Format } from "../../../formats/format.ts";
import { loadFormat } from "../../../formats/index.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../../formats/path.ts";
import { type Tree, TreeMap } from "../../../formats/tree.ts";
import { alone, aloneAt } from "../../alone.ts";
import { forEachFile, goesOn, PASSED_OVER } from "../../batch.ts";
import { chosenDocument, noteNulls } from "../../documents.ts";
import {
  checkOutputOptions,
  checkResults,
  inputFormat,
  type OpenFile,
  openFile,
  outputBelow,
  outputFormat,
  readInput,
  refuseHeld,
  ruledFile,
  writeResult,
} from "../../files.ts";
import {
  encryptionIn,
  findFiles,
  isEncrypted,
  mayBeEncrypted,
  noDryRun,
  readIfEncrypted,
} from "../../found.ts";
import { readStdin } from "../../interrupt.ts";
import { note } from "../../report.ts";
import { Ruleless } from "../../ruleless.ts";
import { sessionOf } from "../../session.ts";
import { indentFor, settingsForReading } from "../../settings.ts";
import type { DecryptRun } from "./command.ts";

/** `decrypt`: one file to standard output, or many in place or into a folder. */
export async function decrypt(run: DecryptRun): Promise<number> {
  const { args, io } = run;
  checkOutputOptions(args, args.files);
  checkAlone(run);
  checkResults(args, args.files.length > 0 && (args["dry-run"] || args.check));
  const work: Work = {
    run,
    session: await sessionOf(run),
    ruleless: new Ruleless(args.files, run),
    narrowed: 0,
  };
  const looks = args["dry-run"] || args.check;
  const toStdout = !args["in-place"] && args.output === undefined && !looks;
  if (args.files.length === 0) {
    if (args.json) throw new TsopsError("usage", "--json needs files, and standard input is none");
    return await decryptStdin(work);
  }
  const [first, ...others] = args.files;
  if (others.length === 0 && isFile(resolve(io.cwd, first!)) && !looks) {
    const code = await forEachFile(args.files, { what: "decrypted", run, results: args.json }, (name) =>
      decryptFile(name, { output: args.output }, work),
    );
    await noteNarrowed(work);
    await work.ruleless.tell();
    return code;
  }
  if (!toStdout) return await decryptFound(work);
  if (await areYaml(args.files, run)) return await decryptTogether(work);
  throw new TsopsError("usage", "several files cannot all go to standard output", {
    hint: "use --in-place, or --output FOLDER; YAML files that are named one by one can",
  });
}

/** `--check` writes nothing: what says where to, or what of it, would be ignored. */
function checkAlone(run: DecryptRun): void {
  const { args } = run;
  if (!args.check) return;
  if (args.files.length === 0)
    throw new TsopsError("usage", "--check needs files, and standard input is none");
  const others = ["in-place", "output", "output-type", "extract", "ignore-mac", "dry-run"] as const;
  const given = others.find((name) => args[name] !== undefined && args[name] !== false);
  const other = run.given("document") ? "document" : given;
  if (other === undefined) return;
  throw new TsopsError("usage", `--check and --${other} cannot be used together`, {
    hint: "--check decrypts whole files, looks at MAC and seal, and writes nothing",
  });
}

interface Work {
  readonly run: DecryptRun;
  readonly session: Session;
  readonly ruleless: Ruleless;
  /** How many files others had access to, and have no more. */
  narrowed: number;
}

async function decryptStdin(work: Work): Promise<number> {
  const { args, io } = work.run;
  if (args["dry-run"]) throw noDryRun();
  const name = args["filename-override"] ?? "standard input";
  const text = await plaintext(name, await readStdin("the encrypted file", io), work);
  const target = { output: args.output, plaintext: true };
  await aloneAt(args.output, io, () => writeResult(text, target, io));
  return 0;
}

/** Several YAML files as the documents of one, to standard output. */
async function decryptTogether(work: Work): Promise<number> {
  const { run } = work;
  const texts: string[] = [];
  for (const name of run.args.files) {
    texts.push(await plaintext(name, (await readInput(name, run.io)).bytes, work));
  }
  await writeResult(await asDocuments(texts), { plaintext: true }, run.io);
  return 0;
}

/** What was named, and the encrypted files of folders and patterns. */
async function decryptFound(work: Work): Promise<number> {
  const { run } = work;
  const { args, io } = run;
  const writes = args["in-place"];
  const found = await findFiles(args.files, run, {
    writes,
    // the others are looked at when they are read
    wanted: async ({ name, link }) => !(link && writes) || (await isEncrypted(name, run)),
  });
  const explicit = new Set(found.filter(({ named }) => named).map(({ name }) => name));
  const names = found.map(({ name }) => name);
  const done = args["dry-run"] ? "would decrypt" : "decrypted";
  const what = args.check ? "in order:" : done;
  const further = writes ? goesOn("tsops decrypt -i", "decrypted", explicit.size > 0) : undefined;
  const code = await forEachFile(names, { what, run, results: args.json, further }, async (name) => {
    const input = await readInput(name, io);
    const known = explicit.has(name);
    if (!known && !mayBeEncrypted(input.bytes)) return PASSED_OVER;
    if (args["dry-run"]) {
      const looked = await readIfEncrypted(input.bytes, name, args);
      if (looked.encryption === "damaged") throw looked.error;
      if (!known && looked.encryption === "none") return PASSED_OVER;
      return await note(io, `would decrypt ${name}`);
    }
    const output = args.output && outputBelow(args.output, name, io);
    try {
      if (args.check) return void (await plaintext(name, input.bytes, work));
      return await decryptFile(name, { output, input, below: args.output }, work);
    } catch (error) {
      const passes = !known && isNotEncrypted(error);
      if (passes && (await encryptionIn(input.bytes, name, args)) === "none") return PASSED_OVER;
      throw error;
    }
  });
  await noteNarrowed(work);
  await work.ruleless.tell();
  return code;
}

/** Where a result goes, and what was read of the file already. */
interface Place {
  readonly output?: string;
  readonly below?: string;
  readonly input?: ReadFile;
}

async function decryptFile(name: string, { output, below, input }: Place, work: Work): Promise<void> {
  const { run } = work;
  const file = run.args["in-place"] ? name : undefined;
  // what goes into a folder that was named replaces no file that anybody works on
  const onto = below === undefined ? output : undefined;
  const decryptIt = async (): Promise<void> => {
    // what was read before the lock may have changed
    const stays = input && file === undefined && onto === undefined;
    const { bytes, fingerprint } = stays ? input : await readInput(name, run.io);
    const text = await plaintext(name, bytes, work);
    const target = { file, expected: fingerprint, output, below, plaintext: true };
    if (await writeResult(text, target, run.io)) work.narrowed++;
    work.ruleless.decrypted(name);
  };
  await (file === undefined
    ? aloneAt(onto, run.io, decryptIt)
    : alone(resolve(run.io.cwd, file), run.io, decryptIt));
}

async function plaintext(name: string, bytes: Uint8Array, work: Work): Promise<string> {
  const { run, session, ruleless } = work;
  const settings = await settingsForReading(ruledFile(run.args, name, run.io), run);
  const open = await openFile(name, bytes, run, session);
  try {
    const format = await outputFormat(run.args, name, open.format);
    if (format !== open.format && ["dotenv", "ini"].includes(format.name))
      await noteNulls(open, name, run.io);
    if (run.args["in-place"]) {
      // what base and theirs say would be lost
      await refuseHeld(open);
      await ruleless.look(name, open, settings);
    }
    return await plaintextOf({ name, open, settings }, format, run);
  } finally {
    open.close();
  }
}

/** Once a run: whoever else has to read a file, such as a service, has to be given the permission again. */
async function noteNarrowed({ narrowed: count, run: { io } }: Work): Promise<void> {
  if (count === 0) return;
  const files =
    count === 1 ? "a file that others could read is" : `${count} files that others could read are`;
  await note(io, `${files} now readable by the owner only (mode 0600), as plaintext should be`);
}

/** Whether what is named are files, each of which comes out as YAML and as a whole. */
async function areYaml(names: readonly string[], run: DecryptRun): Promise<boolean> {
  if (run.args.extract) return false;
  for (const name of names) {
    if (
      !isFile(resolve(run.io.cwd, name)) ||
      (await outputFormat(run.args, name, await inputFormat(run.args, name))).name !== "yaml"
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
  if (first === undefined) return "---\n";
  return first === "%" ? "...\n" : "";
}

/** The plaintext as it was encrypted; a part of it; or the same content in another format. */
async function plaintextOf(
  { name, open, settings }: OpenFile,
  format: Format,
  run: DecryptRun,
): Promise<string> {
  const { extract } = run.args;
  const indent = indentFor(format, run.args, settings);
  const whole = extract === undefined || extract === "";
  if (whole && !run.given("document")) {
    if (format === open.format) return open.decrypted.text;
    // YAML alone can hold several
    if (format.name !== "yaml") await chosenDocument(open, name, run);
    return format.print(documentTrees(open.decrypted), { indent });
  }
  const tree = documentTrees(open.decrypted)[await chosenDocument(open, name, run)]!;
  return whole ? format.print([tree], { indent }) : extractFrom(tree, extract, format, indent);
}

/**
 * `--extract`: texts as they are, maps as a document, others as the format prints a value (docs/internals/sops.md §7).
 */
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

function isFile(path: string): boolean {
  const info = statOf(path);
  // a file that is missing is named as it is, so that the error names it too
  return info ? !info.isDirectory() : !/[*?]/.test(path);
}

/** Whether a file was none that SOPS or tsops encrypted: other files of a folder are none of our business. */
function isNotEncrypted(error: unknown): boolean {
  return error instanceof TsopsError && ["no-metadata", "parse", "print"].includes(error.code);
}
