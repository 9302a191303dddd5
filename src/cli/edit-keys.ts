import { Readable, Writable } from "node:stream";
import type { OpenDocument, Session } from "../document.ts";
import { uriOf } from "../keys/uri.ts";
import type { KeyChange, KeyLine } from "../ui/state/keys-view.ts";
import { valuesOf } from "./args.ts";
import type { Run } from "./command.ts";
import { ROTATE } from "./commands/rotate/command.ts";
import { UPDATEKEYS } from "./commands/updatekeys/command.ts";
import { describeDrift } from "./drift.ts";
import type { OpenFile } from "./files.ts";
import type { Io } from "./io.ts";
import { keyStates } from "./listed.ts";
import { showKey } from "./recipients.ts";
import { shareSession } from "./session.ts";
import type { Settings } from "./settings.ts";
import { checkDrift, driftOf } from "./vouch.ts";

/** Who can open a file: its key groups, each key with whether it can be used here, and what the rule would give. */
export async function keyLines(
  open: OpenDocument,
  settings: Settings,
  run: Run,
  session: Session,
): Promise<KeyLine[]> {
  const { groups, threshold } = open;
  const states = await keyStates(groups, { ...session.context, prompt: undefined, offline: true });
  const lines: KeyLine[] = [];
  if (groups.length > 1) {
    const needed = threshold === 0 ? groups.length : threshold;
    lines.push({ text: `${needed} of ${groups.length} groups are needed`, tone: "head" });
  }
  for (const [i, group] of states.entries()) {
    if (groups.length > 1) lines.push({ text: `group ${i + 1}`, tone: "head" });
    for (const { key, usable, lines: why } of group) {
      const can = { true: "usable", false: "not here", undefined: "perhaps" };
      const text = `${can[String(usable) as keyof typeof can].padEnd(8)}  ${key.kind} ${showKey(key, settings)}`;
      lines.push({ text, tone: usable === false ? "bad" : "good", key: uriOf(key) });
      for (const line of why) lines.push({ text: `    ${line}`, tone: "note" });
    }
  }
  const drift = await driftOf(open, settings, run.io);
  if (drift) {
    const [first, ...more] = describeDrift(drift, settings);
    lines.push({ text: `the file ${first}`, tone: "head" });
    for (const text of more) lines.push({ text: `    ${text}`, tone: "note" });
  } else
    lines.push({
      text: settings.config ? "the file is as its creation rule has it" : "no creation rule is for it",
      tone: "head",
    });
  return lines;
}

/**
 * Changes who can open a file, by the commands that do that: with all their checks, and without a yes to anything but the
 * change itself, which the person has confirmed.
 * @throws TsopsError("recipients-changed" | "selectors-changed") if the file is not as its creation rule says.
 */
export async function changeKeys(
  file: OpenFile,
  change: KeyChange,
  run: Run,
  session: Session,
): Promise<void> {
  const { args: given } = run;
  const own = { yes: given.yes === true, "input-type": given["input-type"], files: [file.name], "--": [] };
  if (change.kind === "rule") {
    const { updatekeys } = await import("./commands/updatekeys/run.ts");
    // what is wrong besides the keys
    await checkDrift(file, run, { mends: { recipients: true } });
    const args = { ...given, ...valuesOf(UPDATEKEYS.options), ...own };
    await updatekeys({ ...run, io: answering("y\n", run.io, session), args });
    return;
  }
  const { rotate } = await import("./commands/rotate/run.ts");
  const args = {
    ...given,
    ...valuesOf(ROTATE.options),
    ...own,
    "in-place": true,
    ...(change.kind === "add" ? { "add-key": [change.key] } : {}),
    ...(change.kind === "remove" ? { "rm-key": [change.key] } : {}),
  };
  await rotate({ ...run, args });
}

/** A run in which the one question that is asked has its answer: it was shown and confirmed in the editor. */
function answering(answer: string, io: Io, session: Session): Io {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answered: Io = Object.create(io, {
    stdin: { value: Readable.from([Buffer.from(answer)]) },
    stdout: { value: silent },
  });
  shareSession(answered, session);
  return answered;
}
