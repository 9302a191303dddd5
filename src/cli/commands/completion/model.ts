import type { Options } from "yargs";
import { FORMAT_NAMES } from "../../../formats/index.ts";
import { KINDS } from "../../../keys/table.ts";
import { type Command, nameOf } from "../../command.ts";
import { GLOBAL, HELP, type OptionTable } from "../../options.ts";

/** What can be completed, for the scripts of all shells: taken from the table of commands. */

export const SHELLS: readonly string[] = ["bash", "zsh", "fish"];

export interface Completable {
  /** The command's name, and its subcommand's: `groups add`. */
  readonly words: string;
  readonly summary: string;
  readonly options: readonly Option[];
  readonly subcommands: readonly Completable[];
  /** What stands behind the options: files, one of these words, or nothing that can be known. */
  readonly takes: "files" | "nothing" | readonly string[];
  readonly runsProgram: boolean;
}

export interface Option {
  readonly name: string;
  readonly short?: string;
  readonly summary: string;
  readonly value: Value;
}

export type Value =
  | "none"
  | "file"
  | "text"
  /** One of these words, or several with commas between them. */
  | { readonly words: readonly string[]; readonly list: boolean };

const KIND_NAMES = KINDS.map(({ name }) => name).filter((name) => name !== "unknown");

const WORDS: Readonly<Record<string, Value>> = {
  "input-type": { words: FORMAT_NAMES, list: false },
  "output-type": { words: FORMAT_NAMES, list: false },
  "decryption-order": { words: KIND_NAMES, list: true },
  "dotenv-dialect": { words: ["sops", "standard"], list: false },
  network: { words: ["tcp", "unix"], list: false },
};

const FILES: readonly string[] = [
  "config",
  "output",
  "filename-override",
  "update",
  "plan",
  "who-can-read",
  "file",
  "tls-cert",
  "tls-key",
  "tls-client-ca",
];

function kindOfValue(name: string, { type }: Options): Value {
  if (type === "boolean") return "none";
  return WORDS[name] ?? (FILES.includes(name) ? "file" : "text");
}

/** Hidden options are for old scripts, and nobody types them anew. */
function optionsOf(table: OptionTable): Option[] {
  return Object.entries(table)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, option]) => {
      const { alias, describe } = option;
      const short = typeof alias === "string" && alias.length === 1 ? alias : undefined;
      return { name, short, summary: describe ?? "", value: kindOfValue(name, option) };
    });
}

function completable(command: Command, before: readonly string[] = []): Completable {
  const path = [...before, nameOf(command)];
  const { usage, summary, options, subcommands, runsProgram = false } = command;
  return {
    words: path.join(" "),
    summary,
    options: optionsOf({ ...GLOBAL, ...options, ...HELP }),
    subcommands: subcommands.map((sub) => completable(sub, path)),
    takes: takenBy(usage),
    runsProgram,
  };
}

function takenBy(usage: string): Completable["takes"] {
  if (usage.includes("[shell]")) return SHELLS;
  return /file|pattern/.test(usage) ? "files" : "nothing";
}

/** What the scripts are made of. */
export interface Model {
  readonly commands: readonly Completable[];
  /** Commands and subcommands. */
  readonly all: readonly Completable[];
  /** Options that may stand before a command. */
  readonly everywhere: readonly Option[];
  /** All options that take a value, as they are typed; an option means the same with every command. */
  readonly takingValue: ReadonlyMap<string, Value>;
  /** The same by what they take: one entry for all that take the same. */
  readonly byValue: readonly { readonly names: readonly string[]; readonly value: Value }[];
}

export function modelOf(table: readonly Command[]): Model {
  const commands = table.map((command) => completable(command));
  const all = commands.flatMap((item) => [item, ...item.subcommands]);
  const takingValue = new Map(
    all
      .flatMap(({ options }) => options)
      .filter(({ value }) => value !== "none")
      .flatMap((option) => spellings(option).map((text): [string, Value] => [text, option.value])),
  );
  const everywhere = optionsOf({ ...GLOBAL, ...HELP });
  return { commands, all, everywhere, takingValue, byValue: byValue(takingValue) };
}

/** As it is typed: `--age`, `-a`. */
export function spellings({ name, short }: Option): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

function byValue(options: Model["takingValue"]): Model["byValue"] {
  const groups = new Map<string, { names: string[]; value: Value }>();
  for (const [name, value] of options) {
    const same = JSON.stringify(value);
    const group = groups.get(same) ?? { names: [], value };
    group.names.push(name);
    groups.set(same, group);
  }
  return [...groups.values()];
}
