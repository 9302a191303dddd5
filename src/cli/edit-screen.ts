import { resolve } from "node:path";
import { Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { editText } from "../editor/session.ts";
import { TsopsError } from "../errors.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { KINDS } from "../keys/table.ts";
import { Editor } from "../ui/editor.ts";
import { generate } from "../ui/generate.ts";
import { type PickerAction, type PickerState, pick, pickerScreen } from "../ui/picker/picker.ts";
import { EditSession } from "../ui/session.ts";
import { DEFAULTS, type Options } from "../ui/state/state.ts";
import { Clipboard } from "../ui/terminal/clipboard.ts";
import type { Input } from "../ui/terminal/keys.ts";
import { Painter } from "../ui/terminal/painter.ts";
import { Terminal } from "../ui/terminal/terminal.ts";
import { screenOf } from "../ui/view/screen.ts";
import type { Run } from "./command.ts";
import { EditHost } from "./edit-host.ts";
import { readInput } from "./files.ts";
import { hiddenFrom } from "./hidden-variables.ts";
import { hasTerminal, partOf, takesColours } from "./io.ts";
import { listedFiles } from "./listed.ts";
import { errorLines } from "./report.ts";
import { sessionOf } from "./session.ts";

/** How often the clock is looked at, to hide and to lock. */
const TICK_MS = 1000;
/** At the end nobody wants to wait for the clipboard. */
const SHORT_ANSWER_MS = 200;

/** Refuses to open the editor without a terminal. @throws TsopsError("editor") */
export function requireTerminal(run: Run): void {
  if (hasTerminal(run.io)) return;
  throw new TsopsError("editor", "the editor of tsops needs a terminal, and there is none here", {
    hint: "set EDITOR to a program that edits the file instead, or change one value with tsops set",
  });
}

/** Opens the editor on a file, and returns when it is left. */
export async function editOnScreen(name: string, run: Run, options: Partial<Options>): Promise<number> {
  await withTerminal(run, (terminal) => new OnScreen(name, run, terminal).edit(options));
  return 0;
}

/** Lets the person choose files of a folder, or of the repository, one after the other, and edit them. */
export async function editPicked(
  folder: string | undefined,
  run: Run,
  options: Partial<Options>,
): Promise<number> {
  await withTerminal(run, async (terminal) => {
    const picking = new Picking(folder, run, terminal);
    for (let name = await picking.next(); name !== undefined; name = await picking.next()) {
      try {
        await new OnScreen(name, run, terminal).edit(options);
      } catch (error) {
        if (!(error instanceof TsopsError)) throw error;
        picking.say(errorLines(error).join("; "));
      }
    }
  });
  return 0;
}

async function withTerminal(run: Run, work: (terminal: Terminal) => Promise<void>): Promise<void> {
  requireTerminal(run);
  // where there is a terminal, the run's own output writes to this one, and does not say how large it is
  const terminal = new Terminal(run.io.stdin as ReadStream, process.stdout);
  // before anything else: until then the terminal shows what is typed
  terminal.open();
  try {
    await work(terminal);
  } finally {
    terminal.close();
  }
}

/** The list of files in a terminal. */
class Picking {
  readonly #folder: string | undefined;
  readonly #run: Run;
  readonly #terminal: Terminal;
  #state: PickerState | undefined;

  constructor(folder: string | undefined, run: Run, terminal: Terminal) {
    this.#folder = folder;
    this.#run = run;
    this.#terminal = terminal;
  }

  /** Shown below the list the next time. */
  say(message: string): void {
    if (this.#state) this.#state = { ...this.#state, message };
  }

  /** The file that is chosen next; undefined if nothing is any more. */
  async next(): Promise<string | undefined> {
    const io = partOf(this.#run.io, silent());
    const quiet = { ...this.#run, io };
    const files = await listedFiles(this.#folder, quiet, await sessionOf(quiet, { asks: false }));
    const size = this.#terminal.size;
    const start = { query: "", at: 0, top: 0, message: undefined, folder: this.#folder ?? "." };
    this.#state = { ...start, ...this.#state, files, size };
    const painter = new Painter(this.#terminal, takesColours(this.#run.io.stdout, this.#run.io));
    painter.forget();
    const draw = (): void => painter.draw(pickerScreen(this.#state!));
    draw();
    void painter.load();
    try {
      return await new Promise<string | undefined>((resolve) => {
        const does = (action: PickerAction): void => {
          const { state, open, quit } = pick(this.#state!, action);
          this.#state = state;
          draw();
          if (open !== undefined || quit) resolve(open);
        };
        const anew = (): void => {
          painter.forget();
          does({ type: "resize", size: this.#terminal.size });
        };
        this.#terminal.listen({
          input: (input) => {
            if (input.type !== "key") return;
            if (input.key.ctrl && input.key.name === "z") this.#terminal.suspend();
            else does(input);
          },
          resize: anew,
          resumed: anew,
          closed: () => resolve(undefined),
        });
      });
    } finally {
      painter.close();
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
  readonly #run: Run;
  readonly #terminal: Terminal;
  readonly #painter: Painter;
  readonly #clipboard: Clipboard;
  #editor: Editor | undefined;
  #host: EditHost | undefined;
  #copyFor = DEFAULTS.copyFor;
  #drawing = false;
  #quit: () => void = () => undefined;

  constructor(name: string, run: Run, terminal: Terminal) {
    this.#name = name;
    this.#run = run;
    this.#terminal = terminal;
    const write = (text: string) => terminal.write(text);
    this.#painter = new Painter(terminal, takesColours(run.io.stdout, run.io));
    this.#clipboard = new Clipboard(write, (text) => this.#say(text));
  }

  async edit(options: Partial<Options>): Promise<void> {
    const ended = new Promise<void>((resolve) => (this.#quit = resolve));
    this.#painter.forget();
    const host = await EditHost.open(this.#name, this.#run, (question) => this.#editor!.ask(question));
    this.#host = host;
    const session = new EditSession(host);
    const editor = new Editor(session, this.#tools(), {
      size: this.#terminal.size,
      options,
      now: Date.now(),
    });
    this.#editor = editor;
    this.#copyFor = editor.state.options.copyFor;
    await editor.load();
    // what was typed until now is for what is shown now
    this.#terminal.listen({
      input: (input) => this.#input(input),
      resize: () => {
        this.#painter.forget();
        editor.dispatch({ type: "resize", size: this.#terminal.size });
        this.#draw();
      },
      resumed: () => {
        this.#painter.forget();
        editor.dispatch({ type: "resize", size: this.#terminal.size });
        this.#draw();
      },
      closed: () => this.#quit(),
    });
    const clock = setInterval(() => editor.dispatch({ type: "tick", now: Date.now() }), TICK_MS);
    try {
      await Promise.race([editor.start(), ended]);
      void this.#painter.load();
      await ended;
      await this.#clipboard.clear(SHORT_ANSWER_MS);
    } finally {
      clearInterval(clock);
      this.#painter.close();
      session.close();
      await host.forget();
    }
  }

  #tools() {
    const run = this.#run;
    return {
      draw: () => this.#draw(),
      copy: async (text: string, secret: boolean) => this.#copy(text, secret),
      edit: (name: string, text: string) => this.#terminal.lend(() => this.#editValue(name, text)),
      readFile: async (path: string) => decodeText((await readInput(path, run.io)).bytes),
      generate,
      suspend: () => this.#terminal.suspend(),
      quit: () => this.#quit(),
    };
  }

  #input(input: Input): void {
    const editor = this.#editor!;
    if (input.type === "clipboard") this.#clipboard.answered(input.data);
    else editor.dispatch(input);
  }

  /** Once for all that happens in a turn. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setImmediate(() => {
      this.#drawing = false;
      if (this.#editor) this.#painter.draw(screenOf(this.#editor.state));
    });
  }

  #copy(text: string, secret: boolean): string {
    this.#clipboard.copy(text, secret ? this.#copyFor : undefined);
    if (!secret) return `copied: ${text}`;
    return `copied for ${Math.round(this.#copyFor / 1000)} seconds, if the terminal lets tsops use the clipboard`;
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

/** A name for the file that an editor gets: what the key says, as far as file names can. */
function fileNameFor(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "");
  return plain === "" ? "value" : plain.slice(0, 100);
}
