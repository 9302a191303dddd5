import { resolve } from "node:path";
import { masterKeys, ruleGroups } from "../config/groups.ts";
import { creationRule } from "../config/match.ts";
import type { Config, Rule } from "../config/model.ts";
import { compile } from "../config/pattern.ts";
import { chooseSelector } from "../config/selectors.ts";
import type { NewFile, Recipients } from "../document.ts";
import { changed, TsopsError } from "../errors.ts";
import type { FormatName } from "../formats/format.ts";
import { parseEncryptionContext } from "../keys/aws/kind.ts";
import type { KeyKind, MasterKey } from "../keys/kind.ts";
import { kindNamed, sopsKinds } from "../keys/table.ts";
import { keysOfUri, parseUri } from "../keys/uri.ts";
import { nearest } from "../nearest.ts";
import { DEFAULT_SELECTOR, SELECTOR_KINDS, type Selector } from "../sops/selection.ts";
import type { Args } from "./args.ts";
import type { Run } from "./command.ts";
import type { Io } from "./io.ts";
import type { KeyOption, SELECTORS } from "./options.ts";
import { note } from "./report.ts";
import { isOnlyBeside, loadSettings, ruleFor, type Settings } from "./settings.ts";

/**
 * The kinds that have options and variables, in the order in which SOPS puts their keys together
 * (docs/internals/sops.md §7).
 */
const OPTION_KINDS = sopsKinds("option");

/** Before the name of a key option. */
type Prefix = "" | "add-" | "rm-";

/** What an option for keys of one kind says, of whatever kind. */
function keyList(args: Args, prefix: Prefix, option: string): string | undefined {
  return args[`${prefix}${option as KeyOption}`];
}

interface KeysFrom {
  readonly prefix?: Prefix;
  /** For keys that variables name. */
  readonly env?: Io["env"];
  /** The one whose names of keys and groups count. */
  readonly config?: Config;
}

/** Keys from options, and from variables where `env` is given; last those of `--key`. */
export function keysFrom(args: Args, { prefix = "", env = {}, config }: KeysFrom = {}): MasterKey[] {
  const byUri = (args[`${prefix}key`] ?? []).flatMap((word) => keysOfWord(word, args, config));
  try {
    return [...byKind(args, prefix, env), ...byUri];
  } catch (error) {
    throw nameElsewhere(error, args, prefix, config) ?? error;
  }
}

/**
 * Those that the command line or a variable identifies itself: what a configuration calls by a name is its own affair.
 */
export function keysIdentified(args: Args, { prefix = "", env = {} }: KeysFrom): MasterKey[] {
  const uris = (args[`${prefix}key`] ?? []).filter((word) => parseUri(word) !== undefined);
  return [...byKind(args, prefix, env), ...uris.flatMap((uri) => masterKeysOfUri(uri, args))];
}

/** The keys of a URI, or what the configuration calls by that name: a key, or a group of them. */
function keysOfWord(word: string, args: Args, config: Config | undefined): MasterKey[] {
  if (parseUri(word) || !NAME.test(word)) return masterKeysOfUri(word, args);
  const named = config?.names.find(({ name }) => name === word);
  const refs = named ? [named.key] : config?.groups.get(word);
  if (refs) return refs.flatMap(masterKeys);
  throw unknownName(word, config);
}

/** Longer words, and those of other characters, are not shown: somebody may have put a secret there. */
const NAME = /^(?!age-secret|age-plugin)[\p{L}\p{N}_@. -]{1,40}$/iu;

/** `--rm-age bob`: names go with `--rm-key`. */
function nameElsewhere(
  error: unknown,
  args: Args,
  prefix: Prefix,
  config: Config | undefined,
): TsopsError | undefined {
  const word = OPTION_KINDS.map(({ sops }) => keyList(args, prefix, sops.option)).find((text) => {
    return (
      text !== undefined && (config?.groups.has(text) || config?.names.some(({ name }) => name === text))
    );
  });
  if (word === undefined || !(error instanceof TsopsError)) return undefined;
  return changed(error, { hint: `names of the configuration go with --${prefix}key ${word}` });
}

const MAX_NAMES = 10;

function unknownName(word: string, config: Config | undefined): TsopsError {
  const known = [
    ...new Set([...(config?.names.map(({ name }) => name) ?? []), ...(config?.groups.keys() ?? [])]),
  ];
  const meant = nearest(word, known);
  const names = known.slice(0, MAX_NAMES).join(", ") + (known.length > MAX_NAMES ? ", …" : "");
  const others = known.length > 0 ? `there are: ${names}; or ` : "";
  const next = meant === undefined ? others : `did you mean ${meant}? Or `;
  const hint = `${next}give its URI: age:age1…, pgp:FINGERPRINT, awskms://arn:…`;
  const where = config ? `${config.path} has no key or group "${word}"` : `"${word}" is not the URI of a key`;
  return new TsopsError("usage", where, { hint });
}

