import { realpathSync } from "node:fs";
import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { destinationFor } from "../config/match.ts";
import type { Destination } from "../config/model.ts";
import type { Session } from "../document.ts";
import { inFile, TsopsError } from "../errors.ts";
import { explore } from "../files/discover.ts";
import { readError } from "../files/errors.ts";
import { checkName, publishedName } from "../publish/name.ts";
import { openTarget } from "../publish/open.ts";
import type { Target } from "../publish/target.ts";
import type { Args } from "./args.ts";
import { isEncrypted } from "./commands/decrypt.ts";
import { notePassedOver } from "./found.ts";
import type { Io } from "./io.ts";
import { rememberPlace } from "./place.ts";
import { whoReads } from "./protected.ts";
import { note } from "./report.ts";
import { loadSettings, type Settings } from "./settings.ts";

/** Where one file goes. */
export interface Plan {
  /** As it was typed or found. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly settings: Settings;
  readonly destination: Destination;
  readonly target: Target;
  /** Its name there. */
  readonly name: string;
  readonly address: string;
}

/** A file with its plan, or why there is none. */
export interface Planned {
  readonly file: string;
  readonly plan?: Plan;
  readonly error?: unknown;
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
export async function planFiles(args: Args, io: Io, session: Session): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const source of await sources(args, io)) {
    try {
      const plan = await planFor(source, args, io, session);
      if (plan) planned.push({ file: source.file, plan });
    } catch (error) {
      planned.push({ file: source.file, error: inFile(error, source.file) });
    }
  }
  return refuseCollisions(planned);
}

async function sources(args: Args, io: Io): Promise<Source[]> {
  const recursive = args.flag("recursive");
  const all: Source[] = [];
  const seen = new Set<string>();
  for (const given of args.list("files")) {
    const info = await stat(resolve(io.cwd, given)).catch(() => undefined);
    if (info?.isDirectory() && !recursive) {
      throw new TsopsError("usage", "can't operate on a directory without --recursive flag", {
        place: { file: given },
        hint: "with --recursive, every encrypted file below it is published under its path there",
      });
    }
    const start = info ? given : fixedPart(given);
    const root = recursive && (info === undefined || info.isDirectory()) ? resolve(io.cwd, start) : undefined;
    const { files, passedOver } = await explore([given], { cwd: io.cwd });
    await notePassedOver(passedOver, io);
    for (const { name: file, named } of files) {
      if (!named && (await whoReads(file, args, io)) !== undefined) continue;
      const path = resolve(io.cwd, file);
      if (!named) rememberPlace(file, io);
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

async function planFor(
  { file, root, found }: Source,
  args: Args,
  io: Io,
  session: Session,
): Promise<Plan | undefined> {
  const path = resolve(io.cwd, file);
  // as in SOPS, this comes before everything else
  await stat(path).catch((error) => {
    throw readError(error, file);
  });
  const settings = await loadSettings(path, args, io);
  const { config } = settings;
  if (!config) {
    throw new TsopsError("config", "config file not found", {
      hint: "publish takes destinations from .sopsrc, or destination_rules from .sops.yaml",
    });
  }
  if (settings.by === "folder of the file") throw notTrusted(config.path);
  // what was published into a folder is not published again from there
  const folders = config.destinations.flatMap(({ folder }) => folder ?? []);
  if (found && folders.some((folder) => isInside(folder, path))) return undefined;
  if (found && !(await isEncrypted(file, args, io))) {
    await noteLeftOut(file, settings, io);
    return undefined;
  }
  const destination = await destinationFor(config, path, file);
  const target = await openTarget(destination, session.context);
  const omit = args.flag("omit-extensions") || destination.omitExtensions;
  const name = publishedName(path, root, omit);
  const address = target.addressOf(name);
  const { s3, gcs, azure } = destination;
  checkName(`${(s3 ?? gcs ?? azure)?.prefix ?? ""}${name}`, path);
  return { file, path, settings, destination, target, name, address };
}

/** Who hands over a file may hand over its folder, too: such a configuration would say who gets its values. */
function notTrusted(config: string): TsopsError {
  return new TsopsError(
    "not-allowed",
    "its only configuration is in its own folder, which is not trusted to say where secrets go",
    {
      place: { file: config },
      hint: "change to that folder, or name the file with --config, if you know it",
    },
  );
}

/** A plain file that a destination is meant for was perhaps forgotten. */
async function noteLeftOut(file: string, { config, file: path }: Settings, io: Io): Promise<void> {
  const destination = config && (await destinationFor(config, path, file).catch(() => undefined));
  if (destination?.pattern) await note(io, `${file} is not encrypted, so it is not published`);
}

function refuseCollisions(planned: readonly Planned[]): Planned[] {
  const first = new Map<string, string>();
  const taken = new Set<string>();
  for (const { plan } of planned) {
    if (!plan) continue;
    if (first.has(plan.address)) taken.add(plan.address);
    else first.set(plan.address, plan.file);
  }
  const own = new Set(planned.flatMap(({ plan }) => (plan ? real(plan.path) : [])));
  return planned.map((item) => {
    const { plan } = item;
    if (plan && taken.has(plan.address)) return { file: item.file, error: collision(plan) };
    if (plan?.destination.folder !== undefined && own.has(real(plan.address))) {
      return { file: item.file, error: ontoItself(plan) };
    }
    return item;
  });
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function collision({ file, address }: Plan): TsopsError {
  return new TsopsError("config", `another of these files would go to the same place, ${address}`, {
    place: { file },
    hint: "nothing was sent there: use --recursive, which keeps folders in the names, or rename one of them",
  });
}

function ontoItself({ file, address }: Plan): TsopsError {
  return new TsopsError("config", `it would overwrite a file that is itself to be published, ${address}`, {
    place: { file },
    hint: "give the destination a folder of its own",
  });
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && resolve(folder, way) === path;
}
