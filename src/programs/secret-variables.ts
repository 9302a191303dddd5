/**
 * Which environment variables hold secrets of a kind of key and of the service that it asks, and which of them the
 * programs that tsops starts do not get (docs/programs.md).
 */
export interface SecretVariables {
  /** What the names of all its variables begin with. */
  readonly prefixes: readonly string[];
  /** Words in the name of an age plugin that belongs to the service: such a plugin may need its credentials. */
  readonly words?: readonly string[];
  /** What opens files by itself, or says how to get it. No program gets them. */
  readonly identities?: readonly string[];
  /** Files with identities. Their names are no secrets, but of no use to an editor either. */
  readonly places?: readonly string[];
  /** What logs in to a service, and is of no use to an editor. */
  readonly credentials?: readonly string[];
}

/** Tokens that CI gives out for the services of all kinds. */
const OF_CI: SecretVariables = {
  prefixes: ["ACTIONS_ID_TOKEN_REQUEST_"],
  credentials: ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
};

/** What a program is for, which says what it needs. */
export type Purpose =
  /** What the person runs with secrets, and what gets identities or tokens for tsops: it may log in to a service. */
  | "logs in"
  /** An editor: it runs plugins, some of which talk to servers. Names of files, profiles and regions stay. */
  | "edits"
  /** gpg: it asks no service. */
  | "gpg"
  /** An age plugin, by its name: it may ask the service that its name speaks of. */
  | { readonly plugin: string };

/** Kinds of keys, as far as programs matter. */
export type KindsWithSecrets = readonly { readonly secrets?: SecretVariables }[];

/** Whether a program for that purpose does not get a variable. */
function isHidden(name: string, purpose: Purpose, kinds: KindsWithSecrets): boolean {
  // Windows does not tell upper case from lower case
  const upper = name.toUpperCase();
  const all = [...kinds.flatMap(({ secrets }) => secrets ?? []), OF_CI];
  return all.some((variables) => isHiddenIn(variables, upper, purpose));
}

function isHiddenIn(variables: SecretVariables, name: string, purpose: Purpose): boolean {
  const { prefixes, words = [], identities = [], places = [], credentials = [] } = variables;
  if (identities.includes(name)) return true;
  if (purpose === "logs in") return false;
  if (purpose === "edits") return places.includes(name) || credentials.includes(name);
  if (purpose !== "gpg" && words.some((word) => purpose.plugin.toLowerCase().includes(word))) return false;
  return prefixes.some((prefix) => name.startsWith(prefix));
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An environment without what a program for that purpose does not get. `more` are variables that hold master keys. */
export function withoutSecrets(
  env: Environment,
  purpose: Purpose,
  kinds: KindsWithSecrets,
  more: Iterable<string> = [],
): Record<string, string | undefined> {
  const masters = new Set([...more].map(same));
  const shown = ([name]: [string, unknown]): boolean =>
    !isHidden(name, purpose, kinds) && !masters.has(same(name));
  return Object.fromEntries(Object.entries(env).filter(shown));
}

const same = (name: string): string => (process.platform === "win32" ? name.toUpperCase() : name);

/** A variable that a file or a person names: not what every object has under names such as `constructor`. */
export function variableNamed(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
