import { inFile, TsopsError } from "../../../errors.ts";
import { decodeText } from "../../../formats/text.ts";
import type { Args } from "../../args.ts";
import { readEncryptedAs, readInput } from "../../files.ts";
import { type Io, write } from "../../io.ts";

/** `filestatus`: `{"encrypted":true|false}`. A file without MAC or version does not count (SPEC section 7). */
export async function filestatus(args: Args, io: Io): Promise<number> {
  const name = args.text("file")!;
  let encrypted = false;
  try {
    const { bytes } = await readInput(name, io);
    const { metadata } = await readEncryptedAs(decodeText(bytes), name, args);
    encrypted = metadata.mac !== "" && metadata.version !== "";
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    if (error.code !== "no-metadata") throw cannotTell(error, name);
  }
  await write(io.stdout, `${JSON.stringify({ encrypted })}\n`);
  return 0;
}

function cannotTell(error: TsopsError, name: string): unknown {
  const { message, hint, place } = error;
  return inFile(
    new TsopsError(error.code, `cannot check file status: ${message}`, { hint, place, exit: 1 }),
    name,
  );
}
