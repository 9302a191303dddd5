import type { Options } from "yargs";
import parser from "yargs-parser";
import { changed, TsopsError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { doubleDashes, valuesOf } from "./args.ts";
import { type Command, nameOf } from "./command.ts";
import { TABLE } from "./commands.ts";
import { truthOf } from "./io.ts";
import { GLOBAL, HELP, type OptionTable } from "./options.ts";

/** What the arguments ask for. */
export interface Chosen {
  readonly command: Command;
  /** The command's name and its subcommand's; empty for SOPS's old style. */
  readonly words: readonly string[];
  /** The values of its options and positionals, as its description says. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Whether an option is on the command line. */
  given(name: string): boolean;
  /** What is wanted instead of a run of the command. */
  readonly asks?: "help" | "version";
}

/**
 * Finds the command and reads its options, which may stand before the command, between the positionals and after them.
 * yargs's own parser does it; yargs itself, which takes as long to load as node does to start, is only for `--help`.
 * @throws TsopsError("usage") for unknown options, "no-file" for missing arguments.
 */
export function parseArguments(argv: readonly string[]): Chosen {
  const { command, words, rest } = findCommand(doubleDashes(argv, LONG_NAMES));
  try {
    return parseFor(command, words, rest);
  } catch (error) {
    throw failureOf(command, error);
  }
}

/** An error of a command, with the exit code that it has there. */
export function failureOf({ failureExits: exit }: Pick<Command, "failureExits">, error: unknown): unknown {
  const differs = exit !== undefined && error instanceof TsopsError && error.exitCode === 1;
  return differs ? changed(error, { exit }) : error;
}

function parseFor(command: Command, words: readonly string[], rest: readonly string[]): Chosen {
  const options = { ...GLOBAL, ...command.options, ...HELP };
  const { argv: parsed, error } = parser.detailed(withTruths(rest, options), {
    ...parserOptions(options),
    configuration: {
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": true,
      "parse-positional-numbers": false,
      "boolean-negation": false,
      "populate--": true,
      "greedy-arrays": false,
      "unknown-options-as-args": true,
      "strip-aliased": true,
    },
  });
  if (error) throw usage(`${withoutValue(error)} needs a value`);
  const { _: positionals, "--": after = [], ...values } = parsed;
  const before = positionals.map(String);
  const given = (name: string): boolean => values[name] !== undefined;
  const { help, version } = valuesOf(HELP, values);
  if (help || version) return { command, words, args: {}, given, asks: help ? "help" : "version" };
  checkOptions(before, values, options);
  // behind -- stand more positionals, whatever they look like; or the program to run, where there is one
  const apart = command.filesBehind || (command.runsProgram && before.length > 0);
  const named = namePositionals(command, words, apart ? before : [...before, ...after.map(String)]);
  const args = { ...valuesOf(options, values), ...named, "--": apart ? after.map(String) : [] };
  return { command, words, args, given };
}

const LONG_NAMES = new Set<string>();
for (const options of [GLOBAL, HELP]) for (const name of Object.keys(options)) LONG_NAMES.add(name);
const collect = (command: Command): void => {
  for (const name of Object.keys(command.options)) LONG_NAMES.add(name);
  command.subcommands.forEach(collect);
};
[...TABLE.commands, TABLE.legacy].forEach(collect);

/** `--yes=1` and the like as Go reads them: yargs takes all but `true` for no. @throws TsopsError("usage") */
function withTruths(given: readonly string[], options: OptionTable): string[] {
  const flags = Object.entries(options).filter(([, { type }]) => type === "boolean");
  const names = new Set(flags.flatMap(([name, { alias }]) => [name, ...[alias ?? []].flat()]));
  const end = given.indexOf("--");
  return given.map((word, i) => {
    const [, start, name = "", value = ""] = /^(--?([\w-]+)=)(.*)$/s.exec(word) ?? [];
    if (!names.has(name) || (end >= 0 && i > end)) return word;
    return `${start}${truthOf(`--${name}`, value)}`;
  });
}

/** The first word that is neither an option nor an option's value: a command's name, or a file in the old style. */
function findCommand(given: readonly string[]): { command: Command; words: string[]; rest: string[] } {
  const options = { ...GLOBAL, ...TABLE.legacy.options };
  const takesValue = new Set(
    Object.entries(options).flatMap(([name, { type, alias }]) =>
      type === "boolean" ? [] : [`--${name}`, ...(typeof alias === "string" ? [`-${alias}`] : [])],
    ),
  );
  const rest = [...given];
  const take = (commands: readonly Command[], from: number): { found: Command; at: number } | undefined => {
    for (let i = from; i < rest.length && rest[i] !== "--"; i++) {
      const word = rest[i]!;
      if (takesValue.has(word)) i++;
      else if (!word.startsWith("-") || word === "-") {
        const found = commands.find((command) => nameOf(command) === word);
        return found && { found, at: i };
      }
    }
    return undefined;
  };
  // SOPS has the short form, too
  if (rest[0] === "help" || rest[0] === "h") rest.splice(0, 1, "--help");
  const first = take(TABLE.commands, 0);
  if (!first) return { command: TABLE.legacy, words: [], rest };
  rest.splice(first.at, 1);
  const second = take(first.found.subcommands, first.at);
  if (second) rest.splice(second.at, 1);
  const found = second ? [first.found, second.found] : [first.found];
  return { command: found.at(-1)!, words: found.map(nameOf), rest };
}

function parserOptions(options: OptionTable) {
  const names = (type: Options["type"]): string[] =>
    Object.keys(options).filter((name) => options[name]!.type === type);
  const entries = Object.entries(options);
  return {
    string: names("string"),
    boolean: names("boolean"),
    number: names("number"),
    narg: Object.fromEntries(entries.flatMap(([name, { requiresArg }]) => (requiresArg ? [[name, 1]] : []))),
    array: entries.filter(([, option]) => option.array).map(([name]) => name),
    alias: Object.fromEntries(
      entries.flatMap(([name, { alias }]) => (alias ? [[name, [alias].flat()]] : [])),
    ),
  };
}

/**
 * Unknown options end up among the positionals, or, where they begin with the name of a known one, among the values. A
 * number that is none is seen here.
 */
function checkOptions(
  words: readonly string[],
  values: Readonly<Record<string, unknown>>,
  options: OptionTable,
): void {
  const unknown = words.find((word) => word.startsWith("-") && word !== "-" && !/^-[\d.]/.test(word));
  if (unknown !== undefined) throw unknownOption(unknown.split("=", 1)[0]!, options);
  const named = Object.keys(values).find((name) => !Object.hasOwn(options, name));
  if (named !== undefined) throw unknownOption(`--${named}`, options);
  for (const [name, value] of Object.entries(values)) {
    const option = options[name];
    if (option?.type === "number" && !Number.isSafeInteger([value].flat().at(-1))) {
      throw usage(`--${name} needs a whole number`);
    }
  }
}

function unknownOption(name: string, options: OptionTable): TsopsError {
  const word = name.replace(/^-+/, "");
  const known = Object.keys(options);
  // --age-recipients is --age to most people who write it
  const begins = known.filter((option) => word.startsWith(`${option}-`)).sort((a, b) => b.length - a.length);
  const meant = nearest(word, known) ?? begins[0];
  const hint = meant === undefined ? SEE_HELP : `did you mean --${meant}? ${SEE_HELP}`;
  return new TsopsError("usage", `there is no option ${name} here`, { hint });
}

/** Positionals by the names in the command's usage: `<file> [index] [files..]`. */
function namePositionals(
  command: Command,
  path: readonly string[],
  words: readonly string[],
): Record<string, string | string[]> {
  const named: Record<string, string | string[]> = {};
  let next = 0;
  for (const [, open, name, many] of command.usage.matchAll(/([<[])(\w+)(\.\.)?[>\]]/g)) {
    if (many) {
      named[name!] = words.slice(next);
      next = words.length;
    } else if (next < words.length) named[name!] = words[next++]!;
    // it would stand for the working folder, and "$FILE" of a shell that has no FILE is meant for none
    if (/^files?$/.test(name!) && [named[name!]].flat().includes("")) throw emptyName(command);
    if (open === "<" && (named[name!] === undefined || named[name!]!.length === 0)) {
      throw new TsopsError("no-file", `no ${name} specified`.replace("no files", "no file"), {
        hint: `usage: ${["tsops", ...path.slice(0, -1), command.usage].join(" ")}`,
        exit: command.missingFileExits,
      });
    }
  }
  if (next < words.length && command.subcommands.length > 0) throw unknownSubcommand(command, words[next]!);
  if (next < words.length) throw usage("there are too many arguments");
  return named;
}

/** yargs-parser names what lacks a value at the end of its sentence. */
function withoutValue({ message }: Error): string {
  const name = /: ([\w-]+)$/.exec(message)?.[1];
  if (name === undefined) return "an option";
  return name.length > 1 ? `--${name}` : `-${name}`;
}

function unknownSubcommand(command: Command, word: string): TsopsError {
  const known = command.subcommands.map(nameOf);
  const meant = nearest(word, known);
  const which = meant === undefined ? `there are: ${known.join(", ")}` : `did you mean ${meant}?`;
  return new TsopsError("usage", `${nameOf(command)} has no command ${JSON.stringify(word)}`, {
    hint: `${which} See tsops ${nameOf(command)} --help`,
  });
}

function emptyName({ missingFileExits: exit }: Command): TsopsError {
  return new TsopsError("no-file", "the name of a file is empty", {
    hint: 'is a variable of the shell empty ("$FILE")? The working folder is .',
    exit,
  });
}

const SEE_HELP = "see tsops --help, or tsops COMMAND --help";

function usage(message: string): TsopsError {
  return new TsopsError("usage", message, { hint: SEE_HELP });
}
