import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { statOf } from "../../../files/stat.ts";
import { nearest } from "../../../nearest.ts";
import { valuesOf } from "../../args.ts";
import { type Command, nameOf } from "../../command.ts";
import { note } from "../../report.ts";
import { DECRYPT } from "../decrypt/command.ts";
import { ENCRYPT } from "../encrypt/command.ts";
import { ROTATE } from "../rotate/command.ts";
import { SET } from "../set/command.ts";
import type { LegacyRun } from "./command.ts";

/**
 * SOPS's old style: `-e`, `-d`, `-r` or `--set` choose what is done to one file, and without them it is edited
 * (docs/internals/sops.md §7).
 */
export async function legacy(run: LegacyRun): Promise<number> {
  const { args, io, table } = run;
  const modes = (["encrypt", "decrypt", "rotate", "set"] as const).filter((mode) => args[mode]);
  const [file] = args.files;
  const needsFile = args.set !== undefined || !(args.encrypt || args.decrypt);
  if (file === undefined && needsFile) {
    throw new TsopsError("no-file", "no file specified", { hint: commandList(table.commands) });
  }
  if (modes.length > 1) {
    await note(
      io,
      `warning: ${modes.map((mode) => `--${mode}`).join(" and ")} together: only the last counts`,
    );
  }
  if (args.set !== undefined) return await legacySet(file!, args.set, run);
  if (args.rotate) {
    const { rotate } = await import("../rotate/run.ts");
    return await rotate({ ...run, args: { ...valuesOf(ROTATE.options), ...args } });
  }
  if (args.decrypt) {
    const { decrypt } = await import("../decrypt/run.ts");
    return await decrypt({ ...run, args: { ...valuesOf(DECRYPT.options), ...args } });
  }
  if (args.encrypt) {
    const { encrypt } = await import("../encrypt/run.ts");
    return await encrypt({ ...run, args: { ...valuesOf(ENCRYPT.options), ...args } });
  }
  refuseMistyped(args.files, run);
  const { edit } = await import("../edit/run.ts");
  return await edit({ ...run, args: { ...args, file: file! } });
}

/** A word that is no file: most likely a command with a slip, and an editor on a new file of that name helps nobody. */
function refuseMistyped(files: readonly string[], { io, table }: LegacyRun): void {
  const [word = ""] = files;
  const plain = /^[A-Za-z][\w-]*$/.test(word) && statOf(resolve(io.cwd, word)) === undefined;
  if (files.length === 1 && !plain) return;
  const meant = nearest(word, table.commands.map(nameOf));
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
function commandList(commands: readonly Command[]): string {
  const width = commands.reduce((most, command) => Math.max(most, nameOf(command).length), 0);
  const lines = commands.map((command) => `  ${nameOf(command).padEnd(width)}  ${command.summary}`);
  return `tsops COMMAND FILE…\n${lines.join("\n")}\ntsops COMMAND --help says more`;
}

/** `--set '["key"] JSON' FILE`: path and value are separated by the first `] `. */
async function legacySet(file: string, text: string, run: LegacyRun): Promise<number> {
  const end = text.indexOf("] ");
  if (end < 0) {
    throw new TsopsError("invalid-set-value", "--set needs a path and a value", {
      hint: `write it as --set '["key"] "value"', with a space after the path`,
    });
  }
  const { set } = await import("../set/run.ts");
  const [index, value] = [text.slice(0, end + 1), text.slice(end + 2)];
  return await set({ ...run, args: { ...valuesOf(SET.options), ...run.args, file, index, value } });
}
