import fs from "node:fs";
import { dirname } from "node:path";
import { replaceFile } from "../../../files/atomic.ts";
import { unlinkIfThere } from "../../../files/own.ts";
import type { Setting } from "../../../git/drivers.ts";
import { type Configured, type Scope, valuesOf, writeSetting } from "../../../git/settings.ts";
import type { Place } from "./place.ts";

/** One thing that is changed. */
export type Step =
  | {
      readonly kind: "setting";
      readonly scope: Scope;
      readonly key: string;
      readonly values: readonly string[];
      readonly what: string;
    }
  | {
      readonly kind: "file";
      readonly path: string;
      /** Undefined: it goes. */
      readonly bytes: Buffer | undefined;
      readonly mode?: number;
      readonly what: string;
    };

/** What is to be done, and what a person has to know or do. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly remarks: readonly Remark[];
}

/** A line, and what belongs to it. */
export interface Remark {
  readonly lines: readonly [string, ...string[]];
  /** Something was left out. */
  readonly refused?: true;
}

export const NOTHING: Plan = { steps: [], remarks: [] };

export function together(plans: readonly Plan[]): Plan {
  return { steps: plans.flatMap(({ steps }) => steps), remarks: plans.flatMap(({ remarks }) => remarks) };
}

/** Settings that are missing, or old ones of ours. What somebody else set stays, unless it is forced. */
export function settingSteps(
  wanted: readonly Setting[],
  current: readonly Configured[],
  { scope, force }: { scope: Scope; force: boolean },
): Plan {
  return together(
    wanted.map((setting): Plan => {
      const { key, values, what } = setting;
      const there = valuesOf(current, key, scope);
      if (same(there, values)) return NOTHING;
      const foreign = there.find((value) => !setting.isOurs(value));
      if (foreign === undefined || force)
        return { steps: [{ kind: "setting", scope, key, values, what }], remarks: [] };
      return {
        steps: [],
        remarks: [{ refused: true, lines: [`${key} is set to something else, and stays: ${foreign}`] }],
      };
    }),
  );
}

/** Takes away what is ours of these settings. */
export function settingRemovals(
  settings: readonly Setting[],
  current: readonly Configured[],
  scope: Scope,
): Plan {
  return together(
    settings.map(({ key, what, isOurs }): Plan => {
      const there = valuesOf(current, key, scope);
      const rest = there.filter((value) => !isOurs(value));
      if (rest.length === there.length) return NOTHING;
      return { steps: [{ kind: "setting", scope, key, values: rest, what }], remarks: [] };
    }),
  );
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

export async function carryOut(step: Step, { here }: Place): Promise<void> {
  if (step.kind === "setting") return await writeSetting(here.git, step.scope, step);
  if (step.bytes === undefined) return unlinkIfThere(step.path);
  fs.mkdirSync(dirname(step.path), { recursive: true });
  await replaceFile(step.path, step.bytes, step.mode === undefined ? {} : { mode: step.mode });
}
