import type { Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { textField } from "../keys/fields.ts";
import type { KeyContext, KeyGroup, MasterKey } from "../keys/kind.ts";
import { groupsNeeded } from "../keys/metadata.ts";
import { kindNamed } from "../keys/table.ts";
import type { Listed } from "../ui/picker/picker.ts";
import type { Run } from "./command.ts";
import { formatDrift } from "./drift.ts";
import { showKey } from "./recipients.ts";
import { errorLines } from "./report.ts";
import { filesOrAll, type Surveyed, survey } from "./survey.ts";

/** The files that the picker shows: what they are, and whether this machine has a key for them. Nobody is asked. */
export async function listedFiles(folder: string | undefined, run: Run, session: Session): Promise<Listed[]> {
  const found = await filesOrAll(folder === undefined ? [] : [folder], run);
  const { files, failures } = await survey(found, run, "looked at");
  const context: KeyContext = { ...session.context, prompt: undefined, offline: true };
  const known = new Map<string, Promise<KeyState>>();
  const listed = await Promise.all(files.map((file) => listedFile(file, context, known)));
  const failed = failures.map(({ name, error }): Listed => {
    const remarks = error instanceof TsopsError ? errorLines(error) : ["it cannot be read"];
    return { name, state: "unreadable", remarks };
  });
  return [...listed, ...failed].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function listedFile(
  file: Surveyed,
  context: KeyContext,
  known: Map<string, Promise<KeyState>>,
): Promise<Listed> {
  const name = file.file;
  if (file.state === "plaintext")
    return { name, state: "plain", remarks: ["a creation rule is for it, and it is not encrypted"] };
  if (file.state === "damaged") return { name, state: "damaged", remarks: errorLines(file.error) };
  const drift = file.drift
    ? ["it is not as its creation rule has it:", ...formatDrift(file.drift, file.settings)]
    : [];
  if (file.conflicts)
    return { name, state: "conflict", remarks: ["it holds the conflicts of a merge", ...drift] };
  const keys = await keyStates(file.groups, context, known);
  const opens = keys.filter((group) => group.some(({ usable }) => usable !== false)).length;
  if (opens >= groupsNeeded(file.groups, file.threshold)) return { name, state: "encrypted", remarks: drift };
  const why = keys
    .flat()
    .flatMap(({ key, lines }) => [`${key.kind} ${showKey(key, file.settings)}: ${lines[0] ?? ""}`]);
  return {
    name,
    state: "closed",
    remarks: [`no key of this machine opens it: ${why[0] ?? ""}`, ...why.slice(1)],
  };
}

/** A key, and whether it can be used here. */
export interface KeyState {
  readonly key: MasterKey;
  readonly usable: boolean | undefined;
  readonly lines: readonly string[];
}

/** Of each key of the groups, whether this machine can use it. What many files have is looked at once. */
export async function keyStates(
  groups: readonly KeyGroup[],
  context: KeyContext,
  known = new Map<string, Promise<KeyState>>(),
): Promise<KeyState[][]> {
  const stateOf = (key: MasterKey): Promise<KeyState> => {
    const kind = kindNamed(key.kind);
    const what = kind.examinedFor ? kind.examinedFor(key) : textField(key.fields, "enc");
    const name = JSON.stringify([key.kind, key.id, what]);
    let state = known.get(name);
    if (!state) known.set(name, (state = examined(key, context)));
    return state;
  };
  return await Promise.all(groups.map((group) => Promise.all(group.map(stateOf))));
}

async function examined(key: MasterKey, context: KeyContext): Promise<KeyState> {
  const use = await kindNamed(key.kind).use();
  return { key, ...(await use.examine(key, context)) };
}
