import { TsopsError } from "../../errors.ts";
import { buildTrees } from "../../formats/build.ts";
import type { Entry, Format, PathElement } from "../../formats/format.ts";
import { type GivenNumber, valueFor } from "../../formats/given.ts";
import { json } from "../../formats/json/index.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../formats/path.ts";
import { decodeText } from "../../formats/text.ts";
import type { Tree } from "../../formats/tree.ts";
import { saveSet, saveUnset } from "../../save.ts";
import { treesOf } from "../../sops/items.ts";
import type { Args } from "../args.ts";
import { chosenDocument } from "../documents.ts";
import { missingFileExits, readInput } from "../files.ts";
import { readStdin } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { interactive } from "../prompt.ts";
import { warnOfSetting } from "../remarks.ts";
import { askValue, rawText } from "../text-value.ts";
import { updateFile } from "../update.ts";

/** `set FILE INDEX VALUE`: one value is set, and nothing else of the text changes. */
export async function set(args: Args, io: Io): Promise<number> {
  const path = pathArgument(args.text("index") ?? "", "set");
  const file = args.text("file")!;
  const given = await readValue(args, io);
  const work = updateFile(file, args, io, async (open, session, options) => {
    const value = valueFor(open.format, given.value, given.numbers);
    const document = await chosenDocument(open, file, args, io);
    if (args.flag("idempotent")) {
      const now = valueAt(treesOf(open.decrypted)[document]!, path);
      if (now !== undefined && sameTree(now, value)) return undefined;
    }
    refuseMetadataKey(path, open.format);
    const text = saveSet(open, path, value, session, { ...options, document, numbers: given.numbers });
    await warnOfSetting(open.decrypted, open.format, path, value, file, io);
    return text;
  });
  return await missingFileExits(2, work);
}

/** `unset FILE INDEX`: one value is taken out. */
export async function unset(args: Args, io: Io): Promise<number> {
  const path = pathArgument(args.text("index") ?? "", "unset");
  const file = args.text("file")!;
  const work = updateFile(file, args, io, async (open, session, options) => {
    const document = await chosenDocument(open, file, args, io);
    if (valueAt(treesOf(open.decrypted)[document]!, path) === undefined) {
      if (args.flag("idempotent")) return undefined;
      throw new TsopsError("bad-path", `there is nothing at ${formatPath(path)}`, {
        exit: 1,
        hint: "with --idempotent that is not an error",
      });
    }
    return saveUnset(open, path, session, { ...options, document });
  });
  return await missingFileExits(2, work);
}

function pathArgument(text: string, command: string): PathElement[] {
  try {
    return parsePath(text);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw new TsopsError("invalid-set-value", `${command}: ${error.message}`, { hint: error.hint });
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
async function readValue(args: Args, io: Io): Promise<Given> {
  const argument = args.text("value");
  if (args.flag("value-file") && args.flag("value-stdin")) {
    throw new TsopsError("usage", "--value-file and --value-stdin cannot be used together", {
      hint: "use one of them",
    });
  }
  if (args.flag("value-stdin")) {
    if (argument !== undefined)
      throw new TsopsError("usage", "with --value-stdin there is no value argument");
    const given = await readStdin("the value", io);
    return args.flag("raw") ? asText(rawText(given)) : parseValue(decodeText(given));
  }
  if (argument === undefined) {
    if (!interactive(io)) {
      throw new TsopsError("no-file", "no value given", {
        hint: "give it as JSON, or use --value-file or --value-stdin",
      });
    }
    return asText(await askValue(args.text("index")!, io));
  }
  if (args.flag("value-file")) {
    const given = await readValueFile(argument, io);
    return args.flag("raw") ? asText(rawText(given)) : parseValue(decodeText(given));
  }
  if (args.flag("raw")) return asText(argument);
  return parseValue(argument);
}

async function readValueFile(name: string, io: Io): Promise<Buffer> {
  try {
    return (await readInput(name, io)).bytes;
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    throw new TsopsError("generic", `the value's file cannot be read: ${error.message}`, {
      place: { file: name },
      hint: error.hint,
    });
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
  let entries: readonly Entry[];
  let value: Tree | undefined;
  try {
    const reading = json.read(around.before + text + around.after);
    const [tree] = buildTrees(reading.entries, 1);
    value = tree?.entries().length === 1 ? tree.get("value") : undefined;
    entries = reading.entries;
  } catch {
    value = undefined;
    entries = [];
  }
  if (value === undefined) {
    throw new TsopsError("invalid-set-value", "the value is not valid JSON", {
      hint: `a text needs its quotes: '"like this"'`,
    });
  }
  const numbers = entries.flatMap(({ value, start, end }): GivenNumber[] => {
    if (typeof value !== "bigint" && typeof value !== "number") return [];
    const from = start - around.before.length;
    return [{ value, text: text.slice(from, from + end - start) }];
  });
  return { value, numbers };
}
