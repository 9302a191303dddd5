import { basename, relative, resolve } from "node:path";
import { openRead, type Session } from "../../../document.ts";
import { editText } from "../../../editor/session.ts";
import { inFile, TsopsError } from "../../../errors.ts";
import { replaceFile } from "../../../files/atomic.ts";
import type { ReadFile } from "../../../files/read.ts";
import { formatPath, parsePath } from "../../../formats/path.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import { runGit } from "../../../git/program.ts";
import { keepFromPrograms, secretVariables } from "../../../keys/environment.ts";
import { KINDS } from "../../../keys/table.ts";
import { type Choice, chooseOne, describeKept, isOfText } from "../../../merge/choose.ts";
import { withEndsLike } from "../../../merge/line-ends.ts";
import { type ConflictStyle, freeSize, inMarkers, markerLines } from "../../../merge/markers.ts";
import { type Merged, openMerged } from "../../../merged.ts";
import { printable, shellQuoted } from "../../../printable.ts";
import { saveResolved } from "../../../save.ts";
import { type Conflict, type Conflicts, describePlace } from "../../../sops/conflicts.ts";
import { masterVariables } from "../../allowed.ts";
import { alone } from "../../alone.ts";
import { readEncryptedAs, readInput, reportWarnings } from "../../files.ts";
import { noteConflicts } from "../../merge.ts";
import { waitForEnter } from "../../prompt.ts";
import { refuseProtected } from "../../protected.ts";
import { errorLines, mention, note, reportError } from "../../report.ts";
import { checkSealThere } from "../../require-seal.ts";
import { sessionOf } from "../../session.ts";
import { loadSettings } from "../../settings.ts";
import { checkDrift } from "../../vouch.ts";
import type { GitResolveRun } from "./command.ts";
import { mergeStages } from "./stages.ts";

/** git's own. */
const MARKER_SIZE = 7;

/** `git resolve FILE…`: ends the conflicts of a merge. What fails with one file does not stop the others. */
export async function gitResolve(run: GitResolveRun): Promise<number> {
  const choice = choiceOf(run);
  const { files } = run.args;
  let code = 0;
  for (const name of files) {
    try {
      await refuseProtected(name, run);
      code = Math.max(code, await resolveFile(name, choice, run));
    } catch (error) {
      const failure = inFile(error, name);
      if (files.length === 1 || isStop(failure)) throw failure;
      code = Math.max(code, await reportError(failure, run.io));
    }
  }
  return code;
}

function isStop(error: unknown): boolean {
  return (error instanceof TsopsError && error.code === "aborted") || (error as Error)?.name === "AbortError";
}

function choiceOf({ args }: GitResolveRun): Choice | undefined {
  const given = (["ours", "theirs", "base"] as const).filter((side) => args[side]);
  if (given.length > 1) {
    throw new TsopsError("usage", `--${given[0]} and --${given[1]} cannot be used together`, {
      hint: "take one side; --path takes one at one place",
    });
  }
  if (args.path !== undefined && given.length === 0) {
    throw new TsopsError("usage", "--path needs the side that counts there", {
      hint: "add --ours, --theirs or --base; without --path the conflicts open in your editor",
    });
  }
  if (args.document !== undefined && args.path === undefined) {
    throw new TsopsError("usage", "--document needs --path", {
      hint: "it says in which document the place is; without both, all conflicts end",
    });
  }
  return given[0];
}

