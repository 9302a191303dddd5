import { holdersGone, opens, type Recipients, weakerSets } from "../keys/difference.ts";
import type { MasterKey } from "../keys/kind.ts";
import { nameOfKey } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** More examples than this help nobody. */
const SHOWN_SETS = 3;

/** Who could read a file's values before its recipients changed, and cannot any more; undefined if nobody. */
export function lossOf(before: Recipients, after: Recipients, settings: Settings): string | undefined {
  const name = (key: MasterKey): string => nameOfKey(key, settings) ?? key.id;
  const gone = holdersGone(before.groups.flat(), after.groups);
  const parts: string[] = [];
  if (gone.length > 0) {
    const others = opens(gone, before) ? "" : ", together with other keys,";
    parts.push(`${gone.map(name).join(", ")}${others} could read these values`);
  }
  const sets = weakerSets(before, after, SHOWN_SETS + 1);
  if (sets.length > 0) {
    const shown = sets.slice(0, SHOWN_SETS).map((set) => set.map(name).join(" with "));
    const more = sets.length > SHOWN_SETS ? " and others" : "";
    parts.push(`fewer keys than are needed now could read these values (${shown.join("; ")}${more})`);
  }
  return parts.length > 0 ? parts.join("; ") : undefined;
}
