import { TsopsError } from "../../errors.ts";
import { buildTrees } from "../../formats/build.ts";
import type { Format, PathElement } from "../../formats/format.ts";
import { json } from "../../formats/json.ts";
import { formatPath, parsePath, sameTree, valueAt } from "../../formats/path.ts";
import { decodeText } from "../../formats/text.ts";
import { type Tree, TreeList } from "../../formats/tree.ts";
import { saveSet, saveUnset } from "../../save.ts";
import type { Decrypted } from "../../sops/decrypt.ts";
import type { Args } from "../args.ts";
import { missingFileExits, readInput } from "../files.ts";
import { readStdin } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { interactive } from "../prompt.ts";
import { askValue, rawText } from "../text-value.ts";
import { updateFile } from "../update.ts";

/** `set FILE INDEX VALUE`: one value is set, and nothing else of the text changes. */
export async function set(args: Args, io: Io): Promise<number> {
  const path = pathArgument(args.text("index") ?? "", "set");
  const file = args.text("file")!;
  const given = await readValue(args, io);
  const work = updateFile(file, args, io, async (open, session, options) => {
    // SOPS makes a float of a number that is set (SPEC section 7); formats that it does not know need not follow
    const value = typeof given === "bigint" && !open.format.ours ? Number(given) : given;
    if (args.flag("idempotent")) {
      const now = valueAt(documentTree(open.decrypted), path);
      if (now !== undefined && sameTree(now, value)) return undefined;
    }
    refuseMetadataKey(path, open.format);
    return saveSet(open, path, value, session, options);
  });
  return await missingFileExits(2, work);
}

/** `unset FILE INDEX`: one value is taken out. */
export async function unset(args: Args, io: Io): Promise<number> {
  const path = pathArgument(args.text("index") ?? "", "unset");
  const work = updateFile(args.text("file")!, args, io, async (open, session, options) => {
    if (valueAt(documentTree(open.decrypted), path) === undefined) {
      if (args.flag("idempotent")) return undefined;
      throw new TsopsError("bad-path", `there is nothing at ${formatPath(path)}`, {
        exit: 1,
        hint: "with --idempotent that is no error",
      });
    }
    return saveUnset(open, path, session, options);
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

/** The first document: that is the one that SOPS sets values in. */
function documentTree({ reading, values }: Decrypted): Tree {
  const decryptedOf = new Map(reading.entries.map((entry, i) => [entry, values[i]]));
  return buildTrees(reading.entries, reading.documents, (entry) => decryptedOf.get(entry))[0]!;
}

function refuseMetadataKey(path: readonly PathElement[], format: Format): void {
  const flat = format.name === "dotenv";
  if (path[0] !== "sops" && !(flat && String(path[0]).startsWith("sops_"))) return;
  throw new TsopsError("already-encrypted", `${path[0]} is where the file keeps its own metadata`, {
    hint: "choose another name",
  });
}

/** The value: an argument, a file (--value-file), standard input (--value-stdin), or typed without echo. */
async function readValue(args: Args, io: Io): Promise<Tree> {
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
    return args.flag("raw") ? rawText(given) : parseValue(decodeText(given));
  }
  if (argument === undefined) {
    if (!interactive(io)) {
      throw new TsopsError("no-file", "no value given", {
        hint: "give it as JSON, or use --value-file or --value-stdin",
      });
    }
    return await askValue(args.text("index")!, io);
  }
  if (args.flag("value-file")) {
    const given = await readValueFile(argument, io);
    return args.flag("raw") ? rawText(given) : parseValue(decodeText(given));
  }
  if (args.flag("raw")) return argument;
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

/**
 * A value as SOPS's `set` reads it: JSON. A list is not taken, as SOPS does not take one (SPEC section 7).
 */
function parseValue(text: string): Tree {
  let value: Tree | undefined;
  try {
    const [tree] = buildTrees(json.read(`{"value":\n${text}\n}`).entries, 1);
    value = tree?.entries().length === 1 ? tree.get("value") : undefined;
  } catch {
    value = undefined;
  }
  if (value === undefined) {
    throw new TsopsError("invalid-set-value", "the value is not valid JSON", {
      hint: `a text needs its quotes: '"like this"'`,
    });
  }
  if (value instanceof TreeList) {
    throw new TsopsError("invalid-set-value", "a list cannot be set as a whole", {
      hint: `set its items: '["list"][0]', '["list"][1]', …`,
    });
  }
  return value;
}
