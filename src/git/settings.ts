import type { Setting } from "./drivers.ts";
import { type Git, runGit } from "./program.ts";
import { gitFailed, partsOf } from "./repository.ts";

/** A value in one of git's configuration files. */
export interface Configured {
  /** As git says it: local, global, system, worktree; what tsops itself sets for git is left out. */
  readonly scope: string;
  /** With section and name in lower case. */
  readonly key: string;
  readonly value: string;
}

/** All that git's configuration says here, the value that counts last. */
export async function readSettings(git: Git): Promise<Configured[]> {
  const { code, stdout, stderr } = await runGit(git, ["config", "--list", "--show-scope", "-z"]);
  if (code !== 0) throw gitFailed("git cannot read its configuration", stderr);
  const parts = partsOf(stdout);
  const found: Configured[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [key = "", ...value] = parts[i + 1]!.split("\n");
    if (parts[i] !== "command") found.push({ scope: parts[i]!, key, value: value.join("\n") });
  }
  return found;
}

export function valuesOf(settings: readonly Configured[], key: string, scope?: Scope): string[] {
  return settings
    .filter((one) => one.key === key && (scope === undefined || one.scope === scope))
    .map(({ value }) => value);
}

/** The configuration of the repository, which all its work trees share, or that of the person. */
export type Scope = "local" | "global";

/** Gives a key just these values, or none. @throws TsopsError("git") */
export async function writeSetting(
  git: Git,
  scope: Scope,
  { key, values }: Pick<Setting, "key" | "values">,
): Promise<void> {
  const [first, ...more] = values;
  const set = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await runGit(git, ["config", `--${scope}`, ...args]);
    // 5: there was nothing to take away
    if (code !== 0 && !(args[0] === "--unset-all" && code === 5))
      throw gitFailed(`git cannot set ${key}`, stderr);
  };
  if (first === undefined) return await set("--unset-all", key);
  await set("--replace-all", key, first);
  for (const value of more) await set("--add", key, value);
}

/** The release of git, as two numbers; zeros if it does not say. */
export function releaseIn(text: string): readonly [number, number] {
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}

export async function releaseOf(git: Git): Promise<readonly [number, number]> {
  const { stdout } = await runGit(git, ["--version"]);
  return releaseIn(stdout.toString());
}

export function isSince(release: readonly [number, number], since: readonly [number, number]): boolean {
  return release[0] > since[0] || (release[0] === since[0] && release[1] >= since[1]);
}
