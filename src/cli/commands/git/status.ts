import { DRIVER, driverSettings, HOOKS, type Hook, type Setting } from "../../../git/drivers.ts";
import { configuredGuard, guardFor, type HookFacts } from "../../../git/hooks.ts";
import { hasBlock } from "../../../git/marked-block.ts";
import { type Configured, readSettings } from "../../../git/settings.ts";
import { type CachedText, cachedTexts, removalOf } from "../../../git/textconv-cache.ts";
import { findProgram } from "../../../programs/run.ts";
import { type Line, writeLines } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { attributeFiles, attributesOf, encryptedFiles } from "./attributes.ts";
import type { GitStatusRun } from "./command.ts";
import { hookFacts } from "./hooks.ts";
import { ownFile, type Place, placeOf, shownPath } from "./place.ts";
import { chooseProgram, usualPath } from "./program.ts";
import { type Unmerged, unmergedEncrypted } from "./unmerged.ts";

interface SettingState {
  readonly key: string;
  /** `old`: of another release or place of tsops; `other`: somebody else's. */
  readonly state: "set" | "missing" | "old" | "other";
  readonly scope: string | null;
}

interface GuardState {
  readonly hook: Hook;
  /** `off`: a setting keeps git from running it. */
  readonly state: "installed" | "missing" | "off" | "unknown";
  /** Who owns the hooks, where that is not git itself. */
  readonly owner: string | null;
  readonly setting?: Configured;
}

interface Status {
  readonly program: { readonly path: string | null };
  readonly settings: readonly SettingState[];
  readonly attributes: {
    /** Files that have our block. */
    readonly files: readonly string[];
    /** Encrypted files that a driver is not for, with what git has instead. */
    readonly without: readonly { readonly file: string; readonly diff: string; readonly merge: string }[];
    readonly encrypted: number;
  };
  readonly guard: readonly GuardState[];
  /** Plaintext that git keeps for faster diffs. */
  readonly cache: readonly CachedText[];
  readonly unmerged: readonly Unmerged[];
}

/** `git status`: what is set up, what is missing, and what comes next. */
export async function status(run: GitStatusRun): Promise<number> {
  const place = await placeOf(run);
  const found = await statusOf(place, run);
  const guard = found.guard.map(({ hook, state, owner }) => ({ hook, state, owner }));
  if (run.args.json) await writeJson(run.io, { ...found, guard, cache: cacheJson(found) });
  else await writeLines(run.io.stdout, linesOf(found));
  return 0;
}

function cacheJson({ cache }: Status) {
  const namesOf = (wanted: CachedText["kind"]) => [
    ...new Set(cache.filter(({ kind }) => kind === wanted).map(({ name }) => name)),
  ];
  return { settings: namesOf("setting"), notes: namesOf("ref") };
}

async function statusOf(place: Place, run: GitStatusRun): Promise<Status> {
  const settings = await readSettings(place.here.git);
  const { program } = await chooseProgram(run.io);
  const facts = await hookFacts(place, settings);
  const path = findProgram("tsops", { PATH: usualPath(run.io.env.PATH ?? "") });
  return {
    program: { path: path ?? null },
    settings: driverSettings(program).map((setting) => stateOf(setting, settings)),
    attributes: await attributesState(place),
    guard: place.repository.top === undefined ? [] : HOOKS.map((hook) => guardState(hook, facts, settings)),
    cache: await cachedTexts(place.here),
    unmerged: await unmergedEncrypted(place),
  };
}

function stateOf({ key, values, isOurs }: Setting, settings: readonly Configured[]): SettingState {
  const found = settings.filter((one) => one.key === key).at(-1);
  if (!found) return { key, state: "missing", scope: null };
  const { value, scope } = found;
  if (value === values[0]) return { key, state: "set", scope };
  return { key, state: isOurs(value) ? "old" : "other", scope };
}

async function attributesState(place: Place): Promise<Status["attributes"]> {
  const { committed, local } = attributeFiles(place);
  const files = [committed, local].flatMap((file) =>
    file && hasBlock(ownFile(file.path, file.base)) ? [shownPath(file.path, place)] : [],
  );
  const encrypted = await encryptedFiles(place);
  const values = await attributesOf(encrypted, place);
  const known = new Map(values.map(({ file, attribute, value }) => [`${attribute} ${file}`, value]));
  const attribute = (file: string, name: string) => known.get(`${name} ${file}`) ?? "unspecified";
  const without = encrypted
    .map((file) => ({ file, diff: attribute(file, "diff"), merge: attribute(file, "merge") }))
    .filter(({ diff, merge }) => diff !== DRIVER || merge !== DRIVER);
  return { files, without, encrypted: encrypted.length };
}

