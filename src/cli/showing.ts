import { join } from "node:path";
import { shownId } from "../keys/table.ts";
import type { Run } from "./command.ts";
import { nameOfKey } from "./recipients.ts";
import { loadSettings, type Settings } from "./settings.ts";
import type { Showing } from "./show-differences.ts";

/** How differences are shown in this run, with the names that the configuration of the folder gives to keys. */
export async function showingOf(
  run: Run,
  reveal: boolean,
): Promise<{ showing: Showing; settings: Pick<Settings, "config"> }> {
  const settings = await loadSettings(join(run.io.cwd, "any"), run).catch(() => ({ config: undefined }));
  const key: Showing["key"] = (one) => {
    const name = nameOfKey(one, settings);
    const group = one.group > 0 ? `, key group ${one.group + 1}` : "";
    return `${one.kind} ${shownId(one)}${name === undefined ? "" : ` (${name})`}${group}`;
  };
  return { showing: { reveal, key }, settings };
}