async function resolveFile(name: string, choice: Choice | undefined, run: GitResolveRun): Promise<number> {
  const session = await sessionOf(run);
  const ended = await mergeStages(name, choice, run, session);
  if (ended !== undefined) return ended;
  const { bytes, fingerprint } = await readInput(name, run.io);
  const checkedOut = decodeText(bytes);
  const open = await openRead(await readEncryptedAs(checkedOut, name, run.args), session);
  let merged: Merged | undefined;
  try {
    await checkSealThere(name, open.metadata, run);
    if (!open.decrypted.conflicts) {
      await note(run.io, `${name} holds no conflicts: git add ${shellQuoted(printable(name))}`);
      return 0;
    }
    merged = await openMerged(open, checkedOut);
    // else no value is written that was not there, and updatekeys waits for the end of the conflicts
    if (merged.said.conflicts.some(isOfText)) {
      const settings = await loadSettings(resolve(run.io.cwd, name), run);
      await checkDrift({ name, open, settings }, run, { hints: DRIFT_HINTS });
    }
    const file = { name, ...merged, fingerprint, checkedOut, run };
    if (choice === undefined) return await inEditor(file, session);
    return run.args.path === undefined
      ? await takeAll(file, choice, session)
      : await takeOne(file, choice, session);
  } finally {
    merged?.open.close();
    open.close();
  }
}

const DRIFT_HINTS = {
  recipients:
    "somebody may have added themselves, or the merge brought another rule: --yes goes on with those that it has;\n" +
    "after that tsops updatekeys gives the file the recipients of the rule",
  selector:
    "values that the rule says to encrypt could be written plain: --yes goes on with the file's own selector;\n" +
    "after that tsops updatekeys --update-selector gives the file the one of the rule",
};

interface Resolving extends Merged {
  readonly name: string;
  readonly fingerprint: ReadFile["fingerprint"];
  /** What stands in the file. */
  readonly checkedOut: string;
  readonly run: GitResolveRun;
}

async function takeAll(file: Resolving, choice: Choice, session: Session): Promise<number> {
  const text = file.variants[choice];
  if (text === undefined) throw noBase();
  await save(file, encrypted(file, text, session));
  return await finished(file);
}

function noBase(): TsopsError {
  return new TsopsError("usage", "there is no base: both sides made the file, or it cannot be shown", {
    hint: "take --ours or --theirs, or use your editor",
  });
}

async function takeOne(file: Resolving, choice: Choice, session: Session): Promise<number> {
  const { said, variants, open, run, name } = file;
  const conflict = conflictAt(said, run);
  const shown = describePlace(conflict);
  if (variants[choice] === undefined) throw noBase();
  const chosen = chooseOne(said, { conflict, choice }, variants, open.format);
  if (!chosen) {
    throw new TsopsError("merge-conflict", `the conflict at ${shown} cannot be resolved by itself`, {
      hint: `tsops git resolve ${shellQuoted(printable(name))} opens all of them in your editor`,
      exit: 1,
    });
  }
  await save(file, encrypted(file, chosen.text, session, chosen.left));
  if (!chosen.left) return await finished(file);
  await noteConflicts(name, chosen.left, run);
  return 1;
}

/** @throws TsopsError if there is none, or it is not clear which is meant. */
function conflictAt({ conflicts }: Conflicts, { args }: GitResolveRun): Conflict {
  const shown = formatPath(parsePath(args.path!));
  const { document } = args;
  const there = conflicts.filter((one) => formatPath(one.path) === shown);
  const meant = there.filter((one) => document === undefined || one.document === document);
  const [first] = meant;
  if (!first) {
    const place = document === undefined ? shown : `${shown} in document ${document}`;
    throw new TsopsError("bad-path", `there is no conflict at ${place}`, {
      hint: `there are: ${conflicts.map(describePlace).join(", ")}${hasWhole(conflicts)}`,
      exit: 1,
    });
  }
  if (meant.some((one) => one.document !== first.document)) {
    const documents = meant.map((one) => one.document).join(", ");
    throw new TsopsError("bad-path", `there are conflicts at ${shown} in the documents ${documents}`, {
      hint: "say which one is meant: --document 0 is the first",
      exit: 1,
    });
  }
  return first;
}

/** What no path names. */
function hasWhole(conflicts: readonly Conflict[]): string {
  const whole = conflicts.some(({ path }) => path.length === 0);
  return whole ? "; what has no path is resolved without --path" : "";
}

