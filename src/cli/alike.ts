import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";

/** When what went wrong with two files is the same to whoever reads it. */

/** A file that something went wrong with. */
export interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** Failures that say the same. */
export interface Alike {
  readonly failures: readonly Failure[];
  /** Whether their texts are the same to the letter, but for the names of the files. */
  readonly exact: boolean;
}

/**
 * Groups failures by code, place and text, in the order in which they came. The names of the files do not count, nor, unless
 * `exact`, do ids that a server gives to each call. Names of keys do: another key is another error.
 */
export function alike(failures: readonly Failure[], cwd: string, exact: boolean): Alike[] {
  const names = new Set(failures.flatMap(({ name }) => [name, resolve(cwd, name)]));
  const groups = new Map<string, { failures: Failure[]; texts: Set<string> }>();
  for (const failure of failures) {
    const [what, text] = [textOf(failure, names, cwd, exact), textOf(failure, names, cwd, true)];
    const group = groups.get(what) ?? { failures: [], texts: new Set() };
    groups.set(what, group);
    group.failures.push(failure);
    group.texts.add(text);
  }
  return [...groups.values()].map(({ failures: all, texts }) => ({ failures: all, exact: texts.size === 1 }));
}

/** Whether an error is placed in the file that it is about: a configuration, for one, is none of those. */
export function isInOwnFile({ name, error }: Failure, cwd: string): boolean {
  const file = error instanceof TsopsError ? error.place?.file : undefined;
  return file === undefined ? error instanceof TsopsError : resolve(cwd, file) === resolve(cwd, name);
}

/** What an error says, whatever the files of this run are called. */
function textOf(failure: Failure, names: ReadonlySet<string>, cwd: string, exact: boolean): string {
  const { name, error } = failure;
  const code = error instanceof TsopsError ? error.code : (error as NodeJS.ErrnoException | undefined)?.code;
  const { message, hint, place } = (error ?? {}) as Partial<TsopsError>;
  const own = (text = "") => {
    const nameless = withoutNames(withoutSpaced(text, [resolve(cwd, name), name]), names);
    return exact ? nameless : withoutIds(nameless);
  };
  const file = isInOwnFile(failure, cwd) ? NAME : place?.file;
  return JSON.stringify([code, own(message), own(hint), file, place?.line, place?.column]);
}

/** What stands for a name, and for an id: no text has them. */
const [NAME, ID] = ["\0", "\x01"];
/** What ends a name in a sentence. */
const WORD = /[^\s"'`(),;<>]+/g;

/** A name is a word of its own: it may be as short as `a`, which is in most sentences. */
function withoutNames(text: string, names: ReadonlySet<string>): string {
  return text.replace(WORD, (word) => {
    const [, bare = "", end = ""] = /^(.*?)([.:]*)$/s.exec(word)!;
    return names.has(bare) ? NAME + end : word;
  });
}

/** Names that are no single word; such are not short. */
function withoutSpaced(text: string, own: readonly string[]): string {
  return own.reduce(
    (rest, name) => (name.match(WORD)?.[0] === name ? rest : rest.replaceAll(name, NAME)),
    text,
  );
}

/**
 * Takes out what is another in each answer of a server: ids of requests, times, long numbers. What has a structure (ARNs,
 * URLs, paths, `region:id`) names something, and stays.
 */
function withoutIds(text: string): string {
  return text.replace(DURATION, ID).replace(WORD, (word) => {
    const bare = word.replace(/[.:]+$/, "");
    if (TIME.test(bare)) return ID + word.slice(bare.length);
    if (bare.includes("/") || (bare.includes(":") && !/^[\w-]*id:[^:]*$/i.test(bare))) return word;
    return word.replace(/[^:=]+/g, (part) => (isId(part.replace(/\.+$/, "")) ? ID : part));
  });
}

const DURATION = /\b\d+(?:\.\d+)?(?= (?:seconds?|minutes?)\b)/g;
const TIME = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-][\d:]+)?)?$/;
const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/i;
/** Fingerprints and ids of keys, and recipients. */
const OF_KEYS = /^(?:[\dA-F]{40}|[\da-f]{16}|[\dA-F]{16}|age1.*|AAAA.*)$/;

function isId(word: string): boolean {
  if (/^\d{4,}(?:\.\d+)?$/.test(word) || UUID.test(word)) return true;
  if (OF_KEYS.test(word)) return false;
  return word
    .split(/[-_]/)
    .some((part) => part.length >= 8 && /^[a-z\d]*$/i.test(part) && /(?:\d\D*){3}/.test(part));
}
