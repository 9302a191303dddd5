import { join, relative, resolve, sep } from "node:path";
import { cachedText } from "../../../check/git.ts";
import { badMerge } from "../../../check/opened.ts";
import { openRead } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { append } from "../../../formats/append.ts";
import { formatOfFile } from "../../../formats/index.ts";
import { decodeText } from "../../../formats/text.ts";
import { type MergedFile, mergedFiles } from "../../../git/merges.ts";
import { Objects, TooLarge } from "../../../git/objects.ts";
import { type Repository, repositoryAt, requireRepository } from "../../../git/repository.ts";
import { cachedTexts } from "../../../git/textconv-cache.ts";
import { recognize } from "../../../recognize.ts";
import { encryptionIn } from "../../found.ts";
import { sessionOf } from "../../session.ts";
import type { Checking, Outcome } from "./content.ts";

/** What is wrong with the repository: plaintext in git's objects and, with `--merges`, merges that do not verify. */
export async function checkGit(checking: Checking, outcome: Outcome): Promise<void> {
  const { io, args } = checking.run;
  if (args.merges !== undefined) {
    const repository = await requireRepository(io.cwd, io.env, { placed: true });
    await checkMerges(repository, args.merges || "HEAD", checking, outcome);
    if (args.staged) return;
  }
  try {
    const repository = await repositoryAt(io.cwd, io.env, { placed: true });
    if (repository) append(outcome.findings, (await cachedTexts(repository)).map(cachedText));
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    outcome.failed.push({ file: undefined, error: error.code, message: error.message });
  }
}

/** Forges merge as text: MAC and seal of what comes out do not fit, or the file is no file any more. */
async function checkMerges(
  repository: Repository,
  range: string,
  checking: Checking,
  { findings }: Outcome,
): Promise<void> {
  const { io, args } = checking.run;
  const top = repository.top ?? io.cwd;
  const wanted = args.files.map((file) => relative(top, resolve(io.cwd, file)).replaceAll(sep, "/"));
  const isWanted = ({ path }: MergedFile): boolean =>
    wanted.length === 0 || wanted.some((at) => at === "" || path === at || path.startsWith(`${at}/`));
  const objects = new Objects(repository);
  // by the name of the object: one version may be in several merges
  const verified = new Map<string, Promise<TsopsError | undefined>>();
  const wrong = (object: string, path: string): Promise<TsopsError | undefined> => {
    let known = verified.get(object);
    if (!known) verified.set(object, (known = verify(object, path, objects, checking)));
    return known;
  };
  try {
    for (const { commit, path } of (await mergedFiles(repository, range)).filter(isWanted)) {
      const error = await wrong(`${commit}:${path}`, path);
      if (!error) continue;
      const mended = (await wrong(`HEAD:${path}`, path)) === undefined;
      findings.push(badMerge(relative(io.cwd, join(top, path)), commit, error, mended));
    }
  } finally {
    objects.close();
  }
}

/** @returns why a version of a file does not verify; undefined if it does, or if it is not encrypted. */
async function verify(
  object: string,
  path: string,
  objects: Objects,
  { run }: Checking,
): Promise<TsopsError | undefined> {
  const blob = await objects.read(object).catch((error: unknown) => {
    // it is none of ours
    if (!(error instanceof TooLarge)) throw error;
  });
  if (blob?.type !== "blob") return undefined;
  if ((await encryptionIn(blob.bytes, path, run.args)) === "none") return undefined;
  try {
    const encrypted = await recognize(decodeText(blob.bytes), formatOfFile(path));
    (await openRead(encrypted, await sessionOf(run))).close();
    return undefined;
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
}
