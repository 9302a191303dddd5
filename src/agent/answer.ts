import { type Frame, type Head, MAX_NAMES, NAME, VERSION } from "./protocol.ts";
import { SORTS, type Sort, type Store } from "./store.ts";

/** What the agent answers. */
export interface Answer {
  readonly head: Head;
  /** Whoever sends it clears it. */
  readonly body?: Buffer;
  /** The agent ends once this is said. */
  readonly stops?: boolean;
}

const FORGETS: ReadonlySet<unknown> = new Set(["clear", "stop"]);

/**
 * The answer to one question. Whatever a client sends, this neither throws nor gives out more than what was kept under a
 * name that it knows. The body of the question is taken over or cleared.
 */
export function answer({ head, body }: Frame, store: Store): Answer {
  const keeps = head.op === "keep" && head.v === VERSION;
  if (!keeps) body.fill(0);
  // whoever wants it to forget need not be of its release
  if (head.v !== VERSION && !(typeof head.v === "number" && FORGETS.has(head.op))) return failed("version");
  switch (head.op) {
    case "find":
      return find(head, store);
    case "keep":
      return keep(head, body, store);
    case "status":
      return { head: { ok: true, ...statusOf(store) } };
    case "clear":
      return { head: { ok: true, cleared: store.clear() } };
    case "stop":
      return { head: { ok: true, cleared: store.clear() }, stops: true };
    default:
      return failed("op");
  }
}

function failed(error: string): Answer {
  return { head: { ok: false, error } };
}

function find({ names }: Head, store: Store): Answer {
  if (!Array.isArray(names) || names.length > MAX_NAMES || !names.every(isName)) return failed("names");
  const found = store.find(names);
  if (!found) return { head: { ok: true, name: null } };
  return { head: { ok: true, name: found.name }, body: found.bytes };
}

function keep({ sort, name }: Head, body: Buffer, store: Store): Answer {
  if (!isSort(sort) || !isName(name) || body.length === 0) {
    body.fill(0);
    return failed("keep");
  }
  store.keep(sort, name, body);
  return { head: { ok: true } };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

function isSort(value: unknown): value is Sort {
  return SORTS.some((sort) => sort === value);
}

export interface Status {
  readonly pid: number;
  readonly dataKeys: number;
  readonly unlocked: number;
  /** In milliseconds, as those below. */
  readonly idle: number;
  readonly total: number;
  /** Until nothing is left, if nobody asks. */
  readonly emptyIn: number;
}

function statusOf(store: Store): Status {
  store.sweep();
  return {
    pid: process.pid,
    dataKeys: store.count("data key"),
    unlocked: store.count("unlocked"),
    ...store.limits,
    emptyIn: store.emptyIn(),
  };
}

/** The status in an answer. @throws Error if it is none. */
export function readStatus(head: Head): Status {
  const number = (name: keyof Status): number => {
    const value = head[name];
    if (typeof value !== "number") throw new Error("no status");
    return value;
  };
  return {
    pid: number("pid"),
    dataKeys: number("dataKeys"),
    unlocked: number("unlocked"),
    idle: number("idle"),
    total: number("total"),
    emptyIn: number("emptyIn"),
  };
}
