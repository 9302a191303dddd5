import { basename, resolve } from "node:path";
import type { Recipients, Session } from "../../../document.ts";
import { editorCommand, namesEditor, returnsAtOnce } from "../../../editor/command.ts";
import { editText } from "../../../editor/session.ts";
import { inFile, TsopsError } from "../../../errors.ts";
import { createNew, replaceFile } from "../../../files/atomic.ts";
import type { ReadFile } from "../../../files/read.ts";
import { exampleText } from "../../../formats/example.ts";
import { encodeText } from "../../../formats/text.ts";
import { loses } from "../../../keys/difference.ts";
import { KINDS } from "../../../keys/table.ts";
import { encryptNew, saveDraft, saveText } from "../../../save.ts";
import { nothingSelected } from "../../../sops/nothing.ts";
import { DEFAULT_SELECTOR, selectorIn } from "../../../sops/selection.ts";
import { alone } from "../../alone.ts";
import { creationFor, settingsForNew } from "../../creation.ts";
import { editorAsked } from "../../edit-options.ts";
import {
  inputFormat,
  noteOtherNames,
  type OpenFile,
  openForUpdate,
  readInput,
  refuseOtherFormat,
  reportWarnings,
  ruledFile,
} from "../../files.ts";
import { hiddenFrom } from "../../hidden-variables.ts";
import { hasTerminal, type Io } from "../../io.ts";
import { waitForEnter } from "../../prompt.ts";
import { refuseProtected } from "../../protected.ts";
import { warnOfNothing } from "../../remarks.ts";
import { errorLines, mention, note } from "../../report.ts";
import { sessionOf } from "../../session.ts";
import { indentFor, loadSettings } from "../../settings.ts";
import { noteShared, sharedElsewhere } from "../../shared-elsewhere.ts";
import { checkDrift, reportRemoved, sealingOf, warnOfPlain } from "../../vouch.ts";
import type { EditRun } from "./command.ts";

/** `edit FILE`: the plaintext in an editor; what changed is encrypted again, or a new file is made. */
export async function edit(run: EditRun): Promise<number> {
  const name = run.args.file;
  if (editsOnScreen(run)) {
    const { editOnScreen } = await import("../../edit-screen.ts");
    return await editOnScreen(name, run);
  }
  await refuseProtected(name, run);
  const session = await sessionOf(run);
  try {
    const input = await readInput(name, run.io);
    const settings = await loadSettings(ruledFile(run.args, name, run.io), run);
    const open = await openForUpdate(name, input.bytes, run, session);
    try {
      await editExisting({ name, open, settings }, input.fingerprint, session, run);
    } finally {
      open.close();
    }
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "no-such-file") throw inFile(error, name);
    await editNew(name, session, run).catch((failure) => {
      throw inFile(failure, name);
    });
  }
  return 0;
}

/** Whether tsops's own editor is asked for, or there is no other: SOPS would look for vim, nano and vi. */
function editsOnScreen({ args, io }: EditRun): boolean {
  const asked = args.linear || editorAsked(io.env) !== undefined;
  const byNobody = !namesEditor(io.env) && !args["show-master-keys"] && hasTerminal(io);
  if (!args.tui && !asked && !byNobody) {
    if (!args["no-reveal"]) return false;
    throw new TsopsError(
      "conflicting-parameters",
      "another editor shows every value: --no-reveal needs tsops's own",
      {
        hint: "add --tui",
      },
    );
  }
  if (!args["show-master-keys"]) return true;
  throw new TsopsError("conflicting-parameters", "--show-master-keys is for editors of text", {
    hint: "name one with EDITOR and leave out --tui and --linear, or see tsops groups and tsops updatekeys",
  });
}

async function editExisting(
  file: OpenFile,
  fingerprint: ReadFile["fingerprint"],
  session: Session,
  run: EditRun,
): Promise<void> {
  const { name, open, settings } = file;
  await refuseOtherFormat(run.args, open.format);
  await checkDrift(file, run);
  const { seal, said } = await sealingOf(file, run);
  let after: Recipients = open;
  const options = { seal, indent: indentFor(open.format, run.args, settings), raiseVersion: true };
  const withKeys = run.args["show-master-keys"] && !open.format.wrapper;
  const renew = async (recipients: Recipients): Promise<boolean> =>
    (await sharedElsewhere(open, recipients, settings, run)) !== undefined;
  const withTypedKeys = async (typed: string): Promise<string> => {
    const { text, recipients } = await saveDraft(open, typed, session, { ...options, renew });
    after = recipients;
    return text;
  };
  const withWarnings = async (typed: string): Promise<string> => {
    const { text, warnings } = saveText(open, typed, session, options);
    await reportWarnings(warnings, typed, name, run.io);
    return text;
  };
  const encrypt = async (typed: string): Promise<string> => {
    const text = await (withKeys ? withTypedKeys : withWarnings)(typed);
    await warnOfPlain(file, text, run.io);
    return text;
  };
  const before = withKeys ? open.decrypted.draft : open.decrypted.text;
  const save = async (text: string): Promise<void> => {
    const path = resolve(run.io.cwd, name);
    if (said !== undefined) await note(run.io, said);
    const replaced = await alone(path, run.io, () =>
      replaceFile(path, encodeText(text), { expected: fingerprint }),
    );
    await noteOtherNames(name, replaced, false, run.io);
  };
  const hidden = await hiddenFrom(name, open, session, run);
  await editAndSave(name, { text: encodeText(before), encrypt, hidden, save }, run.io);
  if (loses(open, after)) await reportRemoved(file, after, run.io);
  if (withKeys) await noteShared(name, await sharedElsewhere(open, after, settings, run), run.io);
}

/** A file that is not there yet starts from an example, as SOPS's does. */
async function editNew(name: string, session: Session, run: EditRun): Promise<void> {
  const settings = await settingsForNew(name, run);
  const creation = await creationFor(settings, run);
  const format = await inputFormat(run.args, name, creation);
  await refuseOtherFormat(run.args, format);
  const indent = indentFor(format, run.args, settings);
  const example = exampleText(format, { indent });
  const selector = selectorIn(format, creation.selector ?? DEFAULT_SELECTOR);
  const encrypt = async (typed: string): Promise<string> => {
    const { text, warnings, reading } = await encryptNew(typed, format, { ...creation, indent }, session);
    await reportWarnings(warnings, typed, name, run.io);
    await warnOfNothing(name, selector && (await nothingSelected(reading, selector)), run.io);
    return text;
  };
  const hidden = await hiddenFrom(name, creation, session, run);
  const save = (text: string) => createNew(resolve(run.io.cwd, name), encodeText(text), { mode: 0o666 });
  await editAndSave(name, { text: encodeText(example), encrypt, hidden, save }, run.io);
}

/** One edit session. What was typed is kept until it is saved: a failed save keeps it in a private file. */
async function editAndSave(
  name: string,
  about: Pick<Parameters<typeof editText>[0], "text" | "encrypt" | "hidden" | "save">,
  io: Io,
): Promise<void> {
  const begun = performance.now();
  const result = await editText({
    ...about,
    name: basename(name),
    env: io.env,
    kinds: KINDS,
    cwd: io.cwd,
    retry: (error) => offerRetry(error, io),
    warn: (message) => mention(io, `warning: ${message}`),
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
