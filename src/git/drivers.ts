import { singleQuoted } from "../printable.ts";

/**
 * All that git is told: settings, attributes and hooks. Installing, taking away, `git status` and docs/git.md are made
 * from this.
 */

/** What the drivers are called in settings and attributes. */
export const DRIVER = "tsops";

/** For files that may be encrypted. */
export const ATTRIBUTES = `diff=${DRIVER} merge=${DRIVER}`;

/** For those that the patterns take in, and that never are. */
export const NO_ATTRIBUTES = "!diff !merge";

/** A setting in git's configuration. */
export interface Setting {
  readonly key: string;
  /** A key may have several. */
  readonly values: readonly string[];
  /** What it is for, in a few words. */
  readonly what: string;
  /** Whether a value was written by some release of tsops, so that it may be replaced and taken away. */
  isOurs(value: string): boolean;
}

/** Where to find out how to install tsops. */
const INSTALL = "npm install --global tsops";

/** Skips the guard, where somebody sets it to anything. */
export const SKIP_VARIABLE = "TSOPS_SKIP_GUARD";

/** Hooks that the guard stands in. Rebases and cherry-picks that do not stop run none of them. */
export const HOOKS = ["pre-commit", "pre-merge-commit"] as const;
export type Hook = (typeof HOOKS)[number];

/** How the shell starts tsops: by its name, or by a path. */
export interface Program {
  /** As a word, or words, of the shell. */
  readonly command: string;
  /** A condition of the shell that holds if it is there. */
  readonly isThere: string;
}

/** @param path of the program, where it is not found by its name; with the program that runs it, where it is a script */
export function programOf(path?: readonly string[]): Program {
  if (path === undefined) return { command: "tsops", isThere: "command -v tsops >/dev/null 2>&1" };
  const [first = "", ...others] = path.map(singleQuoted);
  const isThere = [`[ -x ${first} ]`, ...others.map((word) => `[ -e ${word} ]`)].join(" && ");
  return { command: [first, ...others].join(" "), isThere };
}

/**
 * The drivers. The shell of git runs them (`sh -c`, whatever sh is), with the arguments behind them. Without tsops git
 * would stop a diff, and leave a merge's other side out without a mark, so both do what git does by itself then.
 */
export function driverSettings(program: Program): Setting[] {
  return [
    {
      key: `diff.${DRIVER}.textconv`,
      values: [textconvLine(program)],
      what: "git diff, log and show compare plaintexts",
      isOurs: (value) => value.includes("git textconv -- "),
    },
    {
      key: `merge.${DRIVER}.name`,
      values: ["entries of encrypted files (tsops)"],
      what: "what git calls the merge",
      isOurs: (value) => value.includes("(tsops)"),
    },
    {
      key: `merge.${DRIVER}.driver`,
      values: [mergeLine(program)],
      what: "merges of encrypted files, entry by entry",
      isOurs: (value) => value.includes("git merge %O %A %B --path"),
    },
    {
      key: `merge.${DRIVER}.recursive`,
      values: ["binary"],
      what: "merges of several common ancestors",
      isOurs: (value) => value === "binary",
    },
  ];
}

function textconvLine({ command, isThere }: Program): string {
  const missing = "tsops is not found: encrypted files are shown as they are";
  // a driver that fails would stop the whole diff
  return `f() { if ${isThere}; then ${command} git textconv -- "$1" && return; else echo "${missing}" >&2; fi; cat <"$1"; }; f`;
}

function mergeLine(program: Program): string {
  const { command, isThere } = program;
  const labels = "--base-label=%S --ours-label=%X --theirs-label=%Y";
  const own = `${command.replaceAll("%", "%%")} git merge %O %A %B --path=%P --marker-size=%L ${labels}`;
  const missing = `tsops is not found: conflicts are marked in the ciphertext. Install it (${INSTALL}), and: tsops git resolve`;
  // Whoever fails without writing, a program that is not there or one that does not know these options, would leave ours
  // as if it were the result.
  return [
    "h=$(git hash-object --no-filters %A); c=127;",
    `if ${isThere.replaceAll("%", "%%")}; then ${own}; c=$?; else echo "${missing}" >&2; fi;`,
    'if [ $c -ne 0 ] && [ "$(git hash-object --no-filters %A)" = "$h" ]; then',
    "git merge-file --marker-size=%L %A %O %B; c=1; fi;",
    "if [ $c -gt 1 ]; then c=1; fi;",
    "exit $c",
  ].join(" ");
}

/** The guard in a hook of a shell. One that does nothing where tsops is missing would be worse than none. */
export function guardLines({ command, isThere }: Program): string[] {
  return [
    `if [ -z "\${${SKIP_VARIABLE}:-}" ]; then`,
    `  if ${isThere}; then`,
    `    ${command} check --staged || exit 1`,
    "  else",
    `    echo "tsops is not found, so nobody checked for plaintext secrets: nothing is committed." >&2`,
    `    echo "Install it (${INSTALL}), or skip the check this time with ${SKIP_VARIABLE}=1" >&2`,
    "    exit 1",
    "  fi",
    "fi",
  ];
}

/** The first line of a hook that is made for the guard. */
export const HOOK_HEAD = "#!/bin/sh\n";

/** git from this release on runs hooks that its configuration names, beside all others. */
export const CONFIGURED_HOOKS_SINCE: readonly [number, number] = [2, 54];

export function hookSettings({ command, isThere }: Program): Setting[] {
  const [first, second] = [
    "tsops is not found, so nobody checked for plaintext secrets: nothing is committed.",
    `Install it (${INSTALL}), or skip the check this time with ${SKIP_VARIABLE}=1`,
  ];
  const guard = `if ${isThere}; then ${command} check --staged; else echo "${first}" >&2; echo "${second}" >&2; return 1; fi`;
  return [
    {
      key: `hook.${DRIVER}.command`,
      values: [`f() { [ -z "\${${SKIP_VARIABLE}:-}" ] || return 0; ${guard}; }; f`],
      what: "the check before each commit",
      isOurs: (value) => value.includes(SKIP_VARIABLE),
    },
    {
      key: `hook.${DRIVER}.event`,
      values: [...HOOKS],
      what: "when it runs",
      // an empty one takes back those before it
      isOurs: (value) => value === "" || HOOKS.some((hook) => hook === value),
    },
  ];
}
