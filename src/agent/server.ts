import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { TsopsError } from "../errors.ts";
import { withLock } from "../files/lock.ts";
import { unlinkIfThere } from "../files/own.ts";
import { onWayOut } from "../files/wayout.ts";
import { listensOn, MAX_SOCKET_PATH_BYTES } from "../net/socket.ts";
import { printable } from "../printable.ts";
import { answer } from "./answer.ts";
import type { Place } from "./place.ts";
import { encodeFrame, type Frame, FrameReader } from "./protocol.ts";
import { checkPlace, isTooLong, makePlace } from "./safety.ts";
import { type Limits, Store } from "./store.ts";

/** The process that keeps what others unlocked. It reads no file and asks no service: it gives back what it was given. */

export interface AgentOptions {
  readonly place: Place;
  readonly limits: Limits;
  /** Ends when it has held nothing, and nobody has asked, for the idle time. */
  readonly exitWhenIdle?: boolean;
  /** For tests. */
  readonly now?: () => number;
}

export interface RunningAgent {
  /** Overwrites all that it holds, and ends. */
  stop(): Promise<void>;
  /** It has ended: by `stop`, because a client asked for that, or because nobody needs it. */
  readonly ended: Promise<void>;
}

/** Clients at once; more have to wait or do without. */
const MAX_CLIENTS = 256;
/** Clients ask and go. One that says nothing for so long, or stays for so long, is sent away. */
const SILENCE_MS = 10_000;
const STAY_MS = 60_000;
const MAX_UNREAD_BYTES = 2 ** 20;
/** Timers stand still while a laptop sleeps, so the clock is looked at this often. */
const LOOK_MS = 30_000;

/**
 * Starts an agent in this process.
 * @throws TsopsError("not-allowed") if the place is not the user's alone, "bad-setting" if another one listens there.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { place } = options;
  if (isTooLong(place)) {
    throw cannotListen(place, `a socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  makePlace(place);
  const agent = new Agent(options);
  // of two that start at once, one wins
  await withLock(place.socket, async () => {
    await clearStale(place);
    await agent.listen();
  });
  return agent;
}

/** Removes the socket of an agent that was killed. */
async function clearStale(place: Place): Promise<void> {
  checkPlace(place);
  if (!lstatSync(place.socket, { throwIfNoEntry: false })) return;
  if (await listensOn(place.socket)) {
    throw new TsopsError("bad-setting", `an agent runs already, on ${printable(place.socket)}`, {
      hint: "`tsops agent stop` ends it",
    });
  }
  unlinkSync(place.socket);
}

function cannotListen({ socket }: Place, why: string, cause?: unknown): TsopsError {
  return new TsopsError("bad-setting", `the agent cannot listen on ${printable(socket)}: ${why}`, {
    hint: "set XDG_RUNTIME_DIR or TMPDIR to another folder of yours",
    cause,
  });
}

class Agent implements RunningAgent {
  readonly ended: Promise<void>;
  readonly #place: Place;
  readonly #exitWhenIdle: boolean;
  readonly #now: () => number;
  readonly #store: Store;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #release: () => void;
  #timer: NodeJS.Timeout | undefined;
  #asked: number;
  /** Of its own socket. */
  #mark: string | undefined;
  #end: () => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor({ place, limits, exitWhenIdle = false, now = Date.now }: AgentOptions) {
    this.#place = place;
    this.#exitWhenIdle = exitWhenIdle;
    this.#now = now;
    this.#asked = now();
    this.#store = new Store(limits, now);
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = MAX_CLIENTS;
    // whatever ends the process
    this.#release = onWayOut(() => this.#forget());
  }

  async listen(): Promise<void> {
    const { folder, socket } = this.#place;
    // closing a server, and the end of its process, unlink the path that it was given, whoever's socket is there by then
    const own = join(folder, randomBytes(5).toString("hex"));
    // the socket is never there with a wider mode, not for a moment
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject).listen(own, resolve);
      });
      renameSync(own, socket);
    } catch (error) {
      this.#server.close();
      this.#release();
      const { code } = error as NodeJS.ErrnoException;
      throw cannotListen(this.#place, `the system refuses it (${code})`, error);
    } finally {
      process.umask(mask);
    }
    // one that is refused for want of file numbers is no reason to end
    this.#server.on("error", () => undefined);
    this.#mark = markOf(socket);
    this.#look();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#forget();
    for (const client of this.#clients) client.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#release();
    this.#end();
  }

  /** All that it holds, and its own socket. */
  #forget(): void {
    this.#store.clear();
    const { socket } = this.#place;
    if (this.#mark !== undefined && markOf(socket) === this.#mark) unlinkIfThere(socket);
  }

  /** Overwrites what is over, and sets the time at which the next is. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#stopping) return;
    const next = this.#store.sweep();
    const quiet = this.#now() - this.#asked;
    const unneeded = this.#exitWhenIdle && next === undefined && quiet >= this.#store.limits.idle;
    // nobody can reach one whose socket was removed
    if (unneeded || markOf(this.#place.socket) !== this.#mark) return void this.stop();
    this.#timer = setTimeout(() => this.#look(), Math.min(next ?? LOOK_MS, LOOK_MS));
  }

  #serve(socket: Socket): void {
    const reader = new FrameReader();
    const leave = setTimeout(() => socket.destroy(), STAY_MS);
    this.#clients.add(socket);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(leave);
      reader.clear();
      this.#clients.delete(socket);
    });
    socket.on("drain", () => socket.resume());
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) {
          if (socket.destroyed) frame.body.fill(0);
          else this.#reply(frame, socket);
        }
      } catch {
        // it speaks another language
        socket.destroy();
      }
    });
  }

  #reply(frame: Frame, socket: Socket): void {
    this.#asked = this.#now();
    const { head, body, stops } = answer(frame, this.#store);
    const bytes = encodeFrame(head, body);
    body?.fill(0);
    const taken = socket.write(bytes, () => {
      bytes.fill(0);
      if (stops) void this.stop();
    });
    // who does not read gets nothing more
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    else if (!taken) socket.pause();
    this.#look();
  }
}

/** What tells a file from another one in the same place; undefined if there is none, or nobody can look. */
function markOf(path: string): string | undefined {
  try {
    const { ino, birthtimeNs } = lstatSync(path, { bigint: true });
    return `${ino} ${birthtimeNs}`;
  } catch {
    return undefined;
  }
}
