import { realpathSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { FoundBy } from "../config/find.ts";
import { destinationFor } from "../config/match.ts";
import type { Config, Destination } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import type { KeyContext } from "../keys/kind.ts";
import { checkName, publishedName } from "./name.ts";
import { openTarget } from "./open.ts";
import type { Target } from "./target.ts";

/** A file to publish. */
export interface Source {
  /** As it was typed or found. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  /** The folder that its name at the destination starts from. */
  readonly root?: string;
  /** Leave its extensions away there. */
  readonly omit: boolean;
}

/** Where one file goes. */
export interface Plan {
  readonly file: string;
  readonly path: string;
  readonly destination: Destination;
  readonly target: Target;
  /** Its name there. */
  readonly name: string;
  readonly address: string;
}

/** A file with its plan, or why there is none. */
export interface Planned<P extends Plan> {
  readonly file: string;
  readonly plan?: P;
  readonly error?: unknown;
}

/** The configuration that says where a file goes. @throws TsopsError("config" | "not-allowed") */
export function destinationsFrom({ config, by }: { config: Config | undefined; by?: FoundBy }): Config {
  if (!config) {
    throw new TsopsError("config", "config file not found", {
      hint: "publish takes destinations from .sopsrc, or destination_rules from .sops.yaml",
    });
  }
  if (by === "folder of the file") throw notTrusted(config.path);
  return config;
}

/** Whether a file is in a folder that others are published into: it is not published again from there. */
export function isPublished({ destinations }: Config, path: string): boolean {
  return destinations.some(({ folder }) => folder !== undefined && isInside(folder, path));
}

export async function planFor(source: Source, config: Config, context: KeyContext): Promise<Plan> {
  const { file, path, root } = source;
  const destination = await destinationFor(config, path, file);
  const target = await openTarget(destination, context);
  const name = publishedName(path, root, source.omit || destination.omitExtensions);
  const address = target.addressOf(name);
  const { s3, gcs, azure } = destination;
  checkName(`${(s3 ?? gcs ?? azure)?.prefix ?? ""}${name}`, path);
  return { file, path, destination, target, name, address };
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

/** Two files that would get one place are both refused. */
export function refuseCollisions<P extends Plan>(planned: readonly Planned<P>[]): Planned<P>[] {
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
