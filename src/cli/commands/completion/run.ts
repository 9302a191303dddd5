import { TsopsError } from "../../../errors.ts";
import type { Args } from "../../args.ts";
import { type Io, write } from "../../io.ts";
import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import { zsh } from "./zsh.ts";

const SCRIPTS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

/** `completion SHELL`: a script that completes commands, options and their values, and file names. */
export async function completion(args: Args, io: Io): Promise<number> {
  const shell = args.text("shell");
  if (shell === undefined) {
    const { helpText } = await import("../../help.ts");
    await write(io.stdout, `${await helpText(["completion"], io.stdout.columns)}\n`);
    return 0;
  }
  const script = SCRIPTS.get(shell);
  if (!script) {
    throw new TsopsError("usage", "there is no completion for this shell", { hint: "use bash, zsh or fish" });
  }
  await write(io.stdout, script());
  return 0;
}
