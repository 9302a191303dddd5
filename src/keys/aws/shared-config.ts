import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/** Settings of a section, by their names in lower case; nested ones are called `kms.endpoint_url`. */
export type Section = ReadonlyMap<string, string>;

/** The files that AWS's tools share: `~/.aws/config` and `~/.aws/credentials`. */
export interface SharedConfig {
  readonly profiles: ReadonlyMap<string, Section>;
  /** `[sso-session NAME]`. */
  readonly sessions: ReadonlyMap<string, Section>;
  /** `[services NAME]`. */
  readonly services: ReadonlyMap<string, Section>;
  /** For messages: where was looked. */
  readonly paths: readonly string[];
}

/** The shared files, read once a run. Files that are not there are empty. @throws TsopsError if one cannot be read. */
export function sharedConfig(context: KeyContext): Promise<SharedConfig> {
  return once(context, "aws shared config", () => load(context));
}

/** The profile that the environment chooses. */
export function environmentProfile({ env }: Pick<KeyContext, "env">): string | undefined {
  return env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || undefined;
}

export function configPaths({ env, home }: Pick<KeyContext, "env" | "home">): {
  config: string;
  credentials: string;
} {
  const path = (given: string | undefined, name: string) => {
    if (given) return given.startsWith("~/") ? join(home, given.slice(2)) : given;
    // a caller without a home has no such files
    return home === "" ? "" : join(home, ".aws", name);
  };
  return {
    config: path(env.AWS_CONFIG_FILE, "config"),
    credentials: path(env.AWS_SHARED_CREDENTIALS_FILE, "credentials"),
  };
}

async function load(context: KeyContext): Promise<SharedConfig> {
  const { config, credentials } = configPaths(context);
  const [configSections, credentialSections] = await Promise.all([config, credentials].map(readSections));
  const profiles = new Map<string, Section>();
  const sessions = new Map<string, Section>();
  const services = new Map<string, Section>();
  for (const [title, section] of configSections!) {
    const [, type, name] = /^(profile|sso-session|services)\s+["']?(.+?)["']?$/.exec(title) ?? [];
    if (name === undefined) {
      if (title === "default") profiles.set("default", section);
    } else if (type === "profile") profiles.set(name, section);
    else if (type === "services") services.set(name, section);
    else sessions.set(name, section);
  }
  // What stands in the credentials file wins, setting by setting.
  for (const [name, section] of credentialSections!) {
    profiles.set(name, new Map([...(profiles.get(name) ?? []), ...section]));
  }
  return { profiles, sessions, services, paths: [config, credentials].filter(Boolean).map(printable) };
}

async function readSections(path: string): Promise<Map<string, Section>> {
  if (path === "") return new Map();
  try {
    return parseSections(await withRoom(() => readFile(path, "utf8")));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return new Map();
    throw new TsopsError("bad-credentials", `${printable(path)} cannot be read: ${code ?? "unknown cause"}`, {
      hint: "AWS's credentials are looked for in it; correct its permissions, or name another file in AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE",
      cause: error,
    });
  }
}

/** The dialect of INI that AWS's SDKs and tools read; lines that mean nothing are passed over, as they do. */
export function parseSections(text: string): Map<string, Section> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let parent: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const content = line.split(/(?:^|\s)[;#]/)[0]!.trim();
    const title = /^\[([^[\]]+)\]$/.exec(content)?.[1]?.trim();
    if (title !== undefined) {
      section = sections.get(title) ?? new Map();
      sections.set(title, section);
      parent = undefined;
      continue;
    }
    const equals = content.indexOf("=");
    if (equals <= 0 || !section) continue;
    const name = content.slice(0, equals).trim().toLowerCase();
    const value = content.slice(equals + 1).trim();
    const nested = /^\s/.test(line) && parent !== undefined;
    if (!nested) parent = value === "" ? name : undefined;
    section.set(nested ? `${parent}.${name}` : name, value);
  }
  return sections;
}
