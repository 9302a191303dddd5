import { resolve } from "node:path";
import { TsopsError } from "../../errors.ts";
import { statOf } from "../../files/stat.ts";
import { nearest } from "../../nearest.ts";
import type { Args } from "../args.ts";
import { COMMANDS } from "../commands.ts";
import type { Io } from "../io.ts";
import { nameOf } from "../parse.ts";
import { note } from "../report.ts";

/**
 * SOPS's old style: `-e`, `-d`, `-r` or `--set` choose what is done to one file, and without them it is edited
 * (SPEC section 7).
 */
export async function legacy(args: Args, io: Io): Promise<number> {
  const files = args.list("files");
  const modes = ["encrypt", "decrypt", "rotate", "set"].filter((mode) => args.flag(mode) || args.text(mode));
  if (files.length === 0 && !(args.flag("encrypt") || args.flag("decrypt"))) {
    throw new TsopsError("no-file", "no file specified", { hint: commandList() });
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
  refuseMistyped(files, io);
  return await (await import("./edit.ts")).edit(args.with({ file: files[0] }), io);
}

/** A word that is no file: most likely a command with a slip, and an editor on a new file of that name helps nobody. */
function refuseMistyped(files: readonly string[], io: Io): void {
  const [word = ""] = files;
  const plain = /^[A-Za-z][\w-]*$/.test(word) && statOf(resolve(io.cwd, word)) === undefined;
  if (files.length === 1 && !plain) return;
  const meant = nearest(word, COMMANDS.map(nameOf));
  const [what, how] = plain
    ? [`there is no command ${word}, and no file of that name`, `tsops edit ${word} makes one`]
    : [
        `${word} is not a command, and only one file can be edited at a time`,
        "see tsops --help for the commands",
      ];
  throw new TsopsError("usage", what, {
    hint: meant === undefined ? how : `did you mean tsops ${meant}? ${how}`,
  });
}

/** The commands with what they do. */
function commandList(): string {
  const width = COMMANDS.reduce((most, command) => Math.max(most, nameOf(command).length), 0);
  const lines = COMMANDS.map((command) => `  ${nameOf(command).padEnd(width)}  ${command.summary}`);
  return `tsops COMMAND FILE…\n${lines.join("\n")}\ntsops COMMAND --help says more`;
}

/** `--set '["key"] JSON' FILE`: path and value are separated by the first `] `. */
async function legacySet(args: Args, io: Io): Promise<number> {
  const text = args.text("set")!;
  const end = text.indexOf("] ");
  if (end < 0) {
    throw new TsopsError("invalid-set-value", "--set needs a path and a value", {
      hint: `write it as --set '["key"] "value"', with a space after the path`,
    });
  }
  const { set } = await import("./set.ts");
  const [index, value] = [text.slice(0, end + 1), text.slice(end + 2)];
  return await set(args.with({ file: args.list("files")[0], index, value }), io);
}
