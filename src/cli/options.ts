import type { Options } from "yargs";
import { KINDS, type Kind } from "../keys/table.ts";

/** An option as yargs takes it; its type says what it gives. */
export type FlagOption = Options & { readonly type: "boolean" };
export type NumberOption = Options & { readonly type: "number" };
export type TextOption = Options & { readonly type: "string" };
export type TextsOption = TextOption & { readonly array: true };
export type PresetOption = TextOption & { readonly default: string };

export type OptionTable = Readonly<Record<string, FlagOption | NumberOption | TextOption>>;

export function flag(describe: string, more: Options = {}): FlagOption {
  return { ...more, type: "boolean", describe };
}

export function number(describe?: string, more: Options = {}): NumberOption {
  return { ...more, type: "number", requiresArg: true, describe };
}

export function text(describe: string, more: Options = {}): TextOption {
  return { ...more, type: "string", requiresArg: true, describe };
}

/** May be given several times. */
export function texts(describe: string): TextsOption {
  return { ...text(describe), array: true, nargs: 1 };
}

/** With a value where it is not given. */
export function preset(describe: string, value: string, more: Options = {}): PresetOption {
  return { ...text(describe, more), default: value };
}

/** The same options, left out of help. */
export function hidden<T extends OptionTable>(options: T): T {
  const entries = Object.entries(options).map(([name, option]) => [name, { ...option, hidden: true }]);
  return Object.fromEntries(entries) as T;
}

const GLOBAL_SELECTORS = {
  "unencrypted-comment-regex": text("leave values plain that are under a matching comment"),
  "encrypted-comment-regex": text("encrypt only values that are under a matching comment"),
  "mac-only-encrypted": flag("let the MAC cover encrypted values only"),
};

/** Options that every command takes, before or after its name. */
export const GLOBAL = {
  config: text("path of the configuration file; the search for .sops.yaml or .sopsrc is skipped"),
  indent: number("how many spaces to indent each level by, where YAML or JSON is printed"),
  verbose: flag("say more about what is done"),
  "no-color": flag("no colours, also on a terminal; NO_COLOR in the environment does the same"),
  "decryption-order": text("kinds of master keys in the order in which they are tried, e.g. age,pgp"),
  "enable-local-keyservice": flag("use master keys from this process itself", { defaultDescription: "true" }),
  "no-agent": flag("do without `tsops agent`, even if it runs; TSOPS_AGENT=off does the same"),
  keyservice: texts("a key service to ask as well: unix:///path, tcp://host:port or tls://host:port"),
  ...hidden(GLOBAL_SELECTORS),
  "require-seal": flag(
    "refuse files that have no seal (also TSOPS_REQUIRE_SEAL, and require_seal in .sopsrc)",
  ),
  "disable-version-check": flag("accepted for SOPS's sake: tsops never looks for new versions"),
};

/** These, too; help says so in its own words. */
export const HELP = {
  help: flag("say what a command does", { alias: "h" }),
  version: flag("say which release this is", { alias: "v" }),
};

export const TYPES = {
  "input-type": text("format of the input: yaml, json, dotenv, ini, binary, toml or json5"),
  "output-type": text("format of the output"),
  "filename-override": text("use this name to find the format and the creation rule"),
};

export const OUTPUT = {
  "in-place": flag("write back to the same file", { alias: "i" }),
  output: text("write to this file; with several inputs, to this folder"),
};

/** The options for keys of one kind: those of the kinds that SOPS has. */
export type KeyOption = Extract<Kind, { sops: unknown }>["sops"]["option"];

/** For keys that are used with a profile and a context. */
const PROFILE = {
  "aws-profile": text("the AWS profile to use with the KMS keys"),
  "encryption-context": text("AWS KMS encryption context: key:value pairs, separated by commas"),
};

const BY_KIND = KINDS.flatMap(({ sops, withProfile }) => {
  if (!sops) return [];
  const { option, listed, alias } = sops;
  const own = [option, text(`${listed}, separated by commas`, alias ? { alias } : {})] as const;
  return [own, ...(withProfile ? Object.entries(PROFILE) : [])];
});

