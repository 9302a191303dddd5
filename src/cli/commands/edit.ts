import { basename, resolve } from "node:path";
import type { OpenDocument, Recipients, Session } from "../../document.ts";
import { editText } from "../../editor/session.ts";
import { inFile, TsopsError } from "../../errors.ts";
import { createNew, replaceFile } from "../../files/atomic.ts";
import { withLock } from "../../files/lock.ts";
import { exampleText } from "../../formats/example.ts";
import { encodeText } from "../../formats/text.ts";
import { nameOf } from "../../keys/store/env.ts";
import { encryptNew, saveDraft, saveText } from "../../save.ts";
import type { Args } from "../args.ts";
import { creationFor } from "../creation.ts";
import { inputFormat, openForUpdate, readInput } from "../files.ts";
import type { Io } from "../io.ts";
import { waitForEnter } from "../prompt.ts";
import { formatError, note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings, type Settings } from "../settings.ts";
import { checkRecipients, checkSelectors } from "../vouch.ts";

/** `edit FILE`: the plaintext in an editor; what changed is encrypted again, or a new file is made. */
export async function edit(args: Args, io: Io): Promise<number> {
  const name = args.text("file");
  if (name === undefined) throw new TsopsError("no-file", "no file specified", { hint: "tsops edit FILE" });
  const session = await makeSession(args, io);
  const settings = await loadSettings(resolve(io.cwd, name), args, io);
  try {
    const input = await readInput(name, io);
    const open = await openForUpdate(name, input.bytes, args, io, session);
    try {
      await editExisting(name, open, settings, session, args, io, input.fingerprint);
    } finally {
      open.close();
    }
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw inFile(error, name);
    await editNew(name, settings, session, args, io).catch((failure) => {
      throw inFile(failure, name);
    });
  }
  return 0;
}

async function editExisting(
  name: string,
  open: OpenDocument,
  settings: Settings,
  session: Session,
  args: Args,
  io: Io,
  fingerprint: Awaited<ReturnType<typeof readInput>>["fingerprint"],
): Promise<void> {
  const seal = await checkRecipients(open, settings, name, args, io, false);
  const options = { seal, indent: indentFor(open.format, args, settings), raiseVersion: true };
  const withKeys = args.flag("show-master-keys") && !open.format.readEncrypted;
  const encrypt = async (typed: string): Promise<string> => {
    const text = await (withKeys ? saveDraft : saveText)(open, typed, session, options);
    await checkSelectors(open, text, settings, args);
    return text;
  };
  const before = withKeys ? open.decrypted.draft : open.decrypted.text;
  await editAndSave(name, before, encrypt, open, io, async (text) => {
    const path = resolve(io.cwd, name);
    await withLock(path, () => replaceFile(path, encodeText(text), { expected: fingerprint }));
  });
}

/** A file that is not there yet starts from an example, as SOPS's does. */
async function editNew(
  name: string,
  settings: Settings,
  session: Session,
  args: Args,
  io: Io,
): Promise<void> {
  const creation = await creationFor(settings, args, io);
  const format = await inputFormat(args, name);
  const indent = indentFor(format, args, settings);
  const example = exampleText(format, { indent });
  const encrypt = (typed: string): Promise<string> =>
    encryptNew(typed, format, { ...creation, indent }, session);
  await editAndSave(name, example, encrypt, creation, io, (text) =>
    createNew(resolve(io.cwd, name), encodeText(text), { mode: 0o666 }),
  );
}

/** One edit session. What was typed is kept until it is saved: a failed save keeps it in a private file. */
async function editAndSave(
  name: string,
  before: string,
  encrypt: (typed: string) => Promise<string>,
  { groups }: Pick<Recipients, "groups">,
  io: Io,
  save: (text: string) => Promise<void>,
): Promise<void> {
  const result = await editText({
    text: encodeText(before),
    name: basename(name),
    env: io.env,
    hidden: groups.flat().flatMap(({ kind, id }) => (kind === "env" ? nameOf(id) : [])),
    cwd: io.cwd,
    encrypt,
    save,
    retry: (error) => offerRetry(error, io),
    warn: (message) => note(io, `warning: ${message}`),
  });
  if (result === "unchanged") {
    throw new TsopsError("not-modified", "the file has not changed", { hint: "nothing was written" });
  }
}

/** Shows what is wrong and waits for Enter, which may come from a pipe. False if nobody answers. */
async function offerRetry(error: TsopsError, io: Io): Promise<boolean> {
  await note(io, formatError(error).replace(/^tsops: /, ""));
  return await waitForEnter(
    "Press Enter to go back to the editor with what you typed, or Ctrl-C to stop. ",
    io,
  );
}
