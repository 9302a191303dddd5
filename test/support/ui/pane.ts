import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

/** tmux makes the terminals that the real program is driven in; without it these tests are left out. */
export const hasTmux = process.platform !== "win32" && spawnSync("tmux", ["-V"]).status === 0;

const POLL_MS = 50;
/** What never comes is waited for so long: a test fails then, and no other way. */
const GIVE_UP_MS = 60_000;

export interface PaneOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly width?: number;
  readonly height?: number;
}

/** A terminal with a shell in it, as a person has it. Its server is of its own, and ends with it. */
export class Pane {
  readonly #socket = `tsops-test-${randomUUID()}`;

  private constructor() {}

  /** A shell that says `$ ` when it is ready. */
  static async open({ env, cwd, width = 80, height = 24 }: PaneOptions): Promise<Pane> {
    const pane = new Pane();
    const variables = Object.entries({
      ...env,
      PS1: "$ ",
      TERM: undefined,
      PROMPT_COMMAND: undefined,
      HISTFILE: undefined,
    });
    pane.#tmux(
      ...["-f", "/dev/null", "new-session", "-d", "-x", String(width), "-y", String(height), "-c", cwd],
      shellLine(variables),
    );
    pane.#tmux("set-option", "-g", "history-limit", "5000");
    pane.#tmux("set-option", "-g", "set-clipboard", "on");
    await pane.until(/^\$ $|^\$$/m);
    return pane;
  }

  /** Keys as tmux names them: `Enter`, `C-c`, `Up`. */
  keys(...names: readonly string[]): this {
    this.#tmux("send-keys", ...names);
    return this;
  }

  type(text: string): this {
    this.#tmux("send-keys", "-l", "--", text);
    return this;
  }

  /** A line for the shell. */
  run(line: string): this {
    return this.type(line).keys("Enter");
  }

  /** What a person has copied elsewhere. */
  paste(text: string): this {
    this.#tmux("set-buffer", "--", text);
    this.#tmux("paste-buffer", "-p");
    return this;
  }

  /** The same from a file, which may be longer than a command line. */
  pasteFile(path: string): this {
    this.#tmux("load-buffer", path);
    this.#tmux("paste-buffer", "-p");
    return this;
  }

  /** What the terminal itself sends: news of the focus, for instance. */
  sends(bytes: string): this {
    return this.type(bytes);
  }

  /** What the clipboard of the person holds: tmux stands for their terminal. */
  get clipboard(): string {
    // it fails while nothing was copied yet
    return spawnSync("tmux", ["-L", this.#socket, "show-buffer"], { encoding: "utf8" }).stdout;
  }

  /** All that was copied so far, as tmux keeps it. */
  get copied(): string {
    return this.#tmux("list-buffers", "-F", "#{buffer_name}: #{buffer_sample}");
  }

  /** Something is copied elsewhere. */
  copies(text: string): this {
    this.#tmux("set-buffer", "--", text);
    return this;
  }

  resize(width: number, height: number): this {
    this.#tmux("resize-window", "-x", String(width), "-y", String(height));
    return this;
  }

  get screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  /** The screen with its colours. */
  get colours(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** All that can be scrolled back to, and the screen. */
  get scrollback(): string {
    return this.#tmux("capture-pane", "-p", "-S", "-", "-E", "-");
  }

  get title(): string {
    return this.#tmux("display-message", "-p", "#{pane_title} #{window_name}");
  }

  /** Whether a program has the alternate screen. */
  get isAlternate(): boolean {
    return this.#tmux("display-message", "-p", "#{alternate_on}").trim() === "1";
  }

  /** Waits until the screen shows something. */
  async until(what: RegExp): Promise<string> {
    for (const end = Date.now() + GIVE_UP_MS; ; ) {
      const { screen } = this;
      if (what.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`the screen never showed ${what}:\n${screen}`);
      await pause(POLL_MS);
    }
  }

  /** Waits until something else than the screen is so. */
  async untilSo(what: () => boolean): Promise<void> {
    for (const end = Date.now() + GIVE_UP_MS; !what(); ) {
      if (Date.now() > end) throw new Error(`it never came:\n${this.screen}`);
      await pause(POLL_MS);
    }
  }

  close(): void {
    spawnSync("tmux", ["-L", this.#socket, "kill-server"]);
  }

  #tmux(...words: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync("tmux", ["-L", this.#socket, ...words], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  }
}

/** One command line for tmux: a shell with these variables. */
function shellLine(variables: readonly (readonly [string, string | undefined])[]): string {
  const unset = variables.flatMap(([name, value]) => (value === undefined ? [`-u ${name}`] : []));
  const set = variables.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(value)}`]));
  return ["exec env", ...unset, "TERM=screen-256color", ...set, "bash --norc --noprofile +o history"].join(
    " ",
  );
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
