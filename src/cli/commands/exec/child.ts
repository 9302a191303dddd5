import type { Session } from "../../../document.ts";
import { inFile, TsopsError } from "../../../errors.ts";
import type { Command } from "../../../exec/run.ts";
import { type Account, findAccount } from "../../../exec/user.ts";
import { environmentFor } from "../../../keys/environment.ts";
import { withoutSecrets } from "../../../programs/secret-variables.ts";
import { masterVariables } from "../../allowed.ts";
import type { Run } from "../../command.ts";
import type { ExecEnvRun, ExecFileRun } from "./command.ts";

/** One string for the shell, as SOPS takes it; several words after `--` are a program without a shell. */
export function commandOf(args: (ExecEnvRun | ExecFileRun)["args"]): Command {
  const [program, ...rest] = args["--"];
  if (program !== undefined) return [program, ...rest];
  if (args.command !== undefined) return args.command;
  throw new TsopsError("usage", "no command to execute", {
    hint: "give it as one argument in quotes, or its words after --",
  });
}

export async function accountOf(user: string | undefined): Promise<Account | undefined> {
  return user === undefined ? undefined : await findAccount(user);
}

/** What the command gets of this process's environment: identities and master keys are for tsops. */
export async function ownEnvironment(
  files: readonly string[],
  { context }: Session,
  run: Run,
): Promise<Record<string, string | undefined>> {
  const masters = await masterVariables(run, files);
  return withoutSecrets(await environmentFor(context, "logs in"), "logs in", context.kinds.all, masters);
}

/** What is wrong with a file's variables is said with the file's name: there may be several files. */
export async function ofFile<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw inFile(error, file);
  }
}

/** The names of `--allow-env NAME[,NAME…]`. */
export function allowedNames(args: { readonly "allow-env": readonly string[] }): Set<string> {
  return new Set(args["allow-env"].flatMap((list) => list.split(",").map((name) => name.trim())));
}
