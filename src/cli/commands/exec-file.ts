import { TsopsError } from "../../errors.ts";
import { runWithFile } from "../../exec/file.ts";
import { accountVariables } from "../../exec/user.ts";
import { childEnvironment } from "../../exec/variables.ts";
import { encodeText } from "../../formats/text.ts";
import type { Args } from "../args.ts";
import { missingFileExits, openFile, outputFormat, readInput } from "../files.ts";
import type { Io } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";
import { documentTrees } from "./decrypt.ts";
import { ownEnvironment } from "./exec.ts";
import { accountOf, commandOf } from "./exec-env.ts";

/** `exec-file FILE COMMAND`: a shell command with the plaintext in a fifo or file, whose path stands for `{}`. */
export async function execFile(args: Args, io: Io): Promise<number> {
  const command = commandOf(args);
  if (args.flag("background")) {
    throw new TsopsError("usage", "exec-file cannot run a command in the background", {
      hint: "the file is removed when tsops ends: put the & after tsops itself",
    });
  }
  const name = args.text("file")!;
  const { bytes } = await missingFileExits(2, readInput(name, io));
  const session = await makeSession(args, io);
  const open = await openFile(name, bytes, args, io, session);
  open.close();
  const format = await outputFormat(args, name, open.format);
  const text = format === open.format ? open.decrypted.text : format.print(documentTrees(open), {});
  const account = await accountOf(args);
  const own = await ownEnvironment([name], session, args, io);
  return await runWithFile(command, encodeText(text), {
    env: childEnvironment(own, new Map(), { account: account && accountVariables(account) }),
    ownEnv: io.env,
    cwd: io.cwd,
    account,
    filename: args.text("filename"),
    fifo: !args.flag("no-fifo"),
    warn: (message) => note(io, `warning: ${message}`),
  });
}
