import { editPicked } from "../../edit-screen.ts";
import type { UiRun } from "./command.ts";

/** `ui [FOLDER]`: the encrypted files, and those that should be; the chosen one opens in the editor. */
export async function ui(run: UiRun): Promise<number> {
  return await editPicked(run.args.folder, run);
}
