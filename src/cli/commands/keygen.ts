import { resolve } from "node:path";
import { createNew } from "../../files/atomic.ts";
import { generateIdentity } from "../../keys/age.ts";
import type { Args } from "../args.ts";
import { type Io, write } from "../io.ts";
import { note } from "../report.ts";

/** `keygen`: an age identity, to standard output or to a new file that only its owner can read. */
export async function keygen(args: Args, io: Io): Promise<number> {
  const { text, recipient } = await generateIdentity(new Date(), args.flag("post-quantum"));
  const output = args.text("output");
  if (output === undefined) {
    await write(io.stdout, text);
    await note(io, `public key: ${recipient}`);
    return 0;
  }
  await createNew(resolve(io.cwd, output), Buffer.from(text));
  await write(io.stdout, `${recipient}\n`);
  await note(io, `wrote the identity to ${output}: keep it secret; the line above is its recipient`);
  return 0;
}
