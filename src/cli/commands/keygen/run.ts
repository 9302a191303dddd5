import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { createNew } from "../../../files/atomic.ts";
import { makePrivateFolder } from "../../../files/folder.ts";
import { generateIdentity } from "../../../keys/age/keygen.ts";
import { write } from "../../io.ts";
import { note } from "../../report.ts";
import type { KeygenRun } from "./command.ts";

/** `keygen`: an age identity or a master key, to standard output or to a new file that only its owner can read. */
export async function keygen(run: KeygenRun): Promise<number> {
  if (run.args.master) return masterKey(run);
  if (run.args.key !== undefined) {
    throw new TsopsError("usage", "--key is for master keys: an age identity cannot be wrapped", {
      hint: "add --master to make a master key",
    });
  }
  const { text, recipient } = await generateIdentity(new Date(), run.args["post-quantum"]);
  const output = run.args.output;
  if (output === undefined) {
    await write(run.io.stdout, text);
    await note(run.io, `public key: ${recipient}`);
    return 0;
  }
  await makePrivateFolder(dirname(resolve(run.io.cwd, output)));
  await createNew(resolve(run.io.cwd, output), Buffer.from(text));
  await write(run.io.stdout, `${recipient}\n`);
  await note(run.io, `wrote the identity to ${output}: keep it secret; the line above is its recipient`);
  return 0;
}

/** The text of a secret that holds a new master key, as it is or wrapped by the key that `--key` names. */
async function masterKey(run: KeygenRun): Promise<number> {
  if (run.args["post-quantum"]) {
    throw new TsopsError("usage", "--post-quantum is for age identities", {
      hint: "leave it out: a master key is symmetric, and quantum computers do not break those",
    });
  }
  const { MASTER_KEY_BYTES, masterKeyId } = await import("../../../keys/stores/master.ts");
  const master = randomBytes(MASTER_KEY_BYTES);
  try {
    const { key, output } = run.args;
    const text = key === undefined ? master.toString("base64") : await wrapped(master, key, run);
    if (output === undefined) await write(run.io.stdout, `${text}\n`);
    else {
      await makePrivateFolder(dirname(resolve(run.io.cwd, output)));
      await createNew(resolve(run.io.cwd, output), Buffer.from(`${text}\n`));
    }
    const where = output === undefined ? "" : `; wrote it to ${output}`;
    await note(run.io, `id of the master key: ${masterKeyId(master)}${where}`);
    return 0;
  } finally {
    master.fill(0);
  }
}

async function wrapped(master: Buffer, uri: string, run: KeygenRun): Promise<string> {
  const [{ keysFrom }, { sessionOf }, { kindNamed }, { textField }, { wrapOne }, { wrappedPart }] =
    await Promise.all([
      import("../../creation.ts"),
      import("../../session.ts"),
      import("../../../keys/table.ts"),
      import("../../../keys/fields.ts"),
      import("../../../keys/groups.ts"),
      import("../../../keys/stores/secret.ts"),
    ]);
  const wrapping = { ...run, args: { ...run.args, key: [uri] } };
  const [key, ...more] = keysFrom(wrapping.args);
  const kind = key && kindNamed(key.kind);
  if (!kind || more.length > 0 || !kind.sops) {
    throw new TsopsError("usage", "a master key is wrapped by one key of a kind that SOPS knows", {
      hint: "give --key the URI of one key, such as awskms://… or age:…",
    });
  }
  const { context } = await sessionOf(wrapping);
  return wrappedPart(uri, textField((await wrapOne(key, master, context)).fields, "enc"));
}
