import { type Listed, type PickerState, shownFiles } from "../picker/picker.ts";
import { visible } from "../view/cells.ts";
import type { Speech } from "./speech.ts";

/** What the list of files says when it changes. */
export function filesSpeech(before: PickerState | undefined, state: PickerState): Speech {
  const lines: string[] = [];
  const files = shownFiles(state);
  if (!before) {
    lines.push(
      `${state.files.length} files in ${visible(state.folder)}`,
      "keys: type to search; Up and Down, choose; Enter, open; Ctrl-C, quit",
    );
  }
  if (before && before.query !== state.query)
    lines.push(state.query === "" ? "all files" : `${files.length} with ${visible(state.query)}`);
  if (state.message !== undefined && state.message !== before?.message) lines.push(visible(state.message));
  const line = fileSpeech(state);
  const was = before && fileSpeech(before);
  if (lines.length > 0 || line !== was) lines.push(line);
  return { clears: false, lines, echo: "", open: false };
}

/** The file that is chosen, for a key that changes nothing. */
export function hereInFiles(state: PickerState): Speech {
  return { clears: false, lines: [fileSpeech(state)], echo: "", open: false };
}

const STATES: Readonly<Record<Listed["state"], string>> = {
  encrypted: "encrypted",
  plain: "plain, should be encrypted",
  conflict: "conflict",
  damaged: "damaged",
  unreadable: "cannot be read",
  closed: "no key here",
};

function fileSpeech(state: PickerState): string {
  const files = shownFiles(state);
  const file = files[state.at];
  if (!file) return state.query === "" ? "there are no encrypted files here" : "nothing found";
  const said = [visible(file.name), STATES[file.state], `${state.at + 1} of ${files.length}`];
  return [...said, ...file.remarks.map(visible)].join(", ");
}
