import { access, mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { TsopsError } from "../../errors.ts";
import { createFile, createNew } from "../../files/atomic.ts";
import { writeError } from "../../files/errors.ts";
import { configFolder } from "../../keys/age/identities.ts";
import { generateIdentity, recipientOf } from "../../keys/age.ts";
import type { Args } from "../args.ts";
import { type Io, write } from "../io.ts";
import { note } from "../report.ts";
import { makeSession } from "../session.ts";

/**
 * `init`: a `.sopsrc` for this folder that names an age key of the person's. The key is made where there is none;
 * nothing that exists is touched.
 */
export async function init(args: Args, io: Io): Promise<number> {
  for (const name of [".sopsrc", ".sops.yaml"]) {
    if (await exists(resolve(io.cwd, name))) {
      throw new TsopsError("generic", `there is a ${name} in this folder already; it is left as it is`, {
        hint: "tsops config explain FILE says what it means for a file",
      });
    }
  }
  const { context } = await makeSession(args, io);
  const path = context.env.SOPS_AGE_KEY_FILE ?? join(configFolder(context), "sops", "age", "keys.txt");
  const recipient = (await existingRecipient(path)) ?? (await newIdentity(path, io));
  await createFile(resolve(io.cwd, ".sopsrc"), Buffer.from(configText(recipient)), { plaintext: false });
  await note(io, "wrote .sopsrc: files in this folder are now encrypted for that key");
  await write(io.stdout, `${recipient}\n`);
  return 0;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** The recipient of the first identity in a key file; undefined if there is no such file. */
async function existingRecipient(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new TsopsError("read", `the age key file ${path} cannot be read`, {
      hint: "check its permissions",
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const identity = text.split(/\s+/).find((word) => word.startsWith("AGE-SECRET-KEY-"));
  if (identity !== undefined) return await recipientOf(identity);
  throw new TsopsError(
    "generic",
    `${path} holds no age identity that can be read without a passphrase or plugin`,
    {
      hint: "write the .sopsrc by hand; .sopsrc.example shows how",
    },
  );
}

async function newIdentity(path: string, io: Io): Promise<string> {
  const { text, recipient } = await generateIdentity(new Date());
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error) => {
    throw writeError(error, dirname(path));
  });
  await createNew(path, Buffer.from(text));
  await note(
    io,
    `made an age key: ${path}`,
    `keep that file secret and make a copy of it: without it nothing can be decrypted`,
  );
  return recipient;
}

function configText(recipient: string): string {
  return `// Who can read the files below this folder. Every option: docs/config.md
{
  keys: {
    me: "age:${recipient}",
  },
  rules: [
    { recipients: ["me"] },
  ],
}
`;
}
