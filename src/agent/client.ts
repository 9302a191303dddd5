import { connect } from "node:net";
import { TsopsError } from "../errors.ts";
import type { Keeper, Kept } from "../keys/kind.ts";
import { printable } from "../printable.ts";
import { isThere, type Place } from "./place.ts";
import { encodeFrame, type Frame, FrameReader, type Head, MAX_BODY_BYTES, MAX_NAMES } from "./protocol.ts";
import { checkPlace, isTooLong } from "./safety.ts";

/** The agent answers out of its memory: one that takes so long hangs. */
const ANSWER_MS = 5000;

/**
 * Asks the agent. Undefined if none runs.
 * @throws TsopsError("not-allowed") if the place is not the user's alone, "service-failed" for an answer that is none.
 */
export async function askAgent(place: Place, head: Head, body?: Uint8Array): Promise<Frame | undefined> {
  // Node would cut the path off, and ask whoever listens there
  if (isTooLong(place) || !isThere(place)) return undefined;
  checkPlace(place);
  const frame = await exchange(place.socket, encodeFrame(head, body));
  if (!frame || frame.head.ok === true) return frame;
  frame.body.fill(0);
  if (frame.head.error === "version") throw failed(place, "it is of another release of tsops");
  throw failed(place, "it does not understand the question");

  async function exchange(path: string, question: Buffer): Promise<Frame | undefined> {
    const reader = new FrameReader();
    const socket = connect(path);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(failed(place, "it does not answer")), ANSWER_MS);
        socket.on("connect", () => socket.write(question, () => question.fill(0)));
        socket.on("data", (chunk: Buffer) => {
          try {
            const [answer] = reader.push(chunk);
            if (answer) resolve(answer);
          } catch {
            reject(failed(place, "its answer is none"));
          }
        });
        socket.on("error", (error: NodeJS.ErrnoException) => {
          // one that was killed leaves its socket
          if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(undefined);
          else reject(failed(place, `it cannot be reached (${error.code})`));
        });
        socket.on("close", () => reject(failed(place, "it hung up")));
      });
    } finally {
      clearTimeout(timer);
      reader.clear();
      question.fill(0);
      socket.destroy();
    }
  }
}

function failed({ socket }: Place, why: string): TsopsError {
  return new TsopsError("service-failed", `the agent on ${printable(socket)} cannot be used: ${why}`, {
    hint: "`tsops agent stop` ends it; TSOPS_AGENT=off does without",
  });
}

export interface AgentKeeperOptions {
  readonly place: Place;
  readonly warn: (message: string) => void;
  /** Starts an agent; where it is missing, one that does not run is not used. */
  readonly start?: () => Promise<void>;
}

/** The agent as the keys use it. What goes wrong with it is said once, and then it is done without. */
export class AgentKeeper implements Keeper {
  readonly #options: AgentKeeperOptions;
  #usable = true;
  #starting: Promise<void> | undefined;

  constructor(options: AgentKeeperOptions) {
    this.#options = options;
  }

  async find(names: readonly string[]): Promise<Kept | undefined> {
    return await this.#unlessBroken(async () => {
      const asked = names.slice(0, MAX_NAMES);
      const answer = await askAgent(this.#options.place, { op: "find", names: asked });
      const name = answer?.head.name;
      if (!answer || typeof name !== "string") return undefined;
      // what was not asked for is not taken
      if (asked.includes(name)) return { name, bytes: answer.body };
      answer.body.fill(0);
      return undefined;
    });
  }

  async keep(sort: Parameters<Keeper["keep"]>[0], name: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || bytes.length > MAX_BODY_BYTES) return;
    await this.#unlessBroken(async () => {
      const { place, start } = this.#options;
      const keep = () => askAgent(place, { op: "keep", sort, name }, bytes);
      if ((await keep()) || !start) return;
      await (this.#starting ??= start());
      await keep();
    });
  }

  async #unlessBroken<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.#usable) return undefined;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      if (this.#usable) this.#options.warn(`the agent is not used: ${error.message}`);
      this.#usable = false;
      return undefined;
    }
  }
}
