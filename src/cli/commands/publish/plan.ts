import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { destinationFor } from "../../../config/match.ts";
import type { Session } from "../../../document.ts";
import { inFile, TsopsError } from "../../../errors.ts";
import { explore } from "../../../files/discover.ts";
import { readError } from "../../../files/errors.ts";
import {
  destinationsFrom,
  isPublished,
  type Plan,
  type Planned,
  planFor,
  refuseCollisions,
} from "../../../publish/plan.ts";
import { isEncrypted, notePassedOver } from "../../found.ts";
import type { Io } from "../../io.ts";
import { rememberPlace } from "../../place.ts";
import { whoReads } from "../../protected.ts";
import { note } from "../../report.ts";
import { loadSettings, type Settings } from "../../settings.ts";
import type { PublishRun } from "./command.ts";

export interface SettledPlan extends Plan {
  readonly settings: Settings;
}

/** A file to publish, and the folder that its name at the destination starts from. */
interface Source {
  readonly file: string;
  readonly root?: string;
  /** It was not named itself, but found below a folder or by a pattern. */
  readonly found: boolean;
}

/**
 * What goes where, for all files that the arguments name, before anything is sent. Two files that would get one place are
 * both refused.
 * @throws TsopsError("usage") for a folder without `--recursive`, TsopsError("no-such-file").
 */
export async function planFiles(run: PublishRun, session: Session): Promise<Planned<SettledPlan>[]> {
  const planned: Planned<SettledPlan>[] = [];
  for (const source of await sources(run)) {
    try {
      const plan = await settledPlan(source, run, session);
      if (plan) planned.push({ file: source.file, plan });
    } catch (error) {
      planned.push({ file: source.file, error: inFile(error, source.file) });
    }
  }
  return refuseCollisions(planned);
}

async function sources(run: PublishRun): Promise<Source[]> {
  const recursive = run.args.recursive;
  const all: Source[] = [];
  const seen = new Set<string>();
  for (const given of run.args.files) {
    const info = await stat(resolve(run.io.cwd, given)).catch(() => undefined);
    if (info?.isDirectory() && !recursive) {
      throw new TsopsError("usage", "can't operate on a directory without --recursive flag", {
        place: { file: given },
        hint: "with --recursive, every encrypted file below it is published under its path there",
      });
    }
    const start = info ? given : fixedPart(given);
    const root =
      recursive && (info === undefined || info.isDirectory()) ? resolve(run.io.cwd, start) : undefined;
    const { files, passedOver } = await explore([given], { cwd: run.io.cwd });
    await notePassedOver(passedOver, run.io);
    for (const { name: file, named } of files) {
      if (!named && (await whoReads(file, run)) !== undefined) continue;
      const path = resolve(run.io.cwd, file);
      if (!named) rememberPlace(file, run.io);
      if (!seen.has(path)) all.push({ file, root, found: !named });
      seen.add(path);
    }
  }
  return all;
}

/** The folder that a pattern starts from: what stands before its first wildcard. */
function fixedPart(pattern: string): string {
  const parts = pattern.replaceAll("\\", "/").split("/");
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return parts.slice(0, wild).join("/") || (pattern.startsWith("/") ? "/" : ".");
}

async function settledPlan(
  { file, root, found }: Source,
  run: PublishRun,
  session: Session,
): Promise<SettledPlan | undefined> {
  const path = resolve(run.io.cwd, file);
  // as in SOPS, this comes before everything else
  await stat(path).catch((error) => {
    throw readError(error, file);
  });
  const settings = await loadSettings(path, run);
  const config = destinationsFrom(settings);
  if (found && isPublished(config, path)) return undefined;
  if (found && !(await isEncrypted(file, run))) {
    await noteLeftOut(file, settings, run.io);
    return undefined;
  }
  const omit = run.args["omit-extensions"];
  return { ...(await planFor({ file, path, root, omit }, config, session.context)), settings };
}

/** A plain file that a destination is meant for was perhaps forgotten. */
async function noteLeftOut(file: string, { config, file: path }: Settings, io: Io): Promise<void> {
  const destination = config && (await destinationFor(config, path, file).catch(() => undefined));
  if (destination?.pattern) await note(io, `${file} is not encrypted, so it is not published`);
}
