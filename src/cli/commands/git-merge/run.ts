import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { holdsCiphertexts } from "../../../formats/detect.ts";
import { formatOfFile } from "../../../formats/index.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import { type Marking, wholeInMarkers, withMarkers } from "../../../merge/markers.ts";
import { printable, shellQuoted } from "../../../printable.ts";
import { recognize } from "../../../recognize.ts";
import type { Labels } from "../../../sops/conflicts.ts";
import { readInput } from "../../files.ts";
import { mergeTexts, noteConflicts, withinSeconds } from "../../merge.ts";
import { errorLines, note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import type { GitMergeRun } from "./command.ts";

/** Seconds. Somebody who has to touch a key or type a passphrase needs some. */
const TIMEOUT = 60;

type Texts = Readonly<Record<"base" | "ours" | "theirs", string>>;

/**
 * `git merge`: git's merge driver. git takes what stands in OURS afterwards for the result. Where this ends without
 * having written it, git leaves ours there without a word, and `git add` loses theirs: so a text that nobody can take for
 * a result is written first.
 */
export async function gitMerge(run: GitMergeRun): Promise<number> {
  const { args, io } = run;
  const path = args.path ?? args.ours;
  const texts: Texts = {
    base: await textOf(args.base, run),
    ours: await textOf(args.ours, run),
    theirs: await textOf(args.theirs, run),
  };
  const write = (text: string) => writeFileSync(resolve(io.cwd, args.ours), encodeText(text));
  const sides = await sidesOf(texts, path);
  if (Object.values(sides).every((side) => side === "plain" || side === "none"))
    return mergePlaintexts(texts, run, write);
  write(unopened(texts, sides, run));
  try {
    if (sides.ours === "plain") throw oursIsPlain();
    const merged = await withinSeconds(args.timeout ?? TIMEOUT, async (signal) => {
      const session = await sessionOf(run, { signal });
      return await mergeTexts({ texts, path, labels: labelsOf(run) }, run, session);
    });
    write(merged.text);
    if (merged.conflicts.length === 0) return merged.doubtful ? 1 : 0;
    await noteConflicts(path, merged, run);
    return 1;
  } catch (error) {
    await noteUnopened(path, error, run);
    return 1;
  }
}

async function textOf(name: string, run: GitMergeRun): Promise<string> {
  return decodeText((await readInput(name, run.io)).bytes);
}

type Sides = Readonly<Record<keyof Texts, "encrypted" | "damaged" | "plain" | "none">>;

/** What each version is, as far as that can be said without a key. */
async function sidesOf(texts: Texts, path: string): Promise<Sides> {
  const side = async (text: string): Promise<Sides["ours"]> => {
    if (text === "") return "none";
    try {
      await recognize(text, formatOfFile(path));
      return "encrypted";
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      return holdsCiphertexts(text) ? "damaged" : "plain";
    }
  };
  return { base: await side(texts.base), ours: await side(texts.ours), theirs: await side(texts.theirs) };
}

/** Files that the attributes cover and that nobody encrypted: as git merges texts. */
function mergePlaintexts(texts: Texts, run: GitMergeRun, write: (text: string) => void): number {
  const { text, places } = withMarkers(asSides(texts), markingOf(run));
  write(text);
  return places > 0 ? 1 : 0;
}

/**
 * The encrypted texts as a whole in markers, without any plaintext that did not stand there already. Lines that come together
 * by chance have no MAC that holds, and could bring what no MAC covers: a recipient.
 */
function unopened(texts: Texts, sides: Sides, run: GitMergeRun): string {
  const path = run.args.path ?? run.args.ours;
  const seen = (name: "base" | "theirs", stage: number): string => {
    if (sides[name] === "encrypted" || sides[name] === "none") return texts[name];
    return `(this version is ${sides[name]}, and not shown here: git show :${stage}:${path})\n`;
  };
  const shown = asSides({ ours: texts.ours, base: seen("base", 1), theirs: seen("theirs", 3) });
  return wholeInMarkers(shown, markingOf(run));
}

function asSides({ base, ours, theirs }: Texts) {
  return { base: base === "" ? undefined : base, a: ours, b: theirs };
}

function markingOf(run: GitMergeRun): Marking {
  const { "marker-size": size } = run.args;
  return { labels: labelsOf(run), size: size !== undefined && size > 0 ? size : 7, style: "merge" };
}

/** git before 2.44 does not know these, and hands over the two characters themselves. */
function labelsOf({ args }: GitMergeRun): Labels {
  const label = (given: string | undefined) =>
    given === undefined || given === "" || /^%[SXY]$/.test(given) ? undefined : given;
  return {
    base: label(args["base-label"]),
    ours: label(args["ours-label"]),
    theirs: label(args["theirs-label"]),
  };
}

function oursIsPlain(): TsopsError {
  return new TsopsError("no-metadata", "our side is plaintext, and theirs is encrypted", {
    hint: "encrypt ours first, or take theirs: git checkout --theirs FILE",
  });
}

async function noteUnopened(path: string, error: unknown, run: GitMergeRun): Promise<void> {
  if (!(error instanceof TsopsError)) {
    await note(run.io, `${path}: it could not be merged, for an unforeseen reason`);
  } else {
    const [first = "", ...more] = errorLines(error);
    await note(run.io, `${path} could not be merged: ${first.replace(/^tsops: /, "")}`, ...more);
  }
  await note(
    run.io,
    `${path} holds both encrypted sides, in conflict markers`,
    `  where it can be decrypted: tsops git resolve ${shellQuoted(printable(path))}`,
  );
}
