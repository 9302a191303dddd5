import { labelOf } from "../draft/draft.ts";
import type { Node } from "../outline/node.ts";
import { nodeOf, type State } from "../state/state.ts";
import { visible } from "../view/cells.ts";
import { openedSpeech, promptOf, typingSpeech } from "./box.ts";
import { keysSpeech, type Listing, listingOf } from "./dialogs.ts";
import { rowSpeech, whereSpeech } from "./row.ts";

/** What is said when the state changes: lines, so that who hears the screen, or reads it line by line, misses nothing. */
export interface Speech {
  /** Values were said in clear, and are hidden now: what stands on the screen has to go. */
  readonly clears: boolean;
  readonly lines: readonly string[];
  /** What goes on on the line that is open. */
  readonly echo: string;
  /** Typing goes on behind the last line. */
  readonly open: boolean;
}

const NOTHING: Speech = { clears: false, lines: [], echo: "", open: false };

/** What is said of a state, after the one before it. */
export function speechOf(before: State | undefined, state: State): Speech {
  const clears = before !== undefined && saysSecrets(before) && !saysSecrets(state);
  const lines = [
    ...(clears ? ["values are hidden again"] : []),
    ...(before === undefined ? [`tsops, ${visible(state.name)}; ? lists the keys`] : []),
    ...workSpeech(before, state),
    ...messageSpeech(before, state),
  ];
  const { mode } = state;
  if (mode.kind === "box") return { ...boxSpeech(before, state, lines), clears };
  return { clears, lines: [...lines, ...modeSpeech(before, state, lines.length > 0)], echo: "", open: false };
}

/** Where somebody is: for a key that changes nothing. */
export function hereSpeech(state: State): Speech {
  if (state.busy !== undefined) return { ...NOTHING, lines: [`${state.busy}, please wait`] };
  const { mode } = state;
  if (mode.kind === "box") return { ...NOTHING, lines: [promptOf(mode)], open: true };
  const listing = listingOf(state);
  if (listing) return { ...NOTHING, lines: withKeys(state, [...listing.head, ...chosenOf(listing)]) };
  const node = nodeOf(state);
  return {
    ...NOTHING,
    lines: node ? [rowSpeech(state, node), whereSpeech(state, node)] : [emptySpeech(state)],
  };
}

/** Whether what is said has values in clear. */
export function saysSecrets({ revealed, mode }: State): boolean {
  if (revealed.all || revealed.paths.size > 0) return true;
  if (mode.kind === "box") return !mode.box.hidden && SECRET.has(mode.purpose.kind);
  return "reveal" in mode && mode.reveal;
}

const SECRET: ReadonlySet<string> = new Set(["value", "base64", "comment", "new-comment", "passphrase"]);

function emptySpeech(state: State): string {
  return state.draft ? "the document is empty: a adds a key" : "there are no keys yet";
}

function workSpeech(before: State | undefined, state: State): string[] {
  const lines: string[] = [];
  if (state.busy !== undefined && state.busy !== before?.busy) lines.push(`${state.busy}, please wait`);
  if (state.draft && !before?.draft) {
    const count = state.draft.base.reading.entries.length;
    lines.push(
      `${state.encrypted ? "decrypted" : "a new file"}: ${count} ${count === 1 ? "entry" : "entries"}`,
    );
  } else if (state.draft && before?.draft && state.draft.made > before.draft.made && state.draft.past)
    lines.push(`done: ${visible(labelOf(state.draft.past) ?? "")}`);
  if (state.list && state.list.ids !== before?.list?.ids)
    lines.push(`${state.list.ids.length} ${state.list.title}; Esc shows all again`);
  else if (!state.list && before?.list) lines.push("all entries");
  return lines;
}

function messageSpeech(before: State | undefined, { message }: State): string[] {
  // of a key that is none, it is said where somebody is, and which keys there are
  if (!message || (message.passing && message.tone === "info") || message === before?.message) return [];
  const [first = "", ...more] = message.lines.map(visible);
  return [message.tone === "info" ? first : `${message.tone}: ${first}`, ...more];
}

