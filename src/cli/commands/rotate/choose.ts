import { resolve } from "node:path";
import type { OpenDocument } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import type { Found } from "../../../files/discover.ts";
import { clearLeft } from "../../../files/lock.ts";
import { inSeconds } from "../../../formats/scalar.ts";
import { sameKey } from "../../../keys/difference.ts";
import type { KeyGroup, MasterKey } from "../../../keys/kind.ts";
import { keysFrom } from "../../creation.ts";
import { findFiles, isEncrypted } from "../../found.ts";
import { quotedPath } from "../../io.ts";
import { parseOlderThan } from "../../older.ts";
import { rememberPlace } from "../../place.ts";
import { askNo, interactive } from "../../prompt.ts";
import { note } from "../../report.ts";
import { type EncryptedFile, type Survey, survey } from "../../survey.ts";
import type { RotateRun } from "./command.ts";
import {
  askedBy,
  isRotated,
  marksOf,
  nameFromPlan,
  type PlannedFile,
  planExists,
  plannedName,
  readPlan,
  writePlan,
} from "./plan.ts";
import { Where } from "./where.ts";

/** Which files are rotated. */
export interface Chosen {
  readonly names: readonly string[];
  /** Whether a file that is open now has its new data key already: somebody else was faster. */
  isDone(name: string, open: OpenDocument): boolean;
}

/** With `--where`, `--plan` or `--dry-run` files are chosen first, which needs no key. */
export async function choose(run: RotateRun, now: Date): Promise<Chosen> {
  const { plan } = run.args;
  if (plan !== undefined && planExists(resolve(run.io.cwd, plan))) return await chooseFromPlan(plan, run);
  const { files, failing, total, where } = await select(run, now);
  await note(run.io, `${files.length} of ${total} encrypted ${total === 1 ? "file" : "files"}${where}`);
  if (plan !== undefined) await makePlan(plan, files, run, now);
  return { names: [...files.map(({ file }) => file), ...failing], isDone: () => false };
}

interface Selected {
  readonly files: readonly EncryptedFile[];
  /** What cannot be judged: working on it says why. */
  readonly failing: readonly string[];
  readonly total: number;
  readonly where: string;
}

async function select(run: RotateRun, now: Date): Promise<Selected> {
  const { args } = run;
  if (args.files.length === 0) throw noFile();
  const limit = args["older-than"];
  const where = new Where(args.where, now, limit === undefined ? undefined : parseOlderThan(limit, now));
  const found = await foundBy(run);
  const all = await survey(found, run, "looked at");
  const encrypted = encryptedOf(all);
  const files = encrypted.filter(({ groups, read, settings }) =>
    where.selects({ groups, metadata: read.metadata }, settings),
  );
  where.refuseUnknown(all.files.map(({ settings }) => settings));
  const failing = unjudged(found, all);
  const total = encrypted.length;
  return { files, failing, total, where: where.words === "" ? "" : `: ${where.words}` };
}

export function noFile(): TsopsError {
  return new TsopsError("no-file", "no file specified", { hint: "name the files to rotate" });
}

async function foundBy(run: RotateRun): Promise<Found[]> {
  const writes = run.args["in-place"];
  const wanted = async ({ name, link }: Found) => !(link && writes) || (await isEncrypted(name, run));
  return await findFiles(run.args.files, run, { writes, wanted });
}

function encryptedOf({ files }: Survey): EncryptedFile[] {
  return files.flatMap((file) => (file.state === "encrypted" ? [file] : []));
}

/** Files that were named and are not encrypted, damaged ones, and those that cannot be read. */
function unjudged(found: readonly Found[], { files, failures }: Survey): string[] {
  const states = new Map(files.map(({ file, state }) => [file, state]));
  const failed = new Set(failures.map(({ name }) => name));
  return found
    .filter(({ name, named }) => {
      const state = states.get(name);
      return failed.has(name) || state === "damaged" || (named && state !== "encrypted");
    })
    .map(({ name }) => name);
}

async function makePlan(
  plan: string,
  files: readonly EncryptedFile[],
  run: RotateRun,
  now: Date,
): Promise<void> {
  const path = resolve(run.io.cwd, plan);
  await writePlan(path, {
    made: inSeconds(now),
    asked: askedBy(run),
    files: files.map(({ file, groups, read }) => ({
      file: plannedName(path, file, run.io.cwd),
      marks: marksOf({ groups, reading: read.reading }),
    })),
  });
  await note(run.io, `wrote the plan ${plan}: the same command goes on with what is left of it`);
}

async function chooseFromPlan(plan: string, run: RotateRun): Promise<Chosen> {
  const { io } = run;
  const path = resolve(io.cwd, plan);
  const { made, files } = await readPlan(path, plan, askedBy(run));
  const planned = new Map<string, PlannedFile>(
    files.map((item) => [nameFromPlan(path, item.file, io.cwd), item]),
  );
  const found = [...planned.keys()].map((name): Found => {
    rememberPlace(name, io);
    clearLeft(resolve(io.cwd, name));
    return { name, named: true, link: false };
  });
  const all = await survey(found, run, "looked at");
  const gone = new Map<string, readonly MasterKey[]>();
  const left = encryptedOf(all).filter(({ file, groups, read, settings: { config } }) => {
    gone.set(file, keysFrom(run.args, { prefix: "rm-", config }));
    return !isDone(file, { groups, reading: read.reading });
  });
  function isDone(name: string, now: Parameters<typeof marksOf>[0]): boolean {
    const item = planned.get(name);
    // whatever the plan says, a file is not done while somebody can read it who is to lose it
    return item !== undefined && isRotated(item, now) && !hasOneOf(gone.get(name) ?? [], now.groups);
  }
  const names = new Set([...left.map(({ file }) => file), ...unjudged(found, all)]);
  const done = files.length - names.size;
  await note(
    io,
    `plan ${plan} of ${made}: ${done} of ${files.length} files are rotated, ${names.size} are left`,
  );
  if (names.size === 0) await note(io, `the plan ${plan} is done, and can be removed`);
  return {
    names: [...planned.keys()].filter((name) => names.has(name)),
    isDone: (name, { groups, decrypted }) => isDone(name, { groups, reading: decrypted.reading }),
  };
}

function hasOneOf(keys: readonly MasterKey[], groups: readonly KeyGroup[]): boolean {
  return groups.flat().some((key) => keys.some((other) => sameKey(key, other)));
}

/** More names than this are not shown before a question. */
const SHOWN = 20;

/** Shows what would be done to a person who is there, and asks; elsewhere it goes on, as it does without `--where`. */
export async function agreed(names: readonly string[], { args, io }: RotateRun): Promise<boolean> {
  if (names.length < 2 || args.yes || !interactive(io)) return true;
  const more = names.length - SHOWN;
  await note(
    io,
    "these files get a new data key:",
    ...names.slice(0, SHOWN).map((name) => `  ${quotedPath(name)}`),
    ...(more > 0 ? [`  and ${more} more: --dry-run lists them`] : []),
  );
  if (await askNo(`Rotate ${names.length} files?`, io)) return true;
  await note(io, "nothing was rotated");
  return false;
}
