/** What the agent holds: bytes under names, in memory, for a limited time. Whatever leaves it is overwritten first. */

/** A data key that a master key wrapped, or what a passphrase unlocked. */
export type Sort = "data key" | "unlocked";
export const SORTS: readonly Sort[] = ["data key", "unlocked"];

/** In milliseconds. */
export interface Limits {
  /** How long something stays that nobody asks for. */
  readonly idle: number;
  /** How long it stays at most, also where it is used. */
  readonly total: number;
}

interface Item {
  readonly sort: Sort;
  readonly bytes: Buffer;
  readonly since: number;
  used: number;
}

/** So that a client that misbehaves cannot fill the memory. */
const MAX_ITEMS = 10_000;
const MAX_BYTES = 2 ** 23;

export class Store {
  readonly limits: Limits;
  readonly #now: () => number;
  /** The one that was used last is the last one. */
  readonly #items = new Map<string, Item>();
  #bytes = 0;

  constructor(limits: Limits, now: () => number = Date.now) {
    this.limits = limits;
    this.#now = now;
  }

  /** Takes the buffer over. What is there already keeps the time at which it came: it does not stay longer. */
  keep(sort: Sort, name: string, bytes: Buffer): void {
    this.sweep();
    const now = this.#now();
    const since = this.#items.get(name)?.since ?? now;
    this.#drop(name);
    this.#items.set(name, { sort, bytes, since, used: now });
    this.#bytes += bytes.length;
    for (const [oldest] of this.#items) {
      if (this.#items.size <= MAX_ITEMS && this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest);
    }
  }

  /** The first of these names that is known, with a copy of its bytes. */
  find(names: readonly string[]): { name: string; bytes: Buffer } | undefined {
    this.sweep();
    for (const name of names) {
      const item = this.#items.get(name);
      if (!item) continue;
      item.used = this.#now();
      this.#items.delete(name);
      this.#items.set(name, item);
      return { name, bytes: Buffer.from(item.bytes) };
    }
    return undefined;
  }

  /** Drops what is over. @returns the milliseconds until the next is; undefined if there is nothing. */
  sweep(): number | undefined {
    let next: number | undefined;
    for (const [name, item] of this.#items) {
      const left = this.#left(item);
      if (left <= 0) this.#drop(name);
      else next = Math.min(next ?? left, left);
    }
    return next;
  }

  /** @returns how many there were. */
  clear(): number {
    const { size } = this.#items;
    for (const name of [...this.#items.keys()]) this.#drop(name);
    return size;
  }

  count(sort: Sort): number {
    return [...this.#items.values()].filter((item) => item.sort === sort).length;
  }

  /** The milliseconds until all is gone, if nobody asks any more. */
  emptyIn(): number {
    let longest = 0;
    for (const item of this.#items.values()) longest = Math.max(longest, this.#left(item));
    return longest;
  }

  #left({ since, used }: Item): number {
    const now = this.#now();
    // a clock that was set back must not make it stay
    if (now < used) return 0;
    return Math.min(used + this.limits.idle, since + this.limits.total) - now;
  }

  #drop(name: string): void {
    const item = this.#items.get(name);
    if (!item) return;
    this.#items.delete(name);
    this.#bytes -= item.bytes.length;
    item.bytes.fill(0);
  }
}
