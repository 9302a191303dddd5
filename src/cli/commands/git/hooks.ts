import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { guardLines, HOOK_HEAD, HOOKS, type Hook, hookSettings, type Program } from "../../../git/drivers.ts";
import { adviceFor, guardFor, type HookFacts } from "../../../git/hooks.ts";
import { hasBlock, withBlock, withoutBlock } from "../../../git/marked-block.ts";
import { type Configured, releaseOf, valuesOf } from "../../../git/settings.ts";
import { hooksFolder, ownFile, type Place, shownPath } from "./place.ts";
import { NOTHING, type Plan, type Step, settingRemovals, settingSteps, together } from "./plan.ts";

export async function hookFacts(place: Place, settings: readonly Configured[]): Promise<HookFacts> {
  const { repository, here } = place;
  const folder = hooksFolder(place);
  const path = valuesOf(settings, "core.hookspath").at(-1);
  const base = repository.top ?? repository.commonFolder;
  const hooks = HOOKS.flatMap((hook): [Hook, Buffer][] => {
    const bytes = readHook(join(folder, hook));
    return bytes ? [[hook, bytes]] : [];
  });
  return {
    release: await releaseOf(here.git),
    hooksPath: path === undefined || path === "" || resolve(base, path) === folder ? undefined : path,
    top: repository.top === undefined ? [] : readdirSync(repository.top),
    hooks: new Map(hooks),
  };
}

/** Also through a link: it says who owns the hook. */
function readHook(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

interface Guarding {
  readonly program: Program;
  readonly settings: readonly Configured[];
  readonly append: boolean;
  readonly force: boolean;
}

/** The guard in the hooks of a repository, unless they are somebody else's. */
export async function hooksPlan(place: Place, how: Guarding): Promise<Plan> {
  if (place.repository.top === undefined) return NOTHING;
  const facts = await hookFacts(place, how.settings);
  return together([
    ...HOOKS.map((hook) => planFor(hook, { place, facts, how })),
    ...(guardFor(HOOKS[0], facts).by === "configuration"
      ? [settingSteps(hookSettings(how.program), how.settings, { scope: "local", force: how.force })]
      : []),
  ]);
}

function planFor(hook: Hook, { place, facts, how }: { place: Place; facts: HookFacts; how: Guarding }): Plan {
  const guard = guardFor(hook, facts);
  const path = join(hooksFolder(place), hook);
  const before = facts.hooks.get(hook);
  if (guard.by === "configuration") {
    // two guards would do the same work twice
    return before && hasBlock(before) ? removal(path, place) : NOTHING;
  }
  if (guard.by === "person") {
    const [first = "", ...more] = adviceFor(guard.owner, hook, facts.hooksPath);
    const head = `${hook}: ${guard.owner === "another hook" ? "another hook is there" : `${guard.owner} has the hooks`}, so`;
    return { steps: [], remarks: [{ refused: true, lines: [`${head} ${first}`, ...more] }] };
  }
  if (guard.by === "block" && !hasBlock(before) && !how.append) {
    const lines = guardLines(how.program).map((line) => `  ${line}`);
    const first = `${hook}: a hook is there already: --append puts this behind its first line`;
    return { steps: [], remarks: [{ refused: true, lines: [first, ...lines] }] };
  }
  const own = ownFile(path, place.repository.commonFolder);
  const bytes = withBlock(own, guardLines(how.program), { at: "second line", head: HOOK_HEAD });
  if (own?.equals(bytes)) return NOTHING;
  const mode = own === undefined ? { mode: 0o755 } : {};
  const step: Step = { kind: "file", path, bytes, ...mode, what: "the check before each commit" };
  return { steps: [step], remarks: own === undefined || isExecutable(path) ? [] : [notRun(path, place)] };
}

function isExecutable(path: string): boolean {
  return process.platform === "win32" || (statSync(path).mode & 0o111) !== 0;
}

function notRun(path: string, place: Place) {
  const shown = shownPath(path, place);
  return {
    refused: true as const,
    lines: [`git does not run ${shown}: make it executable (chmod +x)`] as [string],
  };
}

export function hooksRemoval(place: Place, settings: readonly Configured[], program: Program): Plan {
  const files = HOOKS.map((hook) => removal(join(hooksFolder(place), hook), place));
  return together([...files, settingRemovals(hookSettings(program), settings, "local")]);
}

function removal(path: string, { repository }: Place): Plan {
  const there = readHook(path);
  if (!there || !hasBlock(there)) return NOTHING;
  const before = ownFile(path, repository.commonFolder)!;
  const bytes = withoutBlock(before, { head: HOOK_HEAD });
  return { steps: [{ kind: "file", path, bytes, what: "without our block" }], remarks: [] };
}
