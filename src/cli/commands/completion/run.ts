import { TsopsError } from "../../../errors.ts";
import { write } from "../../io.ts";
import { bash } from "./bash.ts";
import type { CompletionRun } from "./command.ts";
import { fish } from "./fish.ts";
import { type Model, modelOf } from "./model.ts";
import { zsh } from "./zsh.ts";

const SCRIPTS: ReadonlyMap<string, (model: Model) => string> = new Map([
  ["bash", bash],
  ["zsh", zsh],
  ["fish", fish],
]);

/** `completion SHELL`: a script that completes commands, options and their values, and file names. */
export async function completion(run: CompletionRun): Promise<number> {
  const shell = run.args.shell;
  if (shell === undefined) {
    const { helpText } = await import("../../help.ts");
    await write(run.io.stdout, `${await helpText(run.table, ["completion"], run.io.stdout.columns)}\n`);
    return 0;
  }
  const script = SCRIPTS.get(shell);
  if (!script) {
    throw new TsopsError("usage", "there is no completion for this shell", { hint: "use bash, zsh or fish" });
  }
  await write(run.io.stdout, script(modelOf(run.table.commands)));
  return 0;
}
