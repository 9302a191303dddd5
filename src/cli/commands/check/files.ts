import { statSync } from "node:fs";
import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import type { Found } from "../../../files/discover.ts";
import { append } from "../../../formats/append.ts";
import { forEachFile } from "../../batch.ts";
import { readInput } from "../../files.ts";
import { findFiles } from "../../found.ts";
import { note } from "../../report.ts";
import { type Checking, checkContent, type Outcome } from "./content.ts";
import { HUGE, hugeNote } from "./huge.ts";

/** Files on disk: those that were named, or all below the working folder. Each is read once. */
export async function checkFiles(checking: Checking, outcome: Outcome): Promise<void> {
  const { run } = checking;
  const given = run.args.files.length > 0 ? run.args.files : ["."];
  const found = await findFiles(given, run, { writes: false });
  const byName = new Map(found.map((file) => [file.name, file]));
  const one = async (name: string): Promise<void> => await checkFile(byName.get(name)!, checking, outcome);
  const [first, ...others] = byName.keys();
  if (first === undefined) return;
  if (others.length === 0) await one(first);
  else await forEachFile([...byName.keys()], { what: "checked", run }, one);
}

/** What goes wrong with a file is kept: the others are looked at all the same. */
async function checkFile({ name, named }: Found, checking: Checking, outcome: Outcome): Promise<void> {
  const { run } = checking;
  try {
    if (!named && isHuge(resolve(run.io.cwd, name))) {
      await note(run.io, `${hugeNote(name)}: name it to check it`);
      return;
    }
    const { bytes } = await readInput(name, run.io);
    const findings = await checkContent({ name, bytes, named }, checking);
    append(outcome.findings, findings);
    outcome.names.add(name);
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
    const where = error.place?.file ?? name;
    outcome.failed.push({ file: where, error: error.code, message: error.message });
  }
}

function isHuge(path: string): boolean {
  try {
    return statSync(path).size > HUGE;
  } catch {
    return false;
  }
}
