import { TsopsError } from "../errors.ts";
import { readText } from "../formats/unreadable.ts";
import { type MapNode, Places, treeOf } from "./node.ts";
import { configError } from "./problem.ts";
import { checkShape, type Shape } from "./shape.ts";

export interface Json5File {
  readonly root: MapNode;
  readonly places: Places;
  /** Everything that its shape does not allow: only without errors has the tree the types that the shape says. */
  readonly errors: TsopsError[];
}

/**
 * Reads a configuration in JSON5 and compares it with its shape.
 * @throws TsopsError("config") with the place, if it is not JSON5.
 */
export async function readJson5(text: string, path: string, shape: Shape): Promise<Json5File> {
  const places = new Places(text, path);
  const { root, twice } = await parse(text, path);
  const errors = checkShape(root, shape, "the file", places);
  for (const offset of twice) {
    const place = places.at(offset);
    const known = errors.some((error) => error.place?.line === place.line && /twice/.test(error.message));
    if (!known) errors.push(configError("a field occurs twice", place, "keep one of the two"));
  }
  return { root, places, errors };
}

async function parse(text: string, file: string): Promise<{ root: MapNode; twice: readonly number[] }> {
  const { json5 } = await import("../formats/json5/index.ts");
  try {
    const reading = readText(text, json5);
    return { root: treeOf(text, reading.entries), twice: reading.duplicates ?? [] };
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    // what the reader says there is meant for files that are to be encrypted
    const bare = error.message.includes("only an object can be encrypted");
    throw new TsopsError(
      "config",
      `the configuration cannot be read: ${bare ? "it is not an object" : error.message}`,
      {
        place: { ...error.place, file },
        hint: bare ? "put everything between { and }" : (error.hint ?? "correct the JSON5 there"),
        cause: error,
      },
    );
  }
}