/** The plaintext with git's markers; what is left when no markers are in it is encrypted. */
async function inEditor(file: Resolving, session: Session): Promise<number> {
  const { name, open, run, said, variants } = file;
  const { io } = run;
  const texts = Object.values(variants).filter((text) => text !== undefined);
  const size = freeSize(texts, MARKER_SIZE);
  const sides = { base: variants.base, a: variants.ours, b: variants.theirs };
  const marking = { labels: said.labels, size, style: await styleOf(run) };
  const shown = inMarkers(sides, marking);
  // who can read the file is not in its text
  if (!said.conflicts.some(isOfText)) return await takeAll(file, "ours", session);
  keepFromPrograms(open.groups, session.context);
  const result = await editText({
    text: encodeText(shown),
    name: basename(name),
    env: io.env,
    hidden: [...secretVariables(session.context), ...(await masterVariables(run, [name]))],
    kinds: KINDS,
    cwd: io.cwd,
    encrypt: async (typed) => {
      if (markerLines(typed, size)) throw markersLeft();
      if (isBlank(typed) && !texts.some(isBlank)) throw allTaken();
      return encrypted(file, typed, session);
    },
    save: (text) => save(file, Promise.resolve(text)),
    retry: (error) => offerRetry(error, run),
    warn: (message) => mention(io, `warning: ${message}`),
  });
  if (result === "unchanged") {
    throw new TsopsError("not-modified", "the conflicts are as they were", { hint: "nothing was written" });
  }
  return await finished(file);
}

function markersLeft(): TsopsError {
  return new TsopsError("merge-conflict", "there are conflict markers in the text still", {
    hint: "keep what is right of each part, and remove the lines with <<<, |||, === and >>>",
    exit: 1,
  });
}

const isBlank = (text: string): boolean => text.trim() === "";

/** Where an empty file is a valid one, too: to git, an emptied text means that a person gives up. */
function allTaken(): TsopsError {
  return new TsopsError("merge-conflict", "nothing is left in the text, so the conflicts are as they were", {
    hint: "keep what is right in it; git rm takes away the whole file",
    exit: 1,
  });
}

async function offerRetry(error: TsopsError, { io }: GitResolveRun): Promise<boolean> {
  const [first = "", ...more] = errorLines(error);
  await note(io, first.replace(/^tsops: /, ""), ...more);
  return await waitForEnter(
    "Press Enter to go back to the editor with what you typed, or Ctrl-C to stop: ",
    io,
  );
}

/** How the person wants git to show conflicts. */
async function styleOf(run: GitResolveRun): Promise<ConflictStyle> {
  const { gitIn } = await import("../../../git/program.ts");
  const git = await gitIn(run.io.cwd, run.io.env);
  const asked = git && (await runGit(git, ["config", "--get", "merge.conflictStyle"]));
  const style = asked?.stdout.toString().trim().toLowerCase();
  return style === "diff3" || style === "zdiff3" ? style : "merge";
}

async function encrypted(
  { open, name, run }: Resolving,
  text: string,
  session: Session,
  left?: Conflicts,
): Promise<string> {
  const options = { seal: open.decrypted.sealed, conflicts: left };
  const result = saveResolved(open, text, session, options);
  await reportWarnings(result.warnings, text, name, run.io);
  return result.text;
}

async function save({ name, run, fingerprint, checkedOut }: Resolving, text: Promise<string>): Promise<void> {
  const path = resolve(run.io.cwd, name);
  const bytes = encodeText(withEndsLike(await text, checkedOut));
  await alone(path, run.io, () => replaceFile(path, bytes, { expected: fingerprint }));
}

async function finished({ name, said, run }: Resolving): Promise<number> {
  const kept = describeKept(said.conflicts);
  if (kept !== undefined) {
    await note(
      run.io,
      `${name}: ${kept}`,
      "  tsops updatekeys gives it those of its creation rule; tsops rotate --add-age and the like adds a recipient",
    );
  }
  const file = relative(run.io.cwd, resolve(run.io.cwd, name));
  await note(run.io, `${name} is resolved: git add ${shellQuoted(printable(file))}`);
  return 0;
}
