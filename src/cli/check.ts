import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { decodeText, placeOf } from "../formats/text.ts";
import { groupsFromMetadata } from "../keys/metadata.ts";
import { bareValues } from "../sops/bare.ts";
import { compileSelector } from "../sops/selection.ts";
import type { Args } from "./args.ts";
import { describeDrift } from "./drift.ts";
import { readEncryptedAs, readInput } from "./files.ts";
import type { Io } from "./io.ts";
import { checkSealThere } from "./require-seal.ts";
import { loadSettings } from "./settings.ts";
import { driftOf } from "./vouch.ts";

/** More of one file help nobody. */
const SHOWN_VALUES = 10;

/**
 * What is wrong with an encrypted file, as far as that can be seen without a key: values that should be encrypted and are
 * not, differences from the creation rule, a missing seal where one is required. Each a line, and what belongs below it.
 */
export async function problemsOf(
  name: string,
  args: Args,
  io: Io,
): Promise<(readonly [string, ...string[]])[]> {
  const text = decodeText((await readInput(name, io)).bytes);
  const { format, reading, metadata } = await readEncryptedAs(text, name, args);
  const bare = bareValues(reading, await compileSelector(metadata.selector));
  const problems = bare.slice(0, SHOWN_VALUES).map((entry): [string, ...string[]] => {
    const { line, column } = placeOf(text, entry.start);
    const where = `${name}:${line}:${column}: the value at ${formatPath(pathOf(entry))}`;
    return [`${where} is not encrypted, and should be`];
  });
  if (bare.length > SHOWN_VALUES) problems.push([`${name}: and ${bare.length - SHOWN_VALUES} more values`]);
  const settings = await loadSettings(resolve(io.cwd, name), args, io);
  const groups = groupsFromMetadata(metadata.tree);
  const drift = await driftOf({ ...groups, metadata, format }, settings, io);
  if (drift) {
    const [what, ...lines] = describeDrift(drift, settings);
    problems.push([`${name} ${what}`, ...lines]);
  }
  try {
    await checkSealThere(name, metadata, args, io);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    problems.push([`${name}: ${error.message}`]);
  }
  return problems;
}