/** What other programs do in hooks is looked for by its name: nobody can know more. */
function guardState(hook: Hook, facts: HookFacts, settings: readonly Configured[]): GuardState {
  const guard = guardFor(hook, facts);
  if (guard.by === "configuration") {
    const configured = configuredGuard(hook, settings);
    if (configured === "runs") return { hook, state: "installed", owner: null };
    if (configured !== "missing") return { hook, state: "off", owner: null, setting: configured.off };
  }
  const text = facts.hooks.get(hook);
  const inFile = text !== undefined && (hasBlock(text) || text.includes("tsops check"));
  if (inFile && facts.hooksPath === undefined) return { hook, state: "installed", owner: null };
  return guard.by === "person"
    ? { hook, state: "unknown", owner: guard.owner }
    : { hook, state: "missing", owner: null };
}

const OK = "ok:   ";
const NO = "no:   ";
const ASK = "?:    ";

function good(text: string): Line {
  return { text: `${OK}${text}`, colour: "green", head: "ok:" };
}

function bad(text: string): Line {
  return { text: `${NO}${text}`, colour: "red", head: "no:" };
}

function linesOf(found: Status): Line[] {
  return [
    ...programLines(found),
    ...attributeLines(found),
    ...found.guard.map(guardLine),
    ...cacheLines(found),
    ...unmergedLines(found),
  ];
}

function programLines({ program, settings }: Status): Line[] {
  const first = program.path === null ? bad("tsops is not on PATH") : good(`tsops is ${program.path}`);
  const words: Readonly<Record<SettingState["state"], string>> = {
    set: "is set",
    missing: "is not set: tsops git install",
    old: "is of another tsops: tsops git install",
    other: "is set to something else: tsops git install --force replaces it",
  };
  return [
    first,
    ...settings.map(({ key, state, scope }) => {
      const text = `${key} ${words[state]}${state === "set" ? ` (${scope})` : ""}`;
      return state === "set" ? good(text) : bad(text);
    }),
  ];
}

const SHOWN = 10;

function attributeLines({ attributes: { files, without, encrypted } }: Status): Line[] {
  const where =
    files.length === 0 ? bad("no attributes: tsops git install") : good(`attributes in ${files.join(", ")}`);
  const have = encrypted - without.length;
  const all = `${have} of ${encrypted} encrypted files have both drivers`;
  const more = without.length - SHOWN;
  return [
    where,
    without.length === 0 ? good(all) : bad(all),
    ...without.slice(0, SHOWN).map(({ file, diff, merge }) => `        ${file}: diff=${diff} merge=${merge}`),
    ...(more > 0 ? [`        and ${more} more`] : []),
  ];
}

function guardLine({ hook, state, owner, setting }: GuardState): Line {
  if (state === "installed") return good(`${hook} checks what is staged`);
  if (setting) {
    const { key, scope } = setting;
    return bad(`${hook} checks nothing, since ${key} is false: git config --${scope} --unset-all ${key}`);
  }
  if (state === "missing") return bad(`${hook} checks nothing: tsops git install`);
  return `${ASK}${hook} is in the hands of ${owner}: tsops git install says what to add there`;
}

function cacheLines({ cache }: Status): Line[] {
  if (cache.length === 0) return [good("git keeps no plaintext of diffs")];
  const refs = cache.filter(({ kind }) => kind === "ref");
  return [
    ...cache.map((cached) => {
      const what = cached.kind === "setting" ? "lets git store plaintext" : "holds plaintext";
      return bad(`${cached.name} ${what}: ${removalOf(cached)[0]}`);
    }),
    ...refs.slice(0, 1).flatMap((cached) => {
      const [, collect, push] = removalOf(cached);
      return [`        then: ${collect}`, `        if it was pushed: ${push}, and change these secrets`];
    }),
  ];
}

const HOLDS: Readonly<Record<Unmerged["holds"], string>> = {
  conflicts: "both sides are in it, encrypted",
  markers: "git's markers are in it, between ciphertexts",
  "one side": "one side is in it, without a mark: git add would lose the other one",
  "something else": "neither side as it was is in it: add it if both are put together there",
  nothing: "it is not in the work tree",
};

function unmergedLines({ unmerged }: Status): Line[] {
  return unmerged.flatMap(({ file, what, holds, next: [first = "", ...others] }) => [
    bad(`${file}: ${what}${holds === "one side" && first.startsWith("git add") ? "" : `; ${HOLDS[holds]}`}`),
    `        next: ${first}`,
    ...others.map((command) => `        or:   ${command}`),
  ]);
}
