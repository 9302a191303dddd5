import { TsopsError } from "../errors.ts";

/** Asks a person; the signal ends a question that nobody waits for any more. */
export type Ask = (question: string, signal: AbortSignal) => Promise<boolean>;

/** More questions of one connection than this do not wait: it is told to come back. */
export const QUESTIONS_EACH = 16;
const MAX_QUESTIONS = 512;
/** So many may have one question each, however many the others have. */
const MAX_CONNECTIONS = 4096;

interface Question {
  readonly text: string;
  readonly signal: AbortSignal;
  readonly answer: (yes: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Questions that wait for the person, who is asked one at a time. Connections take turns, so that one that asks much
 * does not keep the others waiting.
 */
export class Questions {
  private readonly ask: Ask;
  /** By connection, the next one first. */
  private readonly waiting = new Map<unknown, Question[]>();
  private readonly open = new Map<unknown, number>();
  private asking = false;

  constructor(ask: Ask) {
    this.ask = ask;
  }

  /** Whether one more question of a connection may wait. Its first one may, so that others cannot lock it out. */
  takes(connection: unknown): boolean {
    const own = this.open.get(connection) ?? 0;
    if (own === 0) return this.open.size < MAX_CONNECTIONS;
    const all = [...this.open.values()].reduce((sum, count) => sum + count, 0);
    return own < QUESTIONS_EACH && all < MAX_QUESTIONS;
  }

  /** @throws TsopsError("aborted") if the signal says so before the person does. */
  async put(text: string, connection: unknown, signal: AbortSignal): Promise<boolean> {
    this.count(connection, 1);
    let stop: () => void = () => undefined;
    try {
      return await new Promise<boolean>((answer, fail) => {
        const question = { text, signal, answer, fail };
        stop = () => {
          this.withdraw(connection, question);
          fail(new TsopsError("aborted", "stopped"));
        };
        if (signal.aborted) return stop();
        signal.addEventListener("abort", stop);
        this.waiting.set(connection, [...(this.waiting.get(connection) ?? []), question]);
        void this.askAll();
      });
    } finally {
      signal.removeEventListener("abort", stop);
      this.count(connection, -1);
    }
  }

  private count(connection: unknown, change: 1 | -1): void {
    const count = (this.open.get(connection) ?? 0) + change;
    if (count > 0) this.open.set(connection, count);
    else this.open.delete(connection);
  }

  private withdraw(connection: unknown, question: Question): void {
    const left = (this.waiting.get(connection) ?? []).filter((other) => other !== question);
    if (left.length > 0) this.waiting.set(connection, left);
    else this.waiting.delete(connection);
  }

  private async askAll(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    for (let next = this.next(); next; next = this.next()) {
      try {
        next.answer(await this.ask(next.text, next.signal));
      } catch (error) {
        next.fail(error);
      }
    }
    this.asking = false;
  }

  /** The first question of the connection whose turn it is; that is the last one afterwards. */
  private next(): Question | undefined {
    const [turn] = this.waiting;
    if (!turn) return undefined;
    const [connection, [first, ...rest]] = turn;
    this.waiting.delete(connection);
    if (rest.length > 0) this.waiting.set(connection, rest);
    return first;
  }
}
