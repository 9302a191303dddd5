import { TABLE } from "./commands.ts";
import { endRun } from "./ends.ts";
import { type Io, withoutColours, write } from "./io.ts";
import { failureOf, parseArguments } from "./parse.ts";
import { exitCodeOf, reportError } from "./report.ts";
import { noteUnknownTypes } from "./types.ts";
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
    const chosen = parseArguments(argv);
    const { command, words, args, given, asks } = chosen;
    if (asks === "help") {
      const { helpText } = await import("./help.ts");
      await write(io.stdout, `${await helpText(TABLE, words, io.stdout.columns)}\n`);
      return 0;
    }
    if (asks === "version") {
      await write(io.stdout, `${VERSION_TEXT}\n`);
      return 0;
    }
    await noteUnknownTypes(chosen, io);
    try {
      const work = await command.load();
      // the parser gives what the command's description says
      return await work({ io, args: args as never, given, table: TABLE });
    } catch (error) {
      throw failureOf(command, error);
    }
  } catch (error) {
    // where that cannot be said, the exit code is all there is
    return await reportError(error, io).catch(() => exitCodeOf(error));
  } finally {
    endRun(io);
  }
}
