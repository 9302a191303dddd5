import { changed, inFile, TsopsError } from "../../../errors.ts";
import { decodeText } from "../../../formats/text.ts";
import { readEncryptedAs, readInput } from "../../files.ts";
import { write } from "../../io.ts";
import type { FilestatusRun } from "./command.ts";

/**
 * `filestatus`: `{"encrypted":true|false}`. A file without MAC or version does not count (docs/internals/sops.md §7).
 */
export async function filestatus(run: FilestatusRun): Promise<number> {
  const name = run.args.file!;
  let encrypted = false;
  try {
    const { bytes } = await readInput(name, run.io);
    const { metadata } = await readEncryptedAs(decodeText(bytes), name, run.args);
    encrypted = metadata.mac !== "" && metadata.version !== "";
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    if (error.code !== "no-metadata") throw cannotTell(error, name);
  }
  await write(run.io.stdout, `${JSON.stringify({ encrypted })}\n`);
  return 0;
}

function cannotTell(error: TsopsError, name: string): unknown {
  return inFile(changed(error, { message: `cannot check file status: ${error.message}`, exit: 1 }), name);
}
