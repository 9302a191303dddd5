import { join, relative, sep } from "node:path";
import { readDocument } from "../../../files/read.ts";
import type { Objects } from "../../../git/objects.ts";
import { askGit, partsOf } from "../../../git/repository.ts";
import type { StagedFile } from "../../../git/staged.ts";
import { sameButLineEnds } from "../../../merge/line-ends.ts";
import { shellQuoted } from "../../../printable.ts";
import { holdsConflicts } from "../../../sops/conflicts.ts";
import { type Content, contentOf } from "../../versions.ts";
import { type Place, withObjects } from "./place.ts";

/** An encrypted file that a merge did not finish. */
export interface Unmerged {
  /** From the top of the work tree. */
  readonly file: string;
  /** What both sides did. */
  readonly what: string;
  /** What is in the work tree now. */
  readonly holds: "conflicts" | "markers" | "one side" | "something else" | "nothing";
  /** Commands that finish it, the likeliest first. */
  readonly next: readonly string[];
}

type Stages = ReadonlyMap<number, StagedFile>;

const WHAT: Readonly<Record<string, string>> = {
  "123": "both modified",
  "23": "both added",
  "12": "modified here, deleted by them",
  "13": "deleted here, modified by them",
  "1": "deleted on both sides, perhaps renamed",
  "2": "added here, perhaps renamed",
  "3": "added by them, perhaps renamed",
};

export async function unmergedEncrypted(place: Place): Promise<Unmerged[]> {
  const { top } = place.repository;
  if (top === undefined) return [];
  const files = new Map<string, Map<number, StagedFile>>();
  for (const staged of await unmergedOf(place)) {
    const stages = files.get(staged.path) ?? new Map<number, StagedFile>();
    files.set(staged.path, stages.set(staged.stage, staged));
  }
  return await withObjects(place, async (objects) => {
    const found: Unmerged[] = [];
    for (const [file, stages] of files) {
      if (!(await isEncrypted(file, stages, objects))) continue;
      const kind = [...stages.keys()].sort().join("");
      const holds = await holdsNow(join(top, file), stages, objects);
      // commands name it from where the person stands
      const name = relative(place.io.cwd, join(top, file)).split(sep).join("/");
      found.push({ file, what: WHAT[kind] ?? "in conflict", holds, next: nextFor(kind, name, holds) });
    }
    return found;
  });
}

async function unmergedOf({ here }: Place): Promise<StagedFile[]> {
  const output = await askGit(here, ["ls-files", "--unmerged", "--full-name", "-z", "--", ":/"]);
  return partsOf(output).flatMap((line) => {
    const [, mode, id, stage, path] = /^(\d+) ([0-9a-f]+) ([1-3])\t(.*)$/s.exec(line) ?? [];
    return path === undefined ? [] : [{ path, mode: mode!, id: id!, stage: Number(stage) as 1 | 2 | 3 }];
  });
}

async function isEncrypted(file: string, stages: Stages, objects: Objects): Promise<boolean> {
  for (const { id } of stages.values()) {
    const object = await objects.read(id);
    if (object && (await contentOf(object.bytes, file)).kind !== "plain") return true;
  }
  return false;
}

async function holdsNow(path: string, stages: Stages, objects: Objects): Promise<Unmerged["holds"]> {
  const read = await readDocument(path).catch(() => undefined);
  if (!read) return "nothing";
  if (/^(?:<{7}|>{7}) /m.test(read.bytes.toString("latin1"))) return "markers";
  const content: Content = await contentOf(read.bytes, path);
  if (content.kind === "encrypted" && holdsConflicts(content.text.metadata)) return "conflicts";
  for (const stage of [2, 3]) {
    const id = stages.get(stage)?.id;
    const side = id === undefined ? undefined : await objects.read(id);
    if (side && sameButLineEnds(side.bytes.toString("latin1"), read.bytes.toString("latin1")))
      return "one side";
  }
  return "something else";
}

function nextFor(kind: string, file: string, holds: Unmerged["holds"]): string[] {
  const name = shellQuoted(file);
  const keep = `git add -- ${name}`;
  const remove = `git rm -- ${name}`;
  switch (kind) {
    case "123":
    case "23":
      return [...(holds === "something else" ? [keep] : []), `tsops git resolve ${name}`];
    case "12":
    case "2":
      return [keep, remove];
    case "13":
    case "3":
      return holds === "nothing" ? [`git checkout --theirs -- ${name} && ${keep}`, remove] : [keep, remove];
    default:
      return [remove];
  }
}
