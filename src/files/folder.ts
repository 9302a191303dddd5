import { mkdir } from "node:fs/promises";
import { writeError } from "./errors.ts";

/** Makes a folder for things that are only its owner's, with those above it. @throws TsopsError("write") */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error) => {
    throw writeError(error, path);
  });
}
