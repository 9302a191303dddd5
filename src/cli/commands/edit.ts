import { basename, resolve } from "node:path";
import type { OpenDocument, Recipients, Session } from "../../document.ts";
import { editorCommand, returnsAtOnce } from "../../editor/command.ts";
import { editText } from "../../editor/session.ts";
import { inFile, TsopsError } from "../../errors.ts";
import { createNew, replaceFile } from "../../files/atomic.ts";
import { withLock } from "../../files/lock.ts";
import { exampleText } from "../../formats/example.ts";
import { encodeText } from "../../formats/text.ts";
import { loses } from "../../keys/difference.ts";
import { keepFromPrograms, secretVariables } from "../../keys/environment.ts";
import { KINDS } from "../../keys/table.ts";
import { encryptNew, saveDraft, saveText } from "../../save.ts";
import { DEFAULT_SELECTOR, selectorIn } from "../../sops/selection.ts";
import { masterVariables } from "../allowed.ts";
import type { Args } from "../args.ts";
import { creationFor, settingsForNew } from "../creation.ts";
import {
  inputFormat,
  noteOtherNames,
  openForUpdate,
  readInput,
  refuseOtherFormat,
  reportWarnings,
  ruledFile,
} from "../files.ts";
import type { Io } from "../io.ts";
import { waitForEnter } from "../prompt.ts";
import { refuseProtected } from "../protected.ts";
import { nothingSelected, warnOfNothing } from "../remarks.ts";
import { errorLines, note } from "../report.ts";
import { makeSession } from "../session.ts";
import { indentFor, loadSettings, type Settings } from "../settings.ts";
import { checkDrift, reportRemoved, sealingOf, warnOfPlain } from "../vouch.ts";

/** `edit FILE`: the plaintext in an editor; what changed is encrypted again, or a new file is made. */
export async function edit(args: Args, io: Io): Promise<number> {
  const name = args.text("file");
  if (name === undefined) throw new TsopsError("no-file", "no file specified", { hint: "tsops edit FILE" });
  await refuseProtected(name, args, io);
  const session = await makeSession(args, io);
  try {
    const input = await readInput(name, io);
    const settings = await loadSettings(ruledFile(args, name, io), args, io);
    const open = await openForUpdate(name, input.bytes, args, io, session);
    try {
      await editExisting(name, open, settings, session, args, io, input.fingerprint);
    } finally {
      open.close();
    }
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw inFile(error, name);
    await editNew(name, session, args, io).catch((failure) => {
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
  await refuseOtherFormat(args, open.format);
  await checkDrift(open, settings, name, args, io);
  const { seal, said } = await sealingOf(open, settings, name, args, io);
  let after: Recipients = open;
  const options = { seal, indent: indentFor(open.format, args, settings), raiseVersion: true };
  const withKeys = args.flag("show-master-keys") && !open.format.wrapper;
  const withTypedKeys = async (typed: string): Promise<string> => {
    const { text, recipients } = await saveDraft(open, typed, session, options);
    after = recipients;
    return text;
  };
  const withWarnings = async (typed: string): Promise<string> => {
    const { text, warnings } = saveText(open, typed, session, options);
    await reportWarnings(warnings, typed, name, io);
    return text;
  };
  const encrypt = async (typed: string): Promise<string> => {
    const text = await (withKeys ? withTypedKeys : withWarnings)(typed);
    await warnOfPlain(open, text, settings, name, io);
    return text;
  };
  const before = withKeys ? open.decrypted.draft : open.decrypted.text;
  await editAndSave(
    name,
    before,
    encrypt,
    await hiddenFrom(name, open, session, args, io),
    io,
    async (text) => {
      const path = resolve(io.cwd, name);
      if (said !== undefined) await note(io, said);
      const replaced = await withLock(path, () =>
        replaceFile(path, encodeText(text), { expected: fingerprint }),
      );
      await noteOtherNames(name, replaced, false, io);
    },
  );
  if (loses(open, after)) await reportRemoved(after, open, settings, io);
}

/** A file that is not there yet starts from an example, as SOPS's does. */
async function editNew(name: string, session: Session, args: Args, io: Io): Promise<void> {
  const settings = await settingsForNew(name, args, io);
  const creation = await creationFor(settings, args, io);
  const format = await inputFormat(args, name, creation);
  await refuseOtherFormat(args, format);
  const indent = indentFor(format, args, settings);
  const example = exampleText(format, { indent });
  const selector = selectorIn(format, creation.selector ?? DEFAULT_SELECTOR);
  const encrypt = async (typed: string): Promise<string> => {
    const { text, warnings, reading } = await encryptNew(typed, format, { ...creation, indent }, session);
    await reportWarnings(warnings, typed, name, io);
    await warnOfNothing(name, selector && (await nothingSelected(reading, selector)), io);
    return text;
  };
  const hidden = await hiddenFrom(name, creation, session, args, io);
  await editAndSave(name, example, encrypt, hidden, io, (text) =>
    createNew(resolve(io.cwd, name), encodeText(text), { mode: 0o666 }),
  );
}

/** The variables with master keys, of the file and of the configuration: the editor does not get them. */
async function hiddenFrom(
  name: string,
  { groups }: Pick<Recipients, "groups">,
  { context }: Session,
  args: Args,
  io: Io,
): Promise<string[]> {
  keepFromPrograms(groups, context);
  return [...secretVariables(context), ...(await masterVariables(args, io, [name]))];
}

/** One edit session. What was typed is kept until it is saved: a failed save keeps it in a private file. */
async function editAndSave(
  name: string,
  before: string,
  encrypt: (typed: string) => Promise<string>,
  hidden: readonly string[],
  io: Io,
  save: (text: string) => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const result = await editText({
    text: encodeText(before),
    name: basename(name),
    env: io.env,
    hidden,
    kinds: KINDS,
    cwd: io.cwd,
    encrypt,
    save,
    retry: (error) => offerRetry(error, io),
    warn: (message) => note(io, `warning: ${message}`),
  });
  if (result !== "unchanged") return;
  const soon = performance.now() - begun < AT_ONCE_MS || returnsAtOnce(await editorCommand(io.env));
  throw new TsopsError("not-modified", "File has not changed", {
    hint: soon ? `nothing was written\n${WAIT}` : "nothing was written",
  });
}

/** Nobody reads a file and closes it in less, in milliseconds. */
const AT_ONCE_MS = 1000;

const WAIT =
  "does your editor return at once, with its window still open? Then tell it to wait:\n" +
  "EDITOR='code --wait' (subl --wait, gedit --wait, gvim -f)";

/** Shows what is wrong and waits for Enter, which may come from a pipe. False if nobody answers. */
async function offerRetry(error: TsopsError, io: Io): Promise<boolean> {
  const [first = "", ...more] = errorLines(error);
  await note(io, first.replace(/^tsops: /, ""), ...more);
  return await waitForEnter(
    "Press Enter to go back to the editor with what you typed, or Ctrl-C to stop: ",
    io,
  );
}
