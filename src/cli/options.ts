import type { Options } from "yargs";
import type { SopsNames } from "../keys/kind.ts";
import { KINDS } from "../keys/table.ts";

type OptionTable = Readonly<Record<string, Options>>;

const text = (describe: string, more: Options = {}): Options => ({
  type: "string",
  requiresArg: true,
  describe,
  ...more,
});
const flag = (describe: string, more: Options = {}): Options => ({ type: "boolean", describe, ...more });

/** Options that every command takes, before or after its name. */
const GLOBAL_SELECTORS: OptionTable = {
  "unencrypted-comment-regex": text("leave values plain that are under a matching comment"),
  "encrypted-comment-regex": text("encrypt only values that are under a matching comment"),
  "mac-only-encrypted": flag("let the MAC cover encrypted values only"),
};

export const GLOBAL: OptionTable = {
  config: text("path of the configuration file; the search for .sops.yaml or .sopsrc is skipped"),
  indent: {
    type: "number",
    requiresArg: true,
    describe: "how many spaces to indent each level by, where YAML or JSON is printed",
  },
  verbose: flag("say more about what is done"),
  "no-color": flag("no colours, also on a terminal; NO_COLOR in the environment does the same"),
  "decryption-order": text("kinds of master keys in the order in which they are tried, e.g. age,pgp"),
  "enable-local-keyservice": flag("use master keys from this process itself", { defaultDescription: "true" }),
  keyservice: text("a key service to ask as well: unix:///path, tcp://host:port or tls://host:port", {
    array: true,
    nargs: 1,
  }),
  ...Object.fromEntries(
    Object.entries(GLOBAL_SELECTORS).map(([name, option]) => [name, { ...option, hidden: true }]),
  ),
  "require-seal": flag(
    "refuse files that have no seal (also TSOPS_REQUIRE_SEAL, and require_seal in .sopsrc)",
  ),
  "disable-version-check": flag("accepted for SOPS's sake: tsops never looks for new versions"),
};

export const TYPES: OptionTable = {
  "input-type": text("format of the input: yaml, json, dotenv, ini, binary, toml or json5"),
  "output-type": text("format of the output"),
  "filename-override": text("use this name to find the format and the creation rule"),
};

export const OUTPUT: OptionTable = {
  "in-place": flag("write back to the same file", { alias: "i" }),
  output: text("write to this file; with several inputs, to this folder"),
};

const URIS: Options = { array: true, nargs: 1 };

function keyOption({ option, listed, alias }: SopsNames): [string, Options] {
  return [option, text(`${listed}, separated by commas`, alias ? { alias } : {})];
}

/** For keys that are used with a profile and a context. */
const PROFILE: [string, Options][] = [
  ["aws-profile", text("the AWS profile to use with the KMS keys")],
  ["encryption-context", text("AWS KMS encryption context: key:value pairs, separated by commas")],
];

/** Which master keys encrypt. */
export const KEYS: OptionTable = {
  ...Object.fromEntries(
    KINDS.flatMap(({ sops, withProfile }) =>
      sops ? [keyOption(sops), ...(withProfile ? PROFILE : [])] : [],
    ),
  ),
  key: text(
    "a master key by its URI, of any kind (see `tsops config --help`), or by its name in the configuration, as is a group of keys; may be given several times",
    URIS,
  ),
};

/** Which values are encrypted. The last three are global in SOPS, and may stand with any command. */
export const SELECTORS: OptionTable = {
  "unencrypted-suffix": text("leave values plain whose key ends with this"),
  "encrypted-suffix": text("encrypt only values whose key ends with this"),
  "unencrypted-regex": text("leave values plain whose key matches"),
  "encrypted-regex": text("encrypt only values whose key matches"),
  ...GLOBAL_SELECTORS,
};

export const THRESHOLD: OptionTable = {
  "shamir-secret-sharing-threshold": {
    type: "number",
    requiresArg: true,
    describe: "how many key groups are needed to decrypt",
  },
};

/** SOPS's `set` and `unset` take it as well, and do nothing with it. */
export const NO_THRESHOLD: OptionTable = {
  "shamir-secret-sharing-threshold": { type: "number", requiresArg: true, hidden: true },
};

/** Options to add and remove one kind's keys: `--add-age`, `--rm-age`, … */
export const ADD_REMOVE: OptionTable = {
  ...Object.fromEntries(
    KINDS.flatMap(({ sops }) => sops ?? []).flatMap(({ option, listed }) => [
      [`add-${option}`, text(`${listed} to add`)],
      [`rm-${option}`, text(`${listed} to remove`)],
    ]),
  ),
  "add-key": text("a master key to add, by its URI or its name in the configuration", URIS),
  "rm-key": text("a master key to remove, by its URI or its name in the configuration", URIS),
};

export const IGNORE_MAC: OptionTable = {
  "ignore-mac": flag("do not check MAC and seal: a changed file is decrypted anyway"),
};

export const YES: OptionTable = { yes: flag("answer every question with yes", { alias: "y" }) };

/** For commands that bring files in line with their creation rule. */
export const UPDATE_SELECTOR: OptionTable = {
  "update-selector": flag(
    "give the files the selector of their creation rule, too; never leaves a secret plain",
  ),
};

/** For commands that bring files in line: what would be done. */
export const LOOK_ONLY: OptionTable = {
  check: flag(
    "only say which files are not as their creation rule has them; exit 1 if there are any; needs no key",
  ),
  "dry-run": flag("show the changes, and write nothing; needs no key"),
};

export const BATCH: OptionTable = {
  "dry-run": flag("say what would be done, and write nothing"),
};

/** For scripts; the shapes are in docs/json.md. */
export const JSON_OUTPUT: OptionTable = {
  json: flag("print the result as JSON, one line on standard output"),
};

export const ALLOW_ENV: OptionTable = {
  "allow-env": text(
    "pass on these variables, which decide what programs run, though no seal vouches for them",
    {
      array: true,
      nargs: 1,
    },
  ),
};

export const VALUE: OptionTable = {
  "value-file": flag("the value is the name of a file that holds it"),
  "value-stdin": flag("read the value from standard input"),
  raw: flag(
    "the value is a text as it is, not JSON; one line break at the end of a file or pipe is taken off",
  ),
  idempotent: flag("do nothing if it would change nothing"),
};

export const DOCUMENT: OptionTable = {
  document: {
    type: "number",
    requiresArg: true,
    describe: "which document of a YAML file, counted from 0 (default: the first)",
  },
};

export const SHOW_KEYS: OptionTable = {
  "show-master-keys": flag("show the metadata with the master keys in the editor", { alias: "s" }),
};

export { flag, text };
