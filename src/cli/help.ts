import type { Argv } from "yargs";
import { type Command, nameOf, type Table } from "./command.ts";
import { GLOBAL } from "./options.ts";
import { yargs } from "./sdk.ts";

/** The help of the program, or of the command that `words` name, as wide as the terminal. */
export async function helpText(
  { commands, legacy }: Table,
  words: readonly string[],
  columns: number | undefined,
): Promise<string> {
  const own = commandOf(words, commands)?.options ?? {};
  // an option that is hidden among those of every command is shown where a command has it as its own
  const everywhere = Object.fromEntries(Object.entries(GLOBAL).filter(([name]) => !Object.hasOwn(own, name)));
  const parser = yargs([])
    .scriptName("tsops")
    .usage("tsops keeps secrets in git: it encrypts the values inside files, and leaves the rest as it is.")
    .detectLocale(false)
    .exitProcess(false)
    .options(everywhere)
    .updateStrings({ "Options:": "Options of every command:" })
    .help()
    .alias("h", "help")
    .version("version")
    .alias("v", "version")
    .wrap(Math.min(columns ?? 100, 110))
    .epilogue("`tsops COMMAND --help` says more about a command.");
  const [word, ...others] = words;
  const asked = commands.find((command) => nameOf(command) === word);
  const notes = others.length === 0 ? await asked?.notes?.() : undefined;
  for (const command of [...commands, legacy])
    addCommand(parser, command, command === asked ? notes : undefined);
  return await new Promise((resolve, reject) => {
    parser.parse([...words, "--help"], {}, (error: Error | undefined, _args: unknown, text: string) => {
      if (error) reject(error);
      else resolve(text);
    });
  });
}

function commandOf(words: readonly string[], commands: readonly Command[]): Command | undefined {
  let found: Command | undefined;
  for (const word of words)
    found = (found?.subcommands ?? commands).find((command) => nameOf(command) === word);
  return found;
}

function addCommand(parser: Argv, command: Command, notes?: string): void {
  parser.command(command.usage, command.summary, (inner) => {
    inner.options(command.options);
    inner.group(Object.keys(command.options), "Options of this command:");
    if (notes !== undefined) inner.epilogue(notes);
    for (const [line, what] of command.examples ?? []) inner.example(line, what);
    for (const sub of command.subcommands) addCommand(inner, sub);
    return inner;
  });
}
