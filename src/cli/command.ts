import type { Args, Positionals, Values } from "./args.ts";
import type { Io } from "./io.ts";
import type { GLOBAL, OptionTable } from "./options.ts";

/** What a command takes and what help says of it: all that is known of a command before it runs. */
export interface Description {
  /** yargs's form: name, then positionals. The name alone is the first word. */
  readonly usage: string;
  readonly summary: string;
  readonly options: OptionTable;
  readonly examples?: readonly (readonly [string, string])[];
  /** What stands behind `--` is a program with its arguments, which the command runs. */
  readonly runsProgram?: true;
  /** What stands behind `--` are files, and what stands before it may be something else, as with git. */
  readonly filesBehind?: true;
  /** What stands below its help. */
  readonly notes?: () => Promise<string>;
  /** Exit code where no file is named, if it is not 100 as with most commands of SOPS. */
  readonly missingFileExits?: number;
  /** Exit code of what goes wrong and would exit 1, where that says something else: that something was found. */
  readonly failureExits?: number;
}

export interface Command extends Description {
  /** Gives what does it, and the exit code. The module is loaded only when the command runs. */
  readonly load: () => Promise<(run: Run<never>) => Promise<number>>;
  readonly subcommands: readonly Command[];
}

/** One run of a command. */
export interface Run<A = Args> {
  readonly io: Io;
  readonly args: A;
  /** Whether an option is on the command line: a flag may be there to say no. */
  readonly given: (name: keyof Args) => boolean;
  readonly table: Table;
}

/** A run of the command of this description. */
export type RunOf<D extends Description> = Run<
  Values<typeof GLOBAL> &
    Values<D["options"]> &
    Positionals<D["usage"]> & { readonly "--": readonly string[] }
>;

export interface Table {
  readonly commands: readonly Command[];
  /** SOPS's old style, without a command. */
  readonly legacy: Command;
}

/** A description with what does it. */
export function command<D extends Description>(
  description: D,
  load: () => Promise<(run: RunOf<D>) => Promise<number>>,
  subcommands: readonly Command[] = [],
): Command {
  return { ...description, load, subcommands };
}

export function nameOf({ usage }: Pick<Description, "usage">): string {
  return usage.split(" ", 1)[0]!;
}
