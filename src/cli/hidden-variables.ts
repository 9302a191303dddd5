import type { Recipients, Session } from "../document.ts";
import { keepFromPrograms, secretVariables } from "../keys/environment.ts";
import { masterVariables } from "./allowed.ts";
import type { Run } from "./command.ts";

/** The variables with master keys, of the file and of the configuration: the editor does not get them. */
export async function hiddenFrom(
  name: string,
  { groups }: Pick<Recipients, "groups">,
  { context }: Session,
  run: Run,
): Promise<string[]> {
  keepFromPrograms(groups, context);
  return [...secretVariables(context), ...(await masterVariables(run, [name]))];
}
