import { lstatSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { Configurations, readConfig } from "../../../config/find.ts";
import { globExpression } from "../../../config/glob.ts";
import type { Config, Rule } from "../../../config/model.ts";
import { compile } from "../../../config/pattern.ts";
import { readDocument } from "../../../files/read.ts";
import { statOf } from "../../../files/stat.ts";
import { decodeText } from "../../../formats/text.ts";
import {
  attributeLine,
  belowFolder,
  isForAll,
  patternOfFile,
  patternsOfGlob,
  patternsOfRegex,
} from "../../../git/attribute-patterns.ts";
import { ATTRIBUTES, DRIVER, NO_ATTRIBUTES } from "../../../git/drivers.ts";
import { hasBlock, withBlock, withoutBlock } from "../../../git/marked-block.ts";
import type { Objects } from "../../../git/objects.ts";
import { runGit } from "../../../git/program.ts";
import { askGit, partsOf } from "../../../git/repository.ts";
import type { Run } from "../../command.ts";
import { contentOf } from "../../versions.ts";
import { ownFile, type Place, withObjects } from "./place.ts";
import type { Plan, Remark, Step } from "./plan.ts";

/** Where attributes are: in a file that is committed, or in one of this clone only. */
export type AttributesPlace = "committed" | "local";

/** The files in the order in which git trusts them least. */
export function attributeFiles({ repository }: Place): { committed?: AttributesFile; local: AttributesFile } {
  const { top, commonFolder } = repository;
  const local = { path: join(commonFolder, "info", "attributes"), base: commonFolder };
  return top === undefined
    ? { local }
    : { committed: { path: join(top, ".gitattributes"), base: top }, local };
}

interface AttributesFile {
  readonly path: string;
  /** The folder that it must not leave. */
  readonly base: string;
}

/** The block in the place that is wanted, and none in the other. */
export async function attributesPlan(
  place: Place,
  run: Run,
  { wanted, force }: { wanted: AttributesPlace | undefined; force: boolean },
): Promise<Plan> {
  const files = attributeFiles(place);
  const where = wanted ?? placeOfBlock(files) ?? (files.committed ? "committed" : "local");
  if (where === "committed" && !files.committed)
    return {
      steps: [],
      remarks: [{ refused: true, lines: ["a bare repository has no .gitattributes of its own"] }],
    };
  const { lines, remarks } = await attributeLines(place, run);
  const steps: Step[] = [];
  for (const name of ["committed", "local"] as const) {
    const file = files[name];
    if (!file) continue;
    const before = ownFile(file.path, file.base);
    const has = hasBlock(before);
    const wantsBlock = name === where && lines.length > 0;
    if (!wantsBlock && !has) continue;
    const bytes = wantsBlock
      ? withBlock(before, lines, { at: force ? "end" : "begin", moves: force })
      : withoutBlock(before!);
    if (before && bytes?.equals(before)) continue;
    const what = wantsBlock ? `which files the drivers are for (${lines.length} lines)` : "without our block";
    steps.push({ kind: "file", path: file.path, bytes, what });
  }
  const others = await setByOthers(place);
  return { steps, remarks: [...remarks, ...(others.length > 0 && !force ? [remarkOnOthers(others)] : [])] };
}

function placeOfBlock(files: ReturnType<typeof attributeFiles>): AttributesPlace | undefined {
  const found = (["committed", "local"] as const).find((name) => {
    const file = files[name];
    return file && hasBlock(ownFile(file.path, file.base));
  });
  return found;
}

/** Takes the block away wherever it is. */
export function attributesRemoval(place: Place): Plan {
  const { committed, local } = attributeFiles(place);
  const steps = [committed, local].flatMap((file): Step[] => {
    const before = file && ownFile(file.path, file.base);
    if (!file || !before || !hasBlock(before)) return [];
    return [{ kind: "file", path: file.path, bytes: withoutBlock(before), what: "without our block" }];
  });
  return { steps, remarks: [] };
}

/** An encrypted file whose attribute is not ours. */
interface Other {
  readonly file: string;
  readonly attribute: string;
  readonly value: string;
}

/** Attributes of encrypted files that somebody set to something else: git obeys those, since ours stand first. */
export async function setByOthers(place: Place): Promise<Other[]> {
  const files = await encryptedFiles(place);
  return (await attributesOf(files, place)).filter(
    ({ value }) => value !== "unspecified" && value !== DRIVER,
  );
}

/** The attributes of files that matter to the drivers. @param files from the top of the work tree */
export async function attributesOf(files: readonly string[], place: Place): Promise<Other[]> {
  if (files.length === 0) return [];
  const { top } = place.repository;
  // git takes names from the folder where it is started
  const names = files.map((file) => (top === undefined ? file : relative(place.io.cwd, join(top, file))));
  const input = Buffer.from(names.map((name) => `${name}\0`).join(""));
  const parts = partsOf(await askGit(place.here, ["check-attr", "-z", "--stdin", "diff", "merge"], input));
  const found: Other[] = [];
  for (let i = 0; i + 2 < parts.length; i += 3)
    found.push({ file: files[Math.floor(i / 6)]!, attribute: parts[i + 1]!, value: parts[i + 2]! });
  return found;
}

const SHOWN = 10;

function remarkOnOthers(others: readonly Other[]): Remark {
  const lines = others
    .slice(0, SHOWN)
    .map(({ file, attribute, value }) => `  ${file}: ${attribute}=${value}`);
  const more = others.length - SHOWN;
  return {
    refused: true,
    lines: [
      "these files have other attributes, which stay (--force puts ours behind them):",
      ...lines,
      ...(more > 0 ? [`  and ${more} more`] : []),
    ],
  };
}

/** The lines for the rules of all configurations of the repository, and for encrypted files that they leave out. */
async function attributeLines(place: Place, run: Run): Promise<{ lines: string[]; remarks: Remark[] }> {
  const remarks: Remark[] = [];
  const patterns: string[] = [];
  const never: string[] = [];
  for (const { config, folder } of await configurations(place, run, remarks)) {
    for (const rule of config.rules ?? []) {
      const found = patternsOfRule(rule);
      if (found === undefined) remarks.push(unsaid(rule, config));
      else for (const pattern of found) patterns.push(belowFolder(pattern, folder));
      const name = posix.basename(config.path.replaceAll(sep, "/"));
      const matches = await rule.pattern?.compile().catch(() => undefined);
      if (found?.length && matches?.(name)) never.push(patternOfFile(posix.join(folder, name)));
    }
  }
  const covered = await matcherOf(patterns);
  const single = (await encryptedFiles(place)).filter((file) => !covered(file)).map(patternOfFile);
  const lineOf = (attributes: string) => (pattern: string) => {
    const line = attributeLine(pattern, attributes);
    if (line === undefined)
      remarks.push({ refused: true, lines: [`this name cannot stand in attributes: ${pattern}`] });
    return line ?? [];
  };
  const lines = [
    ...[...new Set([...patterns, ...single])].flatMap(lineOf(ATTRIBUTES)),
    ...[...new Set(never)].flatMap(lineOf(NO_ATTRIBUTES)),
  ];
  if (lines.length === 0)
    remarks.push({
      lines: ["there are no encrypted files yet, and no rules that say where: run this again then"],
    });
  return { lines, remarks };
}

function patternsOfRule({ pattern }: Rule): string[] | undefined {
  if (!pattern) return undefined;
  const found = pattern.globs ? pattern.globs.map(patternsOfGlob) : [patternsOfRegex(pattern.text)];
  const all = found.flatMap((patterns) => patterns ?? []);
  return found.includes(undefined) || all.some(isForAll) ? undefined : all;
}

function unsaid({ number, pattern }: Rule, config: Config): Remark {
  const why = pattern
    ? `git's attributes cannot say its pattern (${pattern.text})`
    : "it is for every file, and git would run tsops for each";
  return {
    lines: [
      `rule ${number} of ${posix.basename(config.path.replaceAll(sep, "/"))}: ${why}`,
      "  so the encrypted files that are there are listed one by one: run this again when there are more",
    ],
  };
}

/** The configurations of the repository, with the folders that they are in, from the top and with slashes. */
async function configurations(
  place: Place,
  run: Run,
  remarks: Remark[],
): Promise<{ config: Config; folder: string }[]> {
  const { top } = place.repository;
  const found: { config: Config; folder: string }[] = [];
  for (const path of await configurationPaths(place, run)) {
    try {
      const text =
        top === undefined
          ? await textInHead(path, place)
          : decodeText((await readDocument(join(top, path))).bytes);
      const config =
        text === undefined
          ? undefined
          : await readConfig(text, top === undefined ? `/${path}` : join(top, path));
      if (config && config.errors.length > 0) throw config.errors[0];
      if (config) found.push({ config, folder: posix.dirname(path) === "." ? "" : posix.dirname(path) });
    } catch (error) {
      const why = error instanceof Error ? error.message : "it cannot be read";
      remarks.push({ refused: true, lines: [`${path} is left out: ${why}`] });
    }
  }
  return found;
}

/** From the top, with slashes: those that git knows, and the one that counts here. */
async function configurationPaths(place: Place, { io, args }: Run): Promise<string[]> {
  const { top } = place.repository;
  const names = [".sops.yaml", ".sopsrc"];
  if (top === undefined) {
    const { code, stdout } = await runGit(place.here.git, ["ls-tree", "-r", "-z", "--name-only", "HEAD"]);
    const all = code === 0 ? partsOf(stdout) : [];
    return all.filter((path) => names.includes(posix.basename(path)));
  }
  const patterns = names.map((name) => `:(top,glob)**/${name}`);
  const known = partsOf(
    await askGit(place.here, ["ls-files", "-z", "--full-name", "--cached", "--", ...patterns]),
  ).filter((path) => statOf(join(top, path))?.isFile());
  const { path } = await new Configurations({ cwd: io.cwd, env: io.env, option: args.config }).find();
  const chosen = path === undefined ? undefined : relative(top, path).split(sep).join("/");
  return [...new Set([...known, ...(chosen === undefined || chosen.startsWith("../") ? [] : [chosen])])];
}

async function textInHead(path: string, place: Place): Promise<string | undefined> {
  return await withObjects(place, async (objects) => {
    const object = await objects.read(`HEAD:${path}`);
    return object && decodeText(object.bytes);
  });
}

async function matcherOf(patterns: readonly string[]): Promise<(path: string) => boolean> {
  const all = await Promise.all(patterns.map((pattern) => compile(globExpression(pattern))));
  return (path) => all.some((one) => "matches" in one && one.matches(path));
}

const CIPHERTEXT = "ENC[AES256_GCM,data:";

/** Encrypted files of the work tree, new ones included; of a bare repository those of its last commit. Sorted. */
export async function encryptedFiles(place: Place): Promise<string[]> {
  const { top } = place.repository;
  const grep = [
    "grep",
    "-l",
    "-z",
    "-F",
    "--full-name",
    "--no-textconv",
    "--no-color",
    "--no-recurse-submodules",
  ];
  const where =
    top === undefined ? ["-e", CIPHERTEXT, "HEAD"] : ["--untracked", "-e", CIPHERTEXT, "--", ":/"];
  const { code, stdout } = await runGit(place.here.git, [...grep, ...where]);
  if (code !== 0) return [];
  const names = partsOf(stdout).map((name) => (top === undefined ? name.replace(/^HEAD:/, "") : name));
  return await withObjects(place, async (objects) => {
    const found: string[] = [];
    for (const name of names) if (await isEncrypted(name, place, objects)) found.push(name);
    return found.sort();
  });
}

async function isEncrypted(name: string, { repository: { top } }: Place, objects: Objects): Promise<boolean> {
  if (top !== undefined && !lstatSync(join(top, name), { throwIfNoEntry: false })?.isFile()) return false;
  const bytes =
    top === undefined
      ? (await objects.read(`HEAD:${name}`))?.bytes
      : (await readDocument(join(top, name)).catch(() => undefined))?.bytes;
  return bytes !== undefined && (await contentOf(bytes, name)).kind !== "plain";
}
