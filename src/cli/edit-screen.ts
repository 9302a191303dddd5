import { statSync } from "node:fs";
import { resolve } from "node:path";
import { Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { editText } from "../editor/session.ts";
import { TsopsError } from "../errors.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { forgetAll } from "../keys/groups.ts";
import { KINDS } from "../keys/table.ts";
import { Editor } from "../ui/editor.ts";
import { generate } from "../ui/generate.ts";
import { filesSpeech, hereInFiles } from "../ui/linear/files.ts";
import { hereSpeech, speechOf } from "../ui/linear/speech.ts";
import { type PickerAction, type PickerState, pick, pickerScreen } from "../ui/picker/picker.ts";
import { EditSession } from "../ui/session.ts";
import type { Options, State } from "../ui/state/state.ts";
import { Clipboard, STILL_THERE } from "../ui/terminal/clipboard.ts";
import { type Display, ScreenDisplay } from "../ui/terminal/display.ts";
import type { Input } from "../ui/terminal/keys.ts";
import { Painter } from "../ui/terminal/painter.ts";
import { Speaker, type Words } from "../ui/terminal/speaker.ts";
import { Terminal } from "../ui/terminal/terminal.ts";
import type { Screen } from "../ui/view/cells.ts";
import { screenOf } from "../ui/view/screen.ts";
import type { Run } from "./command.ts";
import { EditHost } from "./edit-host.ts";
import { type EditorArgs, type EditorSettings, editorSettings } from "./edit-options.ts";
import { readInput } from "./files.ts";
import { hiddenFrom } from "./hidden-variables.ts";
import { partOf, takesColours, takesKeys } from "./io.ts";
import { listedFiles } from "./listed.ts";
import { errorLines, note } from "./report.ts";
import { sessionOf } from "./session.ts";
import { forgetInTmux } from "./tmux.ts";

/** How often the clock is looked at, to hide and to lock. */
const TICK_MS = 1000;
/** At the end nobody wants to wait for the clipboard. */
const SHORT_ANSWER_MS = 200;

/** Refuses to open the editor without a terminal. @throws TsopsError("editor") */
function requireTerminal(run: Run): void {
  if (takesKeys(run.io)) return;
  throw new TsopsError("editor", "the editor of tsops needs a terminal, and there is none here", {
    hint: "set EDITOR to a program that edits the file instead, or change one value with tsops set",
  });
}

/** A run of a command that has the options of the editor. */
export type EditorRun = Run & { readonly args: EditorArgs };

/** Opens the editor on a file, and returns when it is left. */
export async function editOnScreen(name: string, run: EditorRun): Promise<number> {
  await withTerminal(run, (desk) => new OnScreen(name, desk).edit());
  return 0;
}

/** Lets the person choose files of a folder, or of the repository, one after the other, and edit them. */
export async function editPicked(folder: string | undefined, run: EditorRun): Promise<number> {
  await withTerminal(run, async (desk) => {
    const picking = new Picking(folder, desk);
    for (let name = await picking.next(); name !== undefined; name = await picking.next()) {
      try {
        await new OnScreen(name, desk).edit();
      } catch (error) {
        if (!(error instanceof TsopsError)) throw error;
        picking.say(errorLines(error).join("; "));
      }
    }
  });
  return 0;
}

/** What the list and the editor have of the person: the terminal, and how things are to be shown in it. */
interface Desk {
  readonly run: Run;
  readonly terminal: Terminal;
  readonly settings: EditorSettings;
  /** What is to be said when the terminal is given back. */
  readonly remarks: string[];
}

async function withTerminal(run: EditorRun, work: (desk: Desk) => Promise<void>): Promise<void> {
  requireTerminal(run);
  const settings = editorSettings(run.args, run.io);
  const dumb = run.io.env.TERM === "dumb";
  // where there is a terminal, the run's own output writes to this one, and does not say how large it is
  const terminal = new Terminal(run.io.stdin as ReadStream, process.stdout, dumb);
  // before anything else: until then the terminal shows what is typed
  terminal.open();
  const remarks: string[] = [];
  try {
    await work({ run, terminal, settings, remarks });
  } finally {
    terminal.close();
    for (const remark of new Set(remarks)) await note(run.io, remark);
  }
}

/** Shows states as the person wants them: as screens, or in lines. */
function displayOf<S>(
  { run, terminal, settings }: Desk,
  shown: { screenOf: (state: S) => Screen; words: Words<S> },
): Display<S> {
  if (settings.linear) return new Speaker((text) => terminal.write(text), shown.words, !terminal.isDumb);
  return new ScreenDisplay(new Painter(terminal, takesColours(run.io.stdout, run.io)), shown.screenOf);
}

/** The list of files in a terminal. */
class Picking {
  readonly #folder: string | undefined;
  readonly #desk: Desk;
  #state: PickerState | undefined;

  constructor(folder: string | undefined, desk: Desk) {
    this.#folder = folder;
    this.#desk = desk;
  }

  /** Shown below the list the next time. */
  say(message: string): void {
    if (this.#state) this.#state = { ...this.#state, message };
  }

  /** The file that is chosen next; undefined if nothing is any more. */
  async next(): Promise<string | undefined> {
    const { run, terminal, settings } = this.#desk;
    const quiet = { ...run, io: partOf(run.io, silent()) };
    const session = await sessionOf(quiet, { asks: false });
    const files = await listedFiles(this.#folder, quiet, session);
    const start = { query: "", at: 0, top: 0, message: undefined, folder: this.#folder ?? "." };
    this.#state = { ...start, ...this.#state, files, size: terminal.size };
    const words = { speechOf: filesSpeech, hereSpeech: hereInFiles };
    const display = displayOf<PickerState>(this.#desk, { screenOf: pickerScreen, words });
    display.show(this.#state);
    void display.load();
    const { lockAfter } = settings.options;
    // nobody chooses: what opened the files before is forgotten
    const idle = lockAfter > 0 ? setTimeout(() => void forgetAll(session.context), lockAfter) : undefined;
    try {
      return await new Promise<string | undefined>((resolve) => {
        const does = (action: PickerAction): void => {
          const { state, open, quit } = pick(this.#state!, action);
          this.#state = state;
          if (open !== undefined || quit) resolve(open);
          else display.show(state);
        };
        const resize = (): void => does({ type: "resize", size: terminal.size });
        terminal.listen({
          input: (input) => {
            if (input.type !== "key" && input.type !== "paste") return;
            display.pressed();
            idle?.refresh();
            if (input.type === "key" && input.key.ctrl && input.key.name === "z") terminal.suspend();
            else does(input);
          },
          resize: () => {
            display.resized();
            resize();
          },
          resumed: () => {
            display.anew();
            resize();
          },
          closed: () => resolve(undefined),
        });
      });
    } finally {
      clearTimeout(idle);
      display.close();
    }
  }
}

/** Where nothing is to be printed on the screen that the editor has. */
function silent() {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  return { stdout: stream, stderr: stream };
}

/** One editor in a terminal. */
class OnScreen {
  readonly #name: string;
  readonly #desk: Desk;
  readonly #run: Run;
  readonly #terminal: Terminal;
  readonly #options: Options;
  readonly #display: Display<State>;
  readonly #clipboard: Clipboard;
  #editor: Editor | undefined;
  #host: EditHost | undefined;
  #drawing = false;
  #quit: () => void = () => undefined;

  constructor(name: string, desk: Desk) {
    this.#name = name;
    this.#desk = desk;
    this.#run = desk.run;
    this.#terminal = desk.terminal;
    this.#options = desk.settings.options;
    this.#display = displayOf<State>(desk, { screenOf, words: { speechOf, hereSpeech } });
    const { terminal, run } = desk;
    this.#clipboard = new Clipboard({
      write: (text) => terminal.write(text),
      say: (text) => this.#say(text),
      isLent: () => terminal.isLent,
      forget: (text) => forgetInTmux(text, run.io.env),
    });
  }

  async edit(): Promise<void> {
    const ended = new Promise<void>((resolve) => (this.#quit = resolve));
    const host = await EditHost.open(this.#name, this.#run, (question) => this.#editor!.ask(question));
    this.#host = host;
    const session = new EditSession(host);
    const start = { size: this.#terminal.size, options: this.#options, now: Date.now() };
    const editor = new Editor(session, this.#tools(), start);
    this.#editor = editor;
    await editor.load();
    // what was typed until now is for what is shown now
    this.#terminal.listen({
      input: (input) => this.#input(input),
      resize: () => {
        this.#display.resized();
        this.#resize();
      },
      resumed: () => {
        // what was to be hidden meanwhile is hidden before anything is shown
        editor.dispatch({ type: "tick", now: Date.now() });
        this.#display.anew();
        this.#resize();
      },
      closed: () => this.#quit(),
    });
    const clock = setInterval(() => editor.dispatch({ type: "tick", now: Date.now() }), TICK_MS);
    try {
      await Promise.race([editor.start(), ended]);
      void this.#display.load();
      await ended;
      if (await this.#clipboard.clear(SHORT_ANSWER_MS)) this.#desk.remarks.push(STILL_THERE);
    } finally {
      clearInterval(clock);
      this.#display.close();
      session.close();
      await host.leave();
    }
  }

  #resize(): void {
    this.#editor!.dispatch({ type: "resize", size: this.#terminal.size });
    this.#draw();
  }

  #tools() {
    const run = this.#run;
    return {
      draw: () => this.#draw(),
      copy: async (text: string, secret: boolean) => this.#copy(text, secret),
      edit: (name: string, text: string) => this.#terminal.lend(() => this.#editValue(name, text)),
      readFile: async (path: string) => {
        refuseEndless(resolve(run.io.cwd, path));
        return decodeText((await readInput(path, run.io)).bytes);
      },
      generate,
      suspend: () => this.#terminal.suspend(),
      quit: () => this.#quit(),
    };
  }

  #input(input: Input): void {
    const editor = this.#editor!;
    if (input.type === "clipboard") {
      this.#clipboard.answered(input.data);
      return;
    }
    if (input.type === "key") this.#display.pressed();
    editor.dispatch(input);
  }

  /** Once for all that happens in a turn. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setImmediate(() => {
      this.#drawing = false;
      if (this.#editor) this.#display.show(this.#editor.state);
    });
  }

  #copy(text: string, secret: boolean): string {
    const { copyFor } = this.#options;
    if (this.#terminal.isDumb) return "this terminal cannot fill a clipboard";
    this.#clipboard.copy(text, secret ? copyFor : undefined);
    if (!secret) return `copied: ${text}`;
    return `copied for ${Math.round(copyFor / 1000)} seconds, if the terminal lets tsops use the clipboard`;
  }

  /** One value in the person's editor, in a folder in memory that is removed afterwards. */
  async #editValue(name: string, text: string): Promise<string | undefined> {
    const host = this.#host!;
    const { io } = host.run;
    const { session } = host;
    const hidden = await hiddenFrom(this.#name, { groups: [] }, session, host.run);
    let typed: string | undefined;
    await editText({
      text: encodeText(text),
      name: fileNameFor(name),
      env: io.env,
      kinds: KINDS,
      hidden,
      cwd: resolve(io.cwd),
      encrypt: async (after) => (typed = after),
      save: async () => undefined,
      warn: () => undefined,
    });
    return typed;
  }

  #say(text: string): void {
    this.#editor?.dispatch({ type: "said", message: { tone: "info", lines: [text] } });
  }
}

/** Terminals and pipes may never end, and nothing else can be done meanwhile. @throws TsopsError("read") */
function refuseEndless(path: string): void {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info || info.isFile() || info.isDirectory()) return;
  throw new TsopsError("read", "this is not a regular file", {
    hint: "a value is taken from a file that has an end",
    place: { file: path },
  });
}

/** A name for the file that an editor gets: what the key says, as far as file names can. */
function fileNameFor(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "");
  return plain === "" ? "value" : plain.slice(0, 100);
}