/** Which master keys encrypt. */
export const KEYS = {
  ...(Object.fromEntries(BY_KIND) as Record<KeyOption | keyof typeof PROFILE, TextOption>),
  key: texts(
    "a master key by its URI, of any kind (see `tsops config --help`), or by its name in the configuration, as is a group of keys; may be given several times",
  ),
};

/** Which values are encrypted. The last three are global in SOPS, and may stand with any command. */
export const SELECTORS = {
  "unencrypted-suffix": text("leave values plain whose key ends with this"),
  "encrypted-suffix": text("encrypt only values whose key ends with this"),
  "unencrypted-regex": text("leave values plain whose key matches"),
  "encrypted-regex": text("encrypt only values whose key matches"),
  ...GLOBAL_SELECTORS,
};

export const THRESHOLD = {
  "shamir-secret-sharing-threshold": number("how many key groups are needed to decrypt"),
};

/** SOPS's `set` and `unset` take it as well, and do nothing with it. */
export const NO_THRESHOLD = {
  "shamir-secret-sharing-threshold": number(undefined, { hidden: true }),
};

/** Options to add and remove one kind's keys: `--add-age`, `--rm-age`, … */
export const ADD_REMOVE = {
  ...(Object.fromEntries(
    KINDS.flatMap(({ sops }) => sops ?? []).flatMap(({ option, listed }) => [
      [`add-${option}`, text(`${listed} to add`)],
      [`rm-${option}`, text(`${listed} to remove`)],
    ]),
  ) as Record<`${"add" | "rm"}-${KeyOption}`, TextOption>),
  "add-key": texts("a master key to add, by its URI or its name in the configuration"),
  "rm-key": texts("a master key to remove, by its URI or its name in the configuration"),
};

export const IGNORE_MAC = {
  "ignore-mac": flag("do not check MAC and seal: a changed file is decrypted anyway"),
};

export const YES = { yes: flag("answer every question with yes", { alias: "y" }) };

/** For commands that bring files in line with their creation rule. */
export const UPDATE_SELECTOR = {
  "update-selector": flag(
    "give the files the selector of their creation rule, too; never leaves a secret plain",
  ),
};

/** For commands that bring files in line: what would be done. */
export const LOOK_ONLY = {
  check: flag(
    "only say which files are not as their creation rule has them; exit 1 if there are any; needs no key",
  ),
  "dry-run": flag("show the changes, and write nothing; needs no key"),
};

export const BATCH = {
  "dry-run": flag("say what would be done, and write nothing"),
};

/** For commands that go over files. */
export const IGNORE = {
  "no-ignore": flag("take what git ignores in folders and patterns, too, and repositories among the files"),
};

/** For commands that go over files. */
export const JOBS = {
  jobs: number("how many files are worked on side by side, 1 to 256 (also TSOPS_JOBS; default 16)"),
};

/** For scripts; the shapes are in docs/json.md. */
export const JSON_OUTPUT = {
  json: flag("print the result as JSON, one line on standard output"),
};

/** For commands that show differences. */
export const REVEAL = {
  reveal: flag("show encrypted values, too; without it only that they changed"),
};

export const ALLOW_ENV = {
  "allow-env": texts(
    "pass on these variables, which decide what programs run, though no seal vouches for them",
  ),
};

export const VALUE = {
  "value-file": flag("the value is the name of a file that holds it"),
  "value-stdin": flag("read the value from standard input"),
  raw: flag(
    "the value is a text as it is, not JSON; one line break at the end of a file or pipe is taken off",
  ),
  idempotent: flag("do nothing if it would change nothing"),
};

export const DOCUMENT = {
  document: number("which document of a YAML file, counted from 0 (default: the first)"),
};

/** For the editor in the terminal. */
export const ON_SCREEN = {
  tui: flag(
    "edit in the terminal with tsops itself, also where EDITOR names an editor (also TSOPS_EDITOR=tui)",
  ),
  linear: flag("edit with tsops itself in lines, as screen readers need it (also TSOPS_EDITOR=linear)"),
  "no-reveal": flag("with the editor of tsops: never show a value in clear, as for a screen that others see"),
};

export const SHOW_KEYS = {
  "show-master-keys": flag("show the metadata with the master keys in the editor", { alias: "s" }),
};