/** What is typed goes on on one line; where anything else is said, the line is said again behind it. */
function boxSpeech(before: State | undefined, state: State, lines: string[]): Omit<Speech, "clears"> {
  const mode = state.mode as Extract<State["mode"], { kind: "box" }>;
  const was = before?.mode.kind === "box" && before.mode.title === mode.title ? before.mode : undefined;
  if (!was) {
    const keys = keysSpeech(state);
    // what comes fast is there already when the line is said first
    const found = mode.purpose.kind === "find" && mode.box.text !== "" ? [hitSpeech(state)] : [];
    const said = [...lines, ...openedSpeech(mode), ...(keys ? [keys] : []), ...found, promptOf(mode)];
    return { lines: said, echo: "", open: true };
  }
  if (mode.purpose.kind === "find" && mode.box.text !== was.box.text)
    return { lines: [...lines, hitSpeech(state), promptOf(mode)], echo: "", open: true };
  if (mode.box === was.box)
    return { lines: lines.length > 0 ? [...lines, promptOf(mode)] : [], echo: "", open: true };
  const typing = typingSpeech(was, mode, state);
  if ("echo" in typing && lines.length === 0) return { lines: [], echo: typing.echo, open: true };
  const said = "lines" in typing ? typing.lines : [promptOf(mode)];
  return { lines: [...lines, ...said], echo: "", open: true };
}

function hitSpeech(state: State): string {
  const { hits } = state.find;
  const node = nodeOf(state);
  if (hits.length === 0) return "nothing found";
  return `${hits.length} found: ${node ? rowSpeech(state, node) : ""}`;
}

function modeSpeech(before: State | undefined, state: State, saidAnything: boolean): string[] {
  const listing = listingOf(state);
  if (listing) {
    const was = before && before.mode.kind === state.mode.kind ? listingOf(before) : undefined;
    return listingSpeech(state, listing, was);
  }
  const node = nodeOf(state);
  const came = before === undefined || before.mode.kind !== "tree";
  if (!node) return came || saidAnything ? [emptySpeech(state)] : [];
  const row = rowSpeech(state, node);
  return came || row !== rowBefore(before) || before.cursor !== state.cursor ? [row] : [];
}

function rowBefore(before: State): string | undefined {
  const node: Node | undefined = nodeOf(before);
  return node && rowSpeech(before, node);
}

function listingSpeech(state: State, listing: Listing, was: Listing | undefined): string[] {
  const { head, items, top, rows, version } = listing;
  if (!was || was.version !== version || was.head[0] !== head[0]) {
    const shown = items.slice(top, top + rows);
    const left = items.length - top - shown.length;
    const more = left > 0 && listing.at === undefined ? [`${left} more: Down or PgDn`] : [];
    const decided = was && listing.at !== undefined ? changedItem(listing, was) : [];
    return withKeys(state, [...decided, ...head, ...shown, ...more]);
  }
  if (listing.at !== undefined) return listing.at === was.at ? [] : chosenOf(listing);
  if (top > was.top) return items.slice(Math.max(was.top + rows, top), top + rows);
  return items.slice(top, Math.min(was.top, top + rows));
}

/** What was decided before the next one is looked at. */
function changedItem({ items, at }: Listing, was: Listing): string[] {
  return was.at === undefined || was.at === at ? [] : items.slice(was.at, was.at + 1);
}

/** The item that is chosen: of keys it stands behind all of them. */
function chosenOf({ items, top, at, rows }: Listing): string[] {
  if (at === undefined) return [];
  return rows === 1 ? items.slice(top, top + 1) : items.slice(-1);
}

function withKeys(state: State, lines: readonly string[]): string[] {
  const keys = keysSpeech(state);
  return keys ? [...lines, keys] : [...lines];
}
