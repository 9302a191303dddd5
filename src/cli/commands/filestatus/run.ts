import { changed, inFile, TsopsError } from "../../../errors.ts";
import { explore } from "../../../files/discover.ts";
import { decodeText } from "../../../formats/text.ts";
import { groupsFromMetadata } from "../../../keys/metadata.ts";
import { type Failure, reportFailures } from "../../failures.ts";
import { readEncryptedAs, readInput } from "../../files.ts";
import { mayBeEncrypted, notePassedOver, searchOf } from "../../found.ts";
import { failureJson, writeJson } from "../../json.ts";
import { rememberPlace } from "../../place.ts";
import type { FilestatusRun } from "./command.ts";

/**
 * `filestatus`: `{"encrypted":true|false}`. A file without MAC or version does not count (docs/internals/sops.md §7). Of
 * several files, a folder or a pattern, a list.
 */
export async function filestatus(run: FilestatusRun): Promise<number> {
  const { files } = run.args;
  const [name] = files;
  const found = await explore(files, searchOf(run));
  if (files.length === 1 && found.files.length === 1 && found.files[0]!.named) {
    await writeJson(run.io, { encrypted: await isEncrypted(name!, run) });
    return 0;
  }
  await notePassedOver(found.passedOver, run.io);
  const failures: Failure[] = [];
  const results: object[] = [];
  for (const { name: file, named } of found.files) {
    if (!named) rememberPlace(file, run.io);
    try {
      results.push({ file, encrypted: await isEncrypted(file, run, named) });
    } catch (error) {
      failures.push({ name: file, error });
      results.push(failureJson({ name: file, error }));
    }
  }
  await writeJson(run.io, { files: results });
  await reportFailures(failures, run);
  return failures.length > 0 ? 1 : 0;
}

/** A folder holds files of all kinds, which need not be readable as what their names say. */
async function isEncrypted(name: string, run: FilestatusRun, named = true): Promise<boolean> {
  try {
    const { bytes } = await readInput(name, run.io);
    if (!named && !mayBeEncrypted(bytes)) return false;
    const { metadata } = await readEncryptedAs(decodeText(bytes), name, run.args);
    groupsFromMetadata(metadata.tree); // SOPS reads them, too: without keys a file is not encrypted, but damaged
    return metadata.mac !== "" && metadata.version !== "";
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    if (error.code !== "no-metadata") throw cannotTell(error, name);
    return false;
  }
}

function cannotTell(error: TsopsError, name: string): unknown {
  return inFile(changed(error, { message: `cannot check file status: ${error.message}`, exit: 1 }), name);
}
