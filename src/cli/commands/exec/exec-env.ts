import { TsopsError } from "../../../errors.ts";
import { nameWarnings } from "../../../exec/names.ts";
import { type Command, run, runInBackground } from "../../../exec/run.ts";
import { checkSteering } from "../../../exec/steering.ts";
import { type Account, accountVariables, findAccount } from "../../../exec/user.ts";
import { childEnvironment, variablesOf } from "../../../exec/variables.ts";
import type { Args } from "../../args.ts";
import { chosenDocument } from "../../documents.ts";
import { missingFileExits, openFile, readInput, warnOfOneText } from "../../files.ts";
import type { Io } from "../../io.ts";
import { note } from "../../report.ts";
import { makeSession } from "../../session.ts";
import { documentTrees, noteNulls } from "../decrypt/run.ts";
import { allowedNames, ownEnvironment } from "./exec.ts";

/** `exec-env FILE COMMAND`: SOPS's way to run a shell command with a file's values as variables. */
export async function execEnv(args: Args, io: Io): Promise<number> {
  const command = commandOf(args);
  const name = args.text("file")!;
  const { bytes } = await missingFileExits(2, readInput(name, io));
  const session = await makeSession(args, io);
  const open = await openFile(name, bytes, args, io, session);
  open.close();
  await warnOfOneText(open, name, io);
  const variables = variablesOf(documentTrees(open)[await chosenDocument(open, name, args, io)]!);
  const origin = { file: name, decrypted: open.decrypted, nameOf: String, byEntry: true };
  checkSteering(variables, origin, allowedNames(args));
  await noteNulls(open, name, io);
  const dotenv = open.format.name === "dotenv";
  for (const warning of nameWarnings(variables, dotenv)) await note(io, `warning: ${name}: ${warning}`);
  if (dotenv && [...variables.values()].some((value) => value.endsWith("\r"))) {
    await note(
      io,
      `warning: ${name}: values end in CR (Windows line ends), as in SOPS; tsops exec takes it off`,
    );
  }
  const account = await accountOf(args);
  const env = childEnvironment(await ownEnvironment([name], session, args, io), variables, {
    pristine: args.flag("pristine"),
    account: account && accountVariables(account),
  });
  const options = { env, ownEnv: io.env, cwd: io.cwd, account };
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
