import { resolve } from "node:path";
import type { Drift } from "../../../config/drift.ts";
import { type Place, TsopsError } from "../../../errors.ts";
import { append } from "../../../formats/append.ts";
import { type Entry, type PathElement, pathOf } from "../../../formats/format.ts";
import { formatPath } from "../../../formats/path.ts";
import { decodeText, placeOf } from "../../../formats/text.ts";
import { groupsFromMetadata } from "../../../keys/metadata.ts";
import { bareComments, bareHint, bareValues } from "../../../sops/bare.ts";
import { type Nothing, nothingSelected } from "../../../sops/nothing.ts";
import { compileSelector } from "../../../sops/selection.ts";
import type { Run } from "../../command.ts";
import { describeDrift } from "../../drift.ts";
import { readEncryptedAs, readInput, reportWarnings } from "../../files.ts";
import { driftJson } from "../../json.ts";
import { warnOfNothing } from "../../remarks.ts";
import { checkSealThere } from "../../require-seal.ts";
import { loadSettings, type Settings } from "../../settings.ts";
import { driftOf } from "../../vouch.ts";

/** What is wrong with a file. The words stay: `--json` prints them. */
export type Problem =
  | { readonly problem: "not-encrypted" }
  | { readonly problem: "plain-value"; readonly entry: Entry; readonly place: Place }
  | { readonly problem: "differs-from-rule"; readonly drift: Drift; readonly settings: Settings }
  | { readonly problem: "seal-missing"; readonly message: string };

/**
 * What is wrong with an encrypted file, as far as that can be seen without a key: values that should be encrypted and are
 * not, differences from the creation rule, a missing seal where one is required. A selector that selects nothing is no
 * mistake of the file (docs/json.md says why): it is only said.
 */
export async function problemsOf(
  name: string,
  run: Run,
): Promise<{ problems: Problem[]; nothing: Nothing | undefined }> {
  const text = decodeText((await readInput(name, run.io)).bytes);
  const { format, reading, metadata } = await readEncryptedAs(text, name, run.args);
  const nothing = await nothingSelected(reading, metadata.selector);
  await warnOfNothing(name, nothing, run.io);
  const selection = await compileSelector(metadata.selector);
  const bare = bareValues(reading, selection);
  // SOPS leaves a few comments plain itself, so that is no mistake of the file
  const comments = bareComments(reading, selection);
  await reportWarnings(
    comments.map(({ start }) => ({ message: "this comment is not encrypted", offset: start })),
    text,
    name,
    run.io,
  );
  const problems = bare.map((entry): Problem => {
    return { problem: "plain-value", entry, place: placeOf(text, entry.start) };
  });
  const settings = await loadSettings(resolve(run.io.cwd, name), run);
  const groups = groupsFromMetadata(metadata.tree);
  const drift = await driftOf({ ...groups, metadata, format }, settings, run.io);
  if (drift) problems.push({ problem: "differs-from-rule", drift, settings });
  try {
    await checkSealThere(name, metadata, run);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    problems.push({ problem: "seal-missing", message: error.message });
  }
  return { problems, nothing };
}

/** More of one file help nobody. */
const SHOWN_VALUES = 10;

/** Each problem as a line, and what belongs below it. */
export function problemLines(name: string, problems: readonly Problem[]): [string, ...string[]][] {
  const bare = problems.flatMap((problem) => (problem.problem === "plain-value" ? [problem.entry] : []));
  const lines: [string, ...string[]][] = problems
    .filter(({ problem }, i) => problem !== "plain-value" || i < SHOWN_VALUES)
    .flatMap((problem) => linesOf(name, problem));
  if (bare.length > SHOWN_VALUES)
    lines.splice(SHOWN_VALUES, 0, [`${name}: and ${bare.length - SHOWN_VALUES} more values`]);
  const last = lines[Math.min(bare.length, SHOWN_VALUES + 1) - 1];
  // once for all of them
  if (bare.length > 0)
    append(
      last!,
      bareHint(bare, name)
        .split("\n")
        .map((line) => `  ${line}`),
    );
  return lines;
}

/** Of a file that is not encrypted the name, which is printed, says enough. */
function linesOf(name: string, problem: Problem): [string, ...string[]][] {
  switch (problem.problem) {
    case "not-encrypted":
      return [];
    case "plain-value": {
      const { line, column } = problem.place;
      const where = `${name}:${line}:${column}: the value at ${formatPath(pathOf(problem.entry))}`;
      return [[`${where} is not encrypted, and should be`]];
    }
    case "differs-from-rule": {
      const [what, ...more] = describeDrift(problem.drift, problem.settings);
      return [[`${name} ${what}`, ...more]];
    }
    case "seal-missing":
      return [[`${name}: ${problem.message}`]];
  }
}

export function problemJson(problem: Problem) {
  switch (problem.problem) {
    case "plain-value": {
      const { line, column } = problem.place;
      return { problem: problem.problem, path: pathOf(problem.entry).map(elementJson), line, column };
    }
    case "differs-from-rule":
      return { problem: problem.problem, ...driftJson(problem.drift, problem.settings)! };
    case "not-encrypted":
    case "seal-missing":
      return { problem: problem.problem };
  }
}

/** A key that is no text (YAML has such) as JSON writes it. */
function elementJson(element: PathElement): string | number {
  return typeof element === "number" ? element : String(element);
}
