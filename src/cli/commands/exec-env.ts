import { TsopsError } from "../../errors.ts";
import { type Command, run, runInBackground } from "../../exec/run.ts";
import { type Account, accountVariables, findAccount } from "../../exec/user.ts";
import { childEnvironment, variablesOf } from "../../exec/variables.ts";
import type { Args } from "../args.ts";
import { chosenDocument } from "../documents.ts";
import { missingFileExits, openFile, readInput } from "../files.ts";
import type { Io } from "../io.ts";
import { makeSession } from "../session.ts";
import { documentTrees } from "./decrypt.ts";

/** `exec-env FILE COMMAND`: SOPS's way to run a shell command with a file's values as variables. */
export async function execEnv(args: Args, io: Io): Promise<number> {
  const command = commandOf(args);
  const name = args.text("file")!;
  const { bytes } = await missingFileExits(2, readInput(name, io));
  const open = await openFile(name, bytes, args, io, await makeSession(args, io));
  open.close();
  const variables = variablesOf(documentTrees(open)[await chosenDocument(open, name, args, io)]!);
  const account = await accountOf(args);
  const env = childEnvironment(io.env, variables, {
    pristine: args.flag("pristine"),
    account: account && accountVariables(account),
  });
  const options = { env, cwd: io.cwd, account };
  if (!args.flag("background")) return await run(command, options);
  if (args.flag("same-process")) {
    throw new TsopsError(
      "conflicting-parameters",
      "--background and --same-process cannot be used together",
      {
        hint: "use one of them",
      },
    );
  }
  await runInBackground(command, options);
  return 0;
}

/** One string for the shell, as SOPS takes it; several words after `--` are a program without a shell. */
export function commandOf(args: Args): Command {
  const [program, ...rest] = args.list("--");
  if (program !== undefined) return [program, ...rest];
  const command = args.text("command");
  if (command !== undefined) return command;
  throw new TsopsError("generic", "no command to execute", {
    hint: "give it as one argument in quotes, or its words after --",
  });
}

export async function accountOf(args: Args): Promise<Account | undefined> {
  const user = args.text("user");
  return user === undefined ? undefined : await findAccount(user);
}