/** The keys that the person's variables name. */
export function keysOfEnvironment(env: Io["env"]): MasterKey[] {
  return OPTION_KINDS.flatMap((kind) => kind.parse(env[kind.sops.variable] ?? ""));
}

/** The keys of `--key`, to which the options for AWS KMS apply as to `--kms`. */
function masterKeysOfUri(uri: string, args: Args): MasterKey[] {
  const ref = parseUri(uri);
  return ref ? parsed(kindNamed(ref.kind), ref.id, args) : keysOfUri(uri);
}

function byKind(args: Args, prefix: Prefix, env: Io["env"]): MasterKey[] {
  return OPTION_KINDS.flatMap((kind) => {
    const { option, variable } = kind.sops;
    const list = keyList(args, prefix, option) ?? env[variable] ?? "";
    return list === "" ? [] : parsed(kind, list, args);
  });
}

function parsed(kind: KeyKind, list: string, args: Args): MasterKey[] {
  if (!kind.withProfile) return kind.parse(list);
  const context = parseEncryptionContext(args["encryption-context"] ?? "");
  return kind.parse(list, { context, awsProfile: args["aws-profile"] });
}

type SelectorOption = Exclude<keyof typeof SELECTORS, "mac-only-encrypted">;

export interface Creation extends NewFile {
  /** What the rule says that the file is. */
  readonly format?: FormatName;
  /** The rule, where its recipients are those of the file and its files share a data key. */
  readonly sharing?: Rule;
}

/**
 * What the configuration says for a new file. One that only lies beside the file has no say where the person names
 * keys: SOPS would not find it, and whoever hands over a file may hand over its folder, too.
 * @throws TsopsError("config") if there is one that counts and it is broken.
 */
export async function settingsForNew(name: string, run: Run): Promise<Settings> {
  const file = resolve(run.io.cwd, name);
  const named = keysIdentified(run.args, { env: run.io.env }).length > 0;
  return named && (await isOnlyBeside(run)) ? { file, config: undefined } : await loadSettings(file, run);
}

/**
 * Keys and selectors for a new file: options and variables first, then the creation rule, option by option.
 * @throws TsopsError("config") if there are rules and none matches, or if nothing names a key.
 */
export async function creationFor({ config, file }: Settings, run: Run): Promise<Creation> {
  const rule = config && (await creationRule(config, file));
  const keys = keysFrom(run.args, { env: run.io.env, config });
  if (keys.length === 0 && !rule) {
    throw new TsopsError(
      "config",
      "config file not found, or has no creation rules, and no keys provided through command line options",
      { hint: "name a key (--age age1…), or run `tsops init` to make a .sopsrc for this folder" },
    );
  }
  const flags = Object.fromEntries(
    SELECTOR_KINDS.map((kind) => [kind, run.args[kind.replaceAll("_", "-") as SelectorOption]] as const),
  );
  const selector = chooseSelector(rule, flags) ?? DEFAULT_SELECTOR;
  await warnOfExpression(selector, run.io);
  return {
    groups: keys.length > 0 || !rule ? [keys] : ruleGroups(rule),
    threshold: run.args["shamir-secret-sharing-threshold"] || (rule?.threshold ?? 0),
    selector,
    macOnlyEncrypted: run.args["mac-only-encrypted"] || rule?.macOnlyEncrypted,
    seal: config?.seal ?? true,
    format: rule?.format,
    sharing: keys.length === 0 && rule?.shareDataKey ? rule : undefined,
  };
}

/**
 * An invalid expression never matches, as in SOPS (docs/internals/sops.md §3): without a word, secrets would stay
 * plain.
 */
async function warnOfExpression({ kind, value }: Selector, io: Io): Promise<void> {
  if (!kind.endsWith("_regex")) return;
  const compiled = await compile(value);
  if (!("why" in compiled)) return;
  const all = kind.startsWith("encrypted") ? "no value is encrypted" : "every value is encrypted";
  await note(io, `warning: ${kind} is not a valid regular expression (${compiled.why}): ${all}`);
}

/** The recipients that the creation rule gives a file. @throws TsopsError("config") if there is no rule for it. */
export async function ruleRecipients(settings: Settings): Promise<Recipients> {
  const { config, file } = settings;
  if (!config) {
    throw new TsopsError("config", "config file not found", {
      hint: "updatekeys takes the keys from the creation rule in .sops.yaml or .sopsrc",
    });
  }
  const rule = await creationRule(config, file);
  if (!rule) {
    throw new TsopsError("config", "the configuration has no creation rules", {
      place: { file: config.path },
    });
  }
  return { groups: ruleGroups(rule), threshold: rule.threshold };
}

/** Whether a creation rule is for a file. */
export async function ruleMatches(name: string, run: Run): Promise<boolean> {
  return (await ruleFor(await loadSettings(resolve(run.io.cwd, name), run))) !== undefined;
}
