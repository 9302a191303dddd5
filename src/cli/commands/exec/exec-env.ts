import { documentTrees } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { nameWarnings } from "../../../exec/names.ts";
import { runInBackground, run as runProgram } from "../../../exec/run.ts";
import { checkSteering } from "../../../exec/steering.ts";
import { accountVariables } from "../../../exec/user.ts";
import { childEnvironment, variablesOf } from "../../../exec/variables.ts";
import { chosenDocument, noteNulls } from "../../documents.ts";
import { endRun } from "../../ends.ts";
import { missingFileExits, openFile, readInput, warnOfOneText } from "../../files.ts";
import { note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { accountOf, allowedNames, commandOf, ofFile, ownEnvironment } from "./child.ts";
import type { ExecEnvRun } from "./command.ts";

/** `exec-env FILE COMMAND`: SOPS's way to run a shell command with a file's values as variables. */
export async function execEnv(run: ExecEnvRun): Promise<number> {
  const command = commandOf(run.args);
  const name = run.args.file!;
  const { bytes } = await missingFileExits(2, readInput(name, run.io));
  const session = await sessionOf(run);
  const open = await openFile(name, bytes, run, session);
  open.close();
  await warnOfOneText(open, name, run.io);
  const document = documentTrees(open.decrypted)[await chosenDocument(open, name, run)]!;
  const variables = await ofFile(name, () => variablesOf(document));
  const origin = { file: name, decrypted: open.decrypted, nameOf: String, byEntry: true };
  checkSteering(variables, origin, allowedNames(run.args));
  await noteNulls(open, name, run.io);
  const dotenv = open.format.name === "dotenv";
  for (const warning of nameWarnings(variables, dotenv)) await note(run.io, `warning: ${name}: ${warning}`);
  if (dotenv && [...variables.values()].some((value) => value.endsWith("\r"))) {
    await note(
      run.io,
      `warning: ${name}: values end in CR (Windows line ends), as in SOPS; tsops exec takes it off`,
    );
  }
  const account = await accountOf(run.args.user);
  const env = childEnvironment(await ownEnvironment([name], session, run), variables, {
    pristine: run.args.pristine,
    account: account && accountVariables(account),
  });
  const options = { env, ownEnv: run.io.env, cwd: run.io.cwd, account };
  endRun(run.io);
  if (!run.args.background) return await runProgram(command, options);
  if (run.args["same-process"]) {
    throw new TsopsError(
      "conflicting-parameters",
      "--background and --same-process cannot be used together",
      { hint: "use one of them" },
    );
  }
  await runInBackground(command, options);
  return 0;
}
