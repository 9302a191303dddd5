import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";

/**
 * Passphrases of age identity files from gpg-agent, as SOPS asks for them: what the agent has in its cache nobody has to type,
 * and what it has not its pinentry asks for. The protocol is Assuan's: a command a line, answered by `OK` or `ERR`. Only an
 * agent that runs already is asked; none is started.
 */

/** For all but the passphrase, which a person types. */
const ANSWER_SECONDS = 10;
const PERSON_SECONDS = 600;
/** Codes of libgpg-error, in the lower half of the number behind `ERR`; the upper half says which program failed. */
const CANCELED = [99, 198];
const MAX_LINE_BYTES = 2000;

/** The name under which the agent keeps the passphrase of a file: SOPS's, so that both share it. `file` is not armored. */
export function cacheIdOf(file: Uint8Array): string {
  return `SopsAge${base32(createHash("sha256").update(file).digest().subarray(0, 25))}`;
}

/** RFC 4648, for whole groups of five bytes. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.match(/.{5}/g) ?? [];
  return letters.map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(five, 2)]).join("");
}

/**
 * The passphrase; undefined if there is no agent, or one that cannot ask, such as without a terminal or display.
 * @throws TsopsError("access-denied") if the person cancels, TsopsError("aborted") if the signal says so.
 */
export async function passphraseFromAgent(
  cacheId: string,
  question: string,
  context: KeyContext,
): Promise<string | undefined> {
  const agent = await connect(context);
  if (!agent) return undefined;
  try {
    for (const option of await displayOf(context)) await agent.ask(`OPTION ${option}`);
    const words = [cacheId, "X", "Passphrase", escaped(question)];
    const answer = await agent.ask(`GET_PASSPHRASE ${words.join(" ")}`, PERSON_SECONDS);
    const [status, rest = ""] = answer.split(" ", 2);
    if (status === "OK") return Buffer.from(rest, "hex").toString();
    if (CANCELED.includes(Number(rest) & 0xffff)) {
      throw new TsopsError("access-denied", "the question for its passphrase was cancelled");
    }
    return undefined;
  } catch (error) {
    if (error instanceof TsopsError) throw error;
    return undefined;
  } finally {
    agent.close();
  }
}

/** Makes the agent forget a passphrase that is wrong, so that it asks the next time. */
export async function forgetPassphrase(cacheId: string, context: KeyContext): Promise<void> {
  const agent = await connect(context);
  // an agent that does not answer has to be told by hand
  await agent?.ask(`CLEAR_PASSPHRASE ${cacheId}`).catch(() => undefined);
  agent?.close();
}

/** Assuan has blanks between words: what is in a word is escaped, blanks as plus signs. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+");
}

/** Where a pinentry can show itself. */
async function displayOf({ env }: KeyContext): Promise<string[]> {
  const options: string[] = [];
  if (env.DISPLAY) options.push(`display=${env.DISPLAY}`);
  if (env.WAYLAND_DISPLAY) options.push(`putenv=WAYLAND_DISPLAY=${env.WAYLAND_DISPLAY}`);
  const tty = env.GPG_TTY || (await terminal());
  if (tty) options.push(`ttyname=${tty}`);
  if (env.TERM) options.push(`ttytype=${env.TERM}`);
  return options.filter((option) => !/[\r\n]/.test(option));
}

/** The terminal on standard input. */
async function terminal(): Promise<string | undefined> {
  const { isatty } = await import("node:tty");
  const { readlink } = await import("node:fs/promises");
  return isatty(0) ? await readlink("/proc/self/fd/0").catch(() => undefined) : undefined;
}

/** Where agents listen: SOPS's places, after the one that GNUPGHOME says. */
function socketsOf({ env, home }: KeyContext): string[] {
  // what old agents set: path, process, version
  if (env.GPG_AGENT_INFO !== undefined) return [env.GPG_AGENT_INFO.split(":")[0]!].filter(Boolean);
  const folders = [
    env.GNUPGHOME,
    join(home, ".gnupg"),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, "gnupg"),
  ];
  return folders.filter((folder) => !!folder).map((folder) => join(folder!, "S.gpg-agent"));
}

async function connect(context: KeyContext): Promise<Agent | undefined> {
  if (process.platform === "win32") return undefined;
  const { stat } = await import("node:fs/promises");
  for (const path of socketsOf(context)) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isSocket()) continue;
    const agent = new Agent((await import("node:net")).connect(path), context.signal);
    const greeting = await agent.answer().catch((error) => {
      agent.close();
      if (error instanceof TsopsError) throw error;
      return "";
    });
    if (greeting.startsWith("OK")) return agent;
    agent.close();
  }
  return undefined;
}

/** A connection. What fails on it is an error without details: they could hold an answer. */
class Agent {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #rest = "";
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, signal?: AbortSignal) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#take(text));
    socket.on("error", () => this.#fail(new Error("the agent cannot be reached")));
    socket.on("close", () => this.#fail(new Error("the agent hung up")));
    const stop = (): void => this.#fail(new TsopsError("aborted", "stopped"));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
    socket.on("close", () => signal?.removeEventListener("abort", stop));
  }

  /** Sends a line and gives the answer's. */
  async ask(line: string, seconds?: number): Promise<string> {
    this.#socket.write(`${line}\n`);
    return this.answer(seconds);
  }

  /** The next line that is an answer: neither a comment nor news of its state. */
  async answer(seconds = ANSWER_SECONDS): Promise<string> {
    const timer = setTimeout(() => this.#fail(new Error("the agent does not answer")), seconds * 1000);
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined && /^(OK|ERR)\b/.test(line)) return line;
        if (line !== undefined) continue;
        if (this.#failure) throw this.#failure;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#lines.push(line);
    if (this.#rest.length > MAX_LINE_BYTES) this.#fail(new Error("the agent's line does not end"));
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
    this.#socket.destroy();
  }
}
