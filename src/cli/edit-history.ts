import { basename, dirname } from "node:path";
import type { Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { type PathElement, pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { type Commit, commitsOf } from "../git/log.ts";
import { Objects } from "../git/objects.ts";
import { gitIn } from "../git/program.ts";
import { requireRepository } from "../git/repository.ts";
import type { Version } from "../ui/state/history.ts";
import type { Run } from "./command.ts";
import { contentOf, openVersion } from "./versions.ts";

/** Of a long history the newest versions are enough. */
const MOST = 200;

/** What stood at a path in the versions of a file that git has, the newest first, each once. One git reads them all. */
export async function entryHistory(
  path: string,
  at: { readonly document: number; readonly path: readonly PathElement[] },
  run: Run,
  session: Session,
): Promise<Version[]> {
  const { env } = run.io;
  const folder = dirname(path);
  await requireRepository(folder, env, { placed: true });
  const here = { git: (await gitIn(folder, env, { placed: true }))! };
  const options = ["--follow", `--max-count=${MOST}`];
  const commits = await commitsOf(here, { revisions: [], options, patterns: [basename(path)] });
  const objects = new Objects(here);
  try {
    const versions: Version[] = [];
    for (const commit of commits) {
      const version = await versionOf(commit, at, objects, session);
      const last = versions.at(-1);
      // the oldest commit of equal ones made the value
      if (last && last.problem === version.problem && String(last.value) === String(version.value))
        versions.pop();
      versions.push(version);
    }
    return versions;
  } finally {
    objects.close();
  }
}

async function versionOf(
  commit: Commit,
  at: { readonly document: number; readonly path: readonly PathElement[] },
  objects: Objects,
  session: Session,
): Promise<Version> {
  const name = `${commit.id.slice(0, 8)} ${commit.date.slice(0, 10)} ${commit.author}: ${commit.message.split("\n", 1)[0]}`;
  const [change] = commit.changes;
  const nothing = { commit: name, value: undefined, encrypted: false };
  if (!change?.after) return nothing;
  try {
    const object = await objects.read(change.after.id);
    if (!object) return { ...nothing, problem: "git does not have this version here" };
    const content = await contentOf(object.bytes, change.path);
    if (content.kind === "plain") return { ...nothing, problem: "the file was not encrypted" };
    if (content.kind === "damaged") throw content.error;
    const { open } = await openVersion(content.text, session);
    try {
      const wanted = formatPath(at.path);
      const item = open.decrypted.items.find(
        ({ entry }) =>
          entry.in?.document === at.document &&
          entry.kind === "value" &&
          formatPath(pathOf(entry)) === wanted,
      );
      return { commit: name, value: item?.value, encrypted: item?.encrypted === true };
    } finally {
      open.close();
    }
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return { ...nothing, problem: error.message };
  }
}
