import { mkdirSync } from "node:fs";
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

/**
 * Settings that are missing, or old ones of ours. What somebody else set stays, unless it is forced; then it is kept
 * beside ours, and comes back when ours goes.
 */
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
      const foreign = there.filter((value) => !setting.isOurs(value));
      if (foreign.length > 0 && !force) {
        const line = `${key} is set to something else, and stays: ${foreign[0]}`;
        return { steps: [], remarks: [{ refused: true, lines: [line] }] };
      }
      const kept: Step[] =
        foreign.length === 0
          ? []
          : [
              {
                kind: "setting",
                scope,
                key: keyOfReplaced(key),
                values: foreign,
                what: `what ${key} was, for tsops git uninstall: ${foreign.join(", ")}`,
              },
            ];
      return { steps: [...kept, { kind: "setting", scope, key, values, what }], remarks: [] };
    }),
  );
}

/** Where a setting is kept that ours replaced. */
function keyOfReplaced(key: string): string {
  return `tsops.${key}.replaced`;
}

/** Takes away what is ours of these settings, and puts back what it replaced. */
export function settingRemovals(
  settings: readonly Setting[],
  current: readonly Configured[],
  scope: Scope,
): Plan {
  const steps = settings.flatMap(({ key, isOurs }): Step[] => {
    const there = valuesOf(current, key, scope);
    const rest = there.filter((value) => !isOurs(value));
    const replaced = valuesOf(current, keyOfReplaced(key), scope);
    // whoever set it again since then meant that
    const values = rest.length === 0 ? replaced : rest;
    const step: Step = { kind: "setting", scope, key, values, what: "what it was before" };
    const forget: Step = { kind: "setting", scope, key: keyOfReplaced(key), values: [], what: "" };
    return [...(rest.length === there.length ? [] : [step]), ...(replaced.length === 0 ? [] : [forget])];
  });
  return { steps, remarks: [] };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

export async function carryOut(step: Step, { here }: Place): Promise<void> {
  if (step.kind === "setting") return await writeSetting(here.git, step.scope, step);
  if (step.bytes === undefined) return unlinkIfThere(step.path);
  mkdirSync(dirname(step.path), { recursive: true });
  await replaceFile(step.path, step.bytes, step.mode === undefined ? {} : { mode: step.mode });
}
