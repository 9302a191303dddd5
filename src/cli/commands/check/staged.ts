import { join, relative, resolve, sep } from "node:path";
import type { Finding } from "../../../check/finding.ts";
import { encryptedSince, lostEncryption } from "../../../check/plain.ts";
import { matchesAll } from "../../../config/check.ts";
import type { Configurations } from "../../../config/find.ts";
import { matchingRule } from "../../../config/match.ts";
import type { Rule } from "../../../config/model.ts";
import { TsopsError } from "../../../errors.ts";
import { mapFiles } from "../../../files/batch.ts";
import { append } from "../../../formats/append.ts";
import { Objects, TooLarge } from "../../../git/objects.ts";
import { askGit, requireRepository } from "../../../git/repository.ts";
import { type Change, stagedChanges, stagedFiles } from "../../../git/staged.ts";
import { readInput } from "../../files.ts";
import { encryptionIn } from "../../found.ts";
import type { Io } from "../../io.ts";
import { note } from "../../report.ts";
import { readConfigurationsFrom, ruleFor } from "../../settings.ts";
import { type Checking, checkContent, type Outcome } from "./content.ts";
import { hugeNote } from "./huge.ts";
import { stagedConfigurations } from "./staged-config.ts";

/** Blobs that are held in memory at once. */
const AT_ONCE = 16;

/**
 * What the next commit would change, as it is staged: the work tree may say something else. In a hook git says which index
 * that is; for `git commit FILE` it is one that git made for it.
 */
export async function checkStaged(checking: Checking, outcome: Outcome): Promise<void> {
  const { io, args } = checking.run;
  const repository = await requireRepository(io.cwd, io.env, { placed: true });
  const top = repository.top;
  if (top === undefined) {
    throw new TsopsError("git", "a bare repository has nothing staged", { hint: "run this in a work tree" });
  }
  const paths = args.files.map((file) => relative(top, resolve(io.cwd, file)).replaceAll("\\", "/") || ".");
  const outside = paths.findIndex((path) => path === ".." || path.startsWith("../"));
  if (outside >= 0) {
    throw new TsopsError("usage", `${args.files[outside]} is not in this repository`, {
      hint: `its work tree is ${top}`,
    });
  }
  const changes = (await stagedChanges(repository, paths)).filter(isFile);
  if (changes.length === 0) return;
  const objects = new Objects(repository);
  try {
    const { disk, workTree, different } = await stagedConfigurations(
      { ...repository, top },
      objects,
      checking.run,
    );
    readConfigurationsFrom(disk, checking.run);
    const unstagedRuleFor = workTree && ((name: string) => ruleIn(workTree, resolve(io.cwd, name)));
    const results = await mapFiles(changes, AT_ONCE, async (change) => {
      const name = relative(io.cwd, join(top, change.path)) || change.path;
      return await checkChange(change, name, objects, { ...checking, unstagedRuleFor });
    });
    results.forEach((result, i) => {
      if (result.status === "fulfilled") append(outcome.findings, result.value);
      else outcome.failed.push(failure(result.reason, changes[i]!.path));
    });
    for (const { path } of changes) outcome.names.add(relative(io.cwd, join(top, path)));
    const said = outcome.findings.length + outcome.failed.length > 0;
    if (said) for (const name of different) await note(io, differs(name));
  } finally {
    objects.close();
  }
}

/** What the index has of a file; undefined if it has none. */
export async function stagedBytes(file: string, io: Io): Promise<Buffer | undefined> {
  const repository = await requireRepository(io.cwd, io.env, { placed: true });
  const path = relative(repository.top ?? io.cwd, resolve(io.cwd, file))
    .split(sep)
    .join("/");
  if (path.startsWith("../")) return undefined;
  const [staged] = (await stagedFiles(repository, [path])).filter(
    (one) => one.path === path && one.stage === 0,
  );
  return staged && (await askGit(repository, ["cat-file", "blob", staged.id]));
}

/** The rule of the work tree for a file; a configuration that is broken there will not be committed. */
async function ruleIn(workTree: Configurations, file: string): Promise<Rule | undefined> {
  try {
    const { config } = await workTree.load(file);
    return config && config.errors.length === 0 ? await matchingRule(config, file) : undefined;
  } catch (error) {
    if (error instanceof TsopsError && error.code === "config") return undefined;
    throw error;
  }
}

function differs(name: string): string {
  return `the staged ${name} counts here, and the one in the work tree says something else`;
}

/** Not a link, a submodule, or a file that is only announced (git add --intent-to-add). */
function isFile({ after, status }: Change): boolean {
  return after !== undefined && /^100/.test(after.mode) && status !== "U" && !/^0+$/.test(after.id);
}

function failure(reason: unknown, file: string): Outcome["failed"][number] {
  if (!(reason instanceof TsopsError)) throw reason;
  return { file, error: reason.code, message: reason.message };
}

async function checkChange(
  { before, after }: Change,
  name: string,
  objects: Objects,
  checking: Checking,
): Promise<Finding[]> {
  const bytes = await blob(objects, after!.id);
  if (bytes === undefined) {
    const rule = await ruleFor(await checking.settingsFor(name));
    // what is to be encrypted and cannot be must not get into a commit
    if (rule?.pattern && !matchesAll(rule.pattern))
      throw new TooLarge("it is too large to be read, and a creation rule covers it");
    await note(checking.run.io, hugeNote(name));
    return [];
  }
  const findings = await checkContent({ name, bytes, named: false }, checking);
  const plain = findings.find(({ rule }) => rule === "not-encrypted");
  if (plain) {
    const since = (await isEncryptedOnDisk(name, checking)) ? encryptedSince(name) : plain;
    return [since, ...findings.filter((other) => other !== plain)];
  }
  const { args } = checking.run;
  const old = before !== undefined && (await encryptionIn(bytes, name, args)) === "none";
  const was = old ? await blob(objects, before.id) : undefined;
  const lost = was !== undefined && (await encryptionIn(was, name, args)) === "whole";
  return lost ? [lostEncryption(name), ...findings] : findings;
}

/** Undefined if it is so large that it is none of ours. */
async function blob(objects: Objects, id: string): Promise<Buffer | undefined> {
  try {
    const object = await objects.read(id);
    if (object?.type === "blob") return object.bytes;
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
  throw new TsopsError("git", "git does not have the content of a staged file", {
    hint: "git fsck says what is missing",
  });
}

async function isEncryptedOnDisk(name: string, { run }: Checking): Promise<boolean> {
  try {
    const { bytes } = await readInput(name, run.io);
    return (await encryptionIn(bytes, name, run.args)) === "whole";
  } catch (error) {
    if (error instanceof TsopsError) return false;
    throw error;
  }
}
