import { type Io, withoutColours, write } from "./io.ts";
import { parseArguments } from "./parse.ts";
import { reportError } from "./report.ts";
import { VERSION_TEXT } from "./version.ts";

/**
 * The whole command line: reads the arguments, runs the command, prints what goes wrong.
 * @returns the exit code; nothing here ends the process.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const end = argv.indexOf("--");
  // also for what is wrong with the arguments
  if (argv.slice(0, end < 0 ? undefined : end).some((word) => /^--?no-color$/.test(word))) withoutColours(io);
  try {
    const { command, words, args } = parseArguments(argv);
    if (args.flag("help")) {
      const { helpText } = await import("./help.ts");
      await write(io.stdout, `${await helpText(words, io.stdout.columns)}\n`);
      return 0;
    }
    if (args.flag("version")) {
      await write(io.stdout, `${VERSION_TEXT}\n`);
      return 0;
    }
    const handler = await command.load();
    return await handler(args, io);
  } catch (error) {
    return await reportError(error, io);
  }
}
