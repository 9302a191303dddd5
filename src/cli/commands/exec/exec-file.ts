import { documentTrees } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { runWithFile } from "../../../exec/file.ts";
import { accountVariables } from "../../../exec/user.ts";
import { childEnvironment } from "../../../exec/variables.ts";
import { encodeText } from "../../../formats/text.ts";
import { endRun } from "../../ends.ts";
import { missingFileExits, openFile, outputFormat, readInput } from "../../files.ts";
import { mention } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { accountOf, commandOf, ownEnvironment } from "./child.ts";
import type { ExecFileRun } from "./command.ts";

/** `exec-file FILE COMMAND`: a shell command with the plaintext in a fifo or file, whose path stands for `{}`. */
export async function execFile(run: ExecFileRun): Promise<number> {
  const command = commandOf(run.args);
  if (run.args.background) {
    throw new TsopsError("usage", "exec-file cannot run a command in the background", {
      hint: "the file is removed when tsops ends: put the & after tsops itself",
    });
  }
  const name = run.args.file!;
  const { bytes } = await missingFileExits(2, readInput(name, run.io));
  const session = await sessionOf(run);
  const open = await openFile(name, bytes, run, session);
  open.close();
  const format = await outputFormat(run.args, name, open.format);
  const text = format === open.format ? open.decrypted.text : format.print(documentTrees(open.decrypted), {});
  const account = await accountOf(run.args.user);
  const own = await ownEnvironment([name], session, run);
  endRun(run.io);
  return await runWithFile(command, encodeText(text), {
    env: childEnvironment(own, new Map(), { account: account && accountVariables(account) }),
    ownEnv: run.io.env,
    cwd: run.io.cwd,
    account,
    filename: run.args.filename,
    fifo: !run.args["no-fifo"],
    warn: (message) => mention(run.io, `warning: ${message}`),
  });
}
