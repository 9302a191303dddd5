import type { Drift } from "../config/drift.ts";
import { TsopsError } from "../errors.ts";
import type { GroupDifference } from "../keys/difference.ts";
import type { MasterKey } from "../keys/kind.ts";
import type { Failure } from "./failures.ts";
import { type Io, write } from "./io.ts";
import { nameOfKey } from "./recipients.ts";
import type { Settings } from "./settings.ts";

/** What `--json` prints: docs/json.md has the shapes, test/cli/json.test.ts holds them. */

/** What a terminal or a program that reads the log could take for something else stands only inside texts. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}\u2800]|#(?=#)|:(?=:)/gu;

/** One line of JSON; nothing in it is invisible. */
export async function writeJson(io: Io, value: unknown): Promise<void> {
  const text = JSON.stringify(value).replace(UNSEEN, (characters) =>
    Array.from({ length: characters.length }, (_, i) => escaped(characters.charCodeAt(i))).join(""),
  );
  await write(io.stdout, `${text}\n`);
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

/** A file that the command could do nothing with. */
export function failureJson({ name, error }: Failure) {
  return { file: name, error: error instanceof TsopsError ? error.code : "internal" };
}

export function keyJson(key: Pick<MasterKey, "kind" | "id">, settings: Pick<Settings, "config">) {
  return { kind: key.kind, id: key.id, name: nameOfKey(key, settings) ?? null };
}

/** Group by group; `words` say what the sides are. */
export function differenceJson<K extends string>(
  groups: readonly GroupDifference[],
  settings: Settings,
  words: Readonly<Record<keyof GroupDifference, K>>,
): Record<K, ReturnType<typeof keyJson>[]>[] {
  return groups.map((group) => {
    const sides = (["common", "added", "removed"] as const).map((side) => [
      words[side],
      group[side].map((key) => keyJson(key, settings)),
    ]);
    return Object.fromEntries(sides);
  });
}

const SIDES = { common: "both", added: "onlyInRule", removed: "onlyInFile" } as const;

/** Where a file is not as its creation rule has it; null if it is, or if there is no rule. */
export function driftJson(drift: Drift | undefined, settings: Settings) {
  if (!drift) return null;
  return {
    groups: drift.groups ? differenceJson(drift.groups, settings, SIDES) : null,
    threshold: drift.threshold ?? null,
    selector: drift.selector
      ? { rule: selectorJson(drift.selector.rule), file: selectorJson(drift.selector.file) }
      : null,
    macOnlyEncrypted: drift.macOnlyEncrypted === true,
  };
}

export function selectorJson({ kind, value }: { readonly kind: string; readonly value: string }) {
  return { kind, value };
}
