import { TsopsError } from "../../errors.ts";
import type { Args } from "../args.ts";
import type { Io } from "../io.ts";
import { note } from "../report.ts";

/** SOPS's commands that tsops does not have yet: taken for files to edit, they would confuse everybody. */
const LATER = ["publish"];

/**
 * SOPS's old style: `-e`, `-d`, `-r` or `--set` choose what is done to one file, and without them it is edited
 * (SPEC section 7).
 */
export async function legacy(args: Args, io: Io): Promise<number> {
  const files = args.list("files");
  if (LATER.includes(files[0] ?? "")) {
    throw new TsopsError("usage", `${files[0]} is not a part of this version of tsops yet`, {
      hint: `use SOPS for it: it reads tsops's files (a file of that name can be edited as ./${files[0]})`,
    });
  }
  const modes = ["encrypt", "decrypt", "rotate", "set"].filter((mode) => args.flag(mode) || args.text(mode));
  if (files.length === 0 && !(args.flag("encrypt") || args.flag("decrypt"))) {
    throw new TsopsError("no-file", "no file specified", { hint: "tsops COMMAND FILE; see tsops --help" });
  }
  if (modes.length > 1) {
    await note(
      io,
      `warning: ${modes.map((mode) => `--${mode}`).join(" and ")} together: only the last counts`,
    );
  }
  if (args.has("set")) return await legacySet(args, io);
  if (args.flag("rotate")) return await (await import("./rotate.ts")).rotate(args, io);
  if (args.flag("decrypt")) return await (await import("./decrypt.ts")).decrypt(args, io);
  if (args.flag("encrypt")) return await (await import("./encrypt.ts")).encrypt(args, io);
  if (files.length > 1) {
    throw new TsopsError("usage", `${files[0]} is not a command, and only one file can be edited at a time`, {
      hint: "see tsops --help for the commands",
    });
  }
  return await (await import("./edit.ts")).edit(args.with({ file: files[0] }), io);
}

/** `--set '["key"] JSON' FILE`: path and value are separated by the first `] `. */
async function legacySet(args: Args, io: Io): Promise<number> {
  const text = args.text("set")!;
  const end = text.indexOf("] ");
  if (end < 0) {
    throw new TsopsError("invalid-set-value", "--set needs a path and a value", {
      hint: `write it as --set '["key"] "value"', with a blank after the path`,
    });
  }
  const { set } = await import("./set.ts");
  const [index, value] = [text.slice(0, end + 1), text.slice(end + 2)];
  return await set(args.with({ file: args.list("files")[0], index, value }), io);
}
