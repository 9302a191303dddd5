import { documentTrees } from "../../../document.ts";
import { changed, TsopsError } from "../../../errors.ts";
import { buildTrees } from "../../../formats/build.ts";
import type { Entry, Format, PathElement } from "../../../formats/format.ts";
import { type GivenNumber, valueFor } from "../../../formats/given.ts";
import { json } from "../../../formats/json/index.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../../formats/path.ts";
import { decodeText } from "../../../formats/text.ts";
import type { Tree } from "../../../formats/tree.ts";
import { saveSet, saveUnset } from "../../../save.ts";
import { chosenDocument } from "../../documents.ts";
import { missingFileExits, readInput } from "../../files.ts";
import { readStdin } from "../../interrupt.ts";
import type { Io } from "../../io.ts";
import { interactive } from "../../prompt.ts";
import { warnOfSetting } from "../../remarks.ts";
import { askValue, rawText } from "../../text-value.ts";
import { updateFile } from "../../update.ts";
import type { SetRun, UnsetRun } from "./command.ts";

/** `set FILE INDEX VALUE`: one value is set, and nothing else of the text changes. */
export async function set(run: SetRun): Promise<number> {
  const path = pathArgument(run.args.index, "set");
  const given = await readValue(run);
  const work = updateFile(run.args.file, run, async (file) => {
    const { name, open, session, saving } = file;
    const value = valueFor(open.format, given.value, given.numbers);
    const document = await chosenDocument(open, name, run);
    if (run.args.idempotent) {
      const now = valueAt(documentTrees(open.decrypted)[document]!, path);
      if (now !== undefined && sameTree(now, value)) return undefined;
    }
    refuseMetadataKey(path, open.format);
    const text = saveSet(open, { path, value, numbers: given.numbers }, session, { ...saving, document });
    await warnOfSetting(file, path, value, run.io);
    return text;
  });
  return await missingFileExits(2, work);
}

/** `unset FILE INDEX`: one value is taken out. */
export async function unset(run: UnsetRun): Promise<number> {
  const path = pathArgument(run.args.index, "unset");
  const work = updateFile(run.args.file, run, async ({ name, open, session, saving }) => {
    const document = await chosenDocument(open, name, run);
    if (valueAt(documentTrees(open.decrypted)[document]!, path) === undefined) {
      if (run.args.idempotent) return undefined;
      throw new TsopsError("bad-path", `there is nothing at ${formatPath(path)}`, {
        exit: 1,
        hint: "with --idempotent that is not an error",
      });
    }
    return saveUnset(open, path, session, { ...saving, document });
  });
  return await missingFileExits(2, work);
}

function pathArgument(text: string, command: string): PathElement[] {
  try {
    return parsePath(text);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw changed(error, { code: "invalid-set-value", message: `${command}: ${error.message}` });
  }
}

function refuseMetadataKey(path: readonly PathElement[], format: Format): void {
  const flat = format.name === "dotenv";
  if (path[0] !== "sops" && !(flat && String(path[0]).startsWith("sops_"))) return;
  throw new TsopsError("already-encrypted", `${path[0]} is where the file keeps its own metadata`, {
    hint: "choose another name",
  });
}

/** The value: an argument, a file (--value-file), standard input (--value-stdin), or typed without echo. */
async function readValue(run: SetRun): Promise<Given> {
  const argument = run.args.value;
  if (run.args["value-file"] && run.args["value-stdin"]) {
    throw new TsopsError("usage", "--value-file and --value-stdin cannot be used together", {
      hint: "use one of them",
    });
  }
  if (run.args["value-stdin"]) {
    if (argument !== undefined)
      throw new TsopsError("usage", "with --value-stdin there is no value argument");
    const given = await readStdin("the value", run.io);
    return run.args.raw ? asText(rawText(given)) : parseValue(decodeText(given));
  }
  if (argument === undefined) {
    if (!interactive(run.io)) {
      throw new TsopsError("no-file", "no value given", {
        hint: "give it as JSON, or use --value-file or --value-stdin",
      });
    }
    return asText(await askValue(run.args.index, run.io));
  }
  if (run.args["value-file"]) {
    const given = await readValueFile(argument, run.io);
    return run.args.raw ? asText(rawText(given)) : parseValue(decodeText(given));
  }
  if (run.args.raw) return asText(argument);
  return parseValue(argument);
}

async function readValueFile(name: string, io: Io): Promise<Buffer> {
  try {
    return (await readInput(name, io)).bytes;
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    const message = `the value's file cannot be read: ${error.message}`;
    throw changed(error, { message, place: { file: name }, exit: 1 });
  }
}

function asText(value: string): Given {
  return { value, numbers: [] };
}

/** A value, and how the numbers in it were spelled. */
interface Given {
  readonly value: Tree;
  readonly numbers: readonly GivenNumber[];
}

/** A value as SOPS's `set` reads it: JSON. Lists are taken as well, and an integer stays one (docs/differences.md). */
function parseValue(text: string): Given {
  const around = { before: '{"value":\n', after: "\n}" };
  let entries: readonly Entry[] = [];
  let duplicates: readonly number[] = [];
  let value: Tree | undefined;
  try {
    const reading = json.read(around.before + text + around.after);
    const [tree] = buildTrees(reading.entries, 1);
    value = tree?.entries().length === 1 ? tree.get("value") : undefined;
    ({ entries, duplicates = [] } = reading);
  } catch {
    // said below
  }
  if (value === undefined) {
    throw new TsopsError("invalid-set-value", "the value is not valid JSON", {
      hint: `a text needs its quotes: '"like this"'`,
    });
  }
  if (duplicates.length > 0) {
    throw new TsopsError("invalid-set-value", "an object in the value has the same key twice", {
      hint: "programs differ in which of the two they take: leave one of them out",
    });
  }
  const numbers = entries.flatMap(({ value, start, end }): GivenNumber[] => {
    if (typeof value !== "bigint" && typeof value !== "number") return [];
    const from = start - around.before.length;
    return [{ value, text: text.slice(from, from + end - start) }];
  });
  return { value, numbers };
}
