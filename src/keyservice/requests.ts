import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { TsopsError } from "../errors.ts";
import type { TreeMap } from "../formats/tree.ts";
import { cluster } from "../keys/cluster/kind.ts";
import { KEY_ID } from "../keys/cluster/uri.ts";
import { sortedFields, textField } from "../keys/fields.ts";
import { wrapOne } from "../keys/groups.ts";
import type { KeyContext, KeyKind, MasterKey, Opened, OpenerCheck } from "../keys/kind.ts";
import { withoutIdentities } from "../keys/secret.ts";
import { STATUS } from "../keys/service/failures.ts";
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
} from "../keys/service/protocol.ts";
import { fromWire } from "../keys/service/wire.ts";
import { printable, shortened } from "../printable.ts";
import { forMany } from "../signals.ts";
import { encryptKey, type MasterSecret, openKey } from "./cipher.ts";
import type { Log } from "./log.ts";
import { type Ask, Questions } from "./questions.ts";

/** More requests at work than this are told to come back. Those that wait for a person are not at work. */
const MAX_CALLS = 128;
/** How long what kinds remember (clients, identities) is used: what a person changes counts soon. */
const REMEMBER_MS = 60_000;

export interface RequestOptions {
  readonly context: KeyContext;
  /** Newest first; empty if the service is no cluster's. */
  readonly secrets: readonly MasterSecret[];
  /** Asks the person before each use of a key. */
  readonly ask?: Ask;
  readonly log: Log;
  /** Also writes what a request comes with, and what this machine found out about a key that it cannot use. */
  readonly verbose: boolean;
}

type Method = "Encrypt" | "Decrypt";
type Call = ServerUnaryCall<EncryptRequest | DecryptRequest, EncryptResponse | DecryptResponse>;
type Done = sendUnaryData<EncryptResponse | DecryptResponse>;

/** What became of a request. */
interface Answer {
  readonly result: "ok" | "failed" | "refused" | "cancelled" | "busy";
  /** For the client; no paths and no hints of this machine. */
  readonly error?: { code: number; details: string };
  /** For the log. */
  readonly reason?: string;
  readonly bytes?: Buffer;
}

const BUSY: Answer = {
  result: "busy",
  error: { code: STATUS.resourceExhausted, details: "there are too many requests at once" },
};

class TooMany extends Error {}

/** What somebody asks for: to wrap or to unwrap the input. */
interface Request {
  readonly method: Method;
  readonly call: Call;
  readonly input: Buffer;
}

/** Answers requests of key services: names the key, asks the person if so wished, uses it, and logs all that. */
export class Requests {
  readonly #options: RequestOptions;
  readonly #questions: Questions | undefined;
  #running = 0;
  #memory: Memory = newMemory();

  constructor(options: RequestOptions) {
    this.#options = options;
    this.#questions = options.ask && new Questions(options.ask);
  }

  readonly handlers = {
    Encrypt: (call: Call, done: Done): void => void this.#answer("Encrypt", call, done),
    Decrypt: (call: Call, done: Done): void => void this.#answer("Decrypt", call, done),
  };

  async #answer(method: Method, call: Call, done: Done): Promise<void> {
    const start = performance.now();
    const stopped = new AbortController();
    call.on("cancelled", () => stopped.abort());
    if (call.cancelled) stopped.abort();
    const named: { kind?: string; key?: string } = {};
    const { bytes, error, result, reason } = await this.#limited(call, () =>
      this.#use(method, call, named, stopped.signal),
    );
    const ms = Math.round(performance.now() - start);
    this.#options.log({ event: "request", method, ...named, ...peerOf(call), result, reason, ms });
    if (error || !bytes) done(error ?? { code: STATUS.internal, details: "an internal error" });
    else done(null, method === "Encrypt" ? { ciphertext: bytes } : { plaintext: bytes });
  }

  async #limited(call: Call, work: () => Promise<Answer>): Promise<Answer> {
    if (this.#running >= MAX_CALLS || this.#questions?.takes(connectionOf(call)) === false) {
      return BUSY;
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }

  async #use(
    method: Method,
    call: Call,
    named: { kind?: string; key?: string },
    signal: AbortSignal,
  ): Promise<Answer> {
    const input = "plaintext" in call.request ? call.request.plaintext : call.request.ciphertext;
    const memory = this.#remembered();
    const leave = enter(memory, signal);
    try {
      const tool = this.#toolFor(call.request, memory);
      named.kind = tool.kind;
      named.key = tool.id;
      if (this.#options.verbose) this.#options.log({ event: "request", method, ...named, result: "begun" });
      const agreed = await this.#agreed({ method, call, input }, tool, signal);
      if (agreed === "no") {
        const details = "the person who runs it said no";
        return { result: "refused", error: { code: STATUS.permissionDenied, details } };
      }
      if (agreed === "cannot") return this.#cannot([]);
      const done = method === "Encrypt" ? { key: await tool.wrap(input) } : await tool.unwrap(input);
      if (signal.aborted) {
        // nobody takes it any more
        if ("key" in done) done.key.fill(0);
        throw new TsopsError("aborted", "stopped");
      }
      return "key" in done ? { result: "ok", bytes: done.key } : this.#cannot(done.why);
    } catch (error) {
      return this.#failed(error, signal);
    } finally {
      leave();
      if (method === "Encrypt") input.fill(0);
    }
  }

  #cannot(why: readonly string[]): Answer {
    const details = "nothing here can open it";
    const reason = this.#options.verbose ? why.join("; ") : details;
    return { result: "failed", error: { code: STATUS.notFound, details }, reason };
  }

  #failed(error: unknown, { aborted }: AbortSignal): Answer {
    if (error instanceof TooMany) return BUSY;
    if (aborted) return { result: "cancelled", error: { code: STATUS.cancelled, details: "stopped" } };
    if (!(error instanceof TsopsError)) {
      const reason = `an internal error (${error instanceof Error ? error.name : typeof error})`;
      return { result: "failed", error: { code: STATUS.internal, details: "an internal error" }, reason };
    }
    const code = ["usage", "parse"].includes(error.code) ? STATUS.invalidArgument : STATUS.failedPrecondition;
    const hint = this.#options.verbose && error.hint ? ` (${error.hint})` : "";
    const details = withoutIdentities(error.message);
    return { result: "failed", error: { code, details }, reason: details + hint };
  }

  /** Asks the person, once it is known that the key which the question names is the one that would be used. */
  async #agreed(
    { method, call, input }: Request,
    tool: Tool,
    signal: AbortSignal,
  ): Promise<"yes" | "no" | "cannot"> {
    if (!this.#questions) return "yes";
    const check = method === "Decrypt" ? await tool.checkOpener(input) : {};
    if (!check) return "cannot";
    const connection = connectionOf(call);
    if (!this.#questions.takes(connection)) throw new TooMany();
    const { peer, client } = peerOf(call);
    const from = client === undefined ? peer : `${client} (${peer})`;
    const remark = check.remark === undefined ? "" : ` (${check.remark})`;
    const what = `${method === "Encrypt" ? "encrypt" : "decrypt"} request from ${from}`;
    const question = `Received ${what} using ${tool.title} key ${tool.id}${remark}. Respond to request?`;
    this.#running--;
    try {
      return (await this.#questions.put(question, connection, signal)) ? "yes" : "no";
    } finally {
      this.#running++;
    }
  }

  #toolFor(request: EncryptRequest | DecryptRequest, { cache, stop }: Memory): Tool {
    const context: KeyContext = { ...this.#options.context, signal: stop.signal, cache, serves: true };
    const { kind, fields } = fromWire(request.key, context.kinds);
    if (kind === cluster) return clusterTool(textField(fields, "key_id"), this.#options.secrets);
    return kindTool(kind, fields, context);
  }

  #remembered(): Memory {
    const { stop, since } = this.#memory;
    if (stop.signal.aborted || performance.now() - since > REMEMBER_MS) this.#memory = newMemory();
    return this.#memory;
  }
}

/**
 * What kinds remember for several requests: clients and logins hold on to the signal that they were made with, so it must
 * not be one request's.
 */
interface Memory {
  readonly cache: Map<string, unknown>;
  readonly stop: AbortController;
  readonly since: number;
  /** Requests that use it, and that somebody waits for. */
  waiting: number;
}

function newMemory(): Memory {
  const stop = new AbortController();
  forMany(stop.signal);
  return { cache: new Map(), stop, since: performance.now(), waiting: 0 };
}

/** A request uses a memory until the result is called. Once nobody waits any more, what still runs is stopped. */
function enter(memory: Memory, signal: AbortSignal): () => void {
  let waits = true;
  memory.waiting++;
  const leave = (): void => {
    if (waits) memory.waiting--;
    waits = false;
    signal.removeEventListener("abort", cancel);
  };
  const cancel = (): void => {
    leave();
    if (memory.waiting === 0) memory.stop.abort();
  };
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel);
  return leave;
}

/** A key that a request may use. */
interface Tool {
  readonly kind: string;
  readonly title: string;
  /** Fit for a log and a terminal. */
  readonly id: string;
  wrap(plaintext: Buffer): Promise<Buffer>;
  unwrap(ciphertext: Buffer): Promise<Opened>;
  /** As {@link KeyUse.checkOpener}. */
  checkOpener(ciphertext: Buffer): Promise<OpenerCheck | null>;
}

/** @throws TsopsError("usage") if the key id is malformed, "key-unavailable" if this service has no master secret. */
function clusterTool(keyId: string, secrets: readonly MasterSecret[]): Tool {
  const [newest] = secrets;
  if (!newest)
    throw new TsopsError("key-unavailable", "this key service holds no master secret of a cluster");
  if (!KEY_ID.test(keyId)) throw new TsopsError("usage", "the key id is malformed");
  return {
    kind: "cluster",
    title: "cluster",
    id: keyId,
    wrap: async (plaintext) => Buffer.from(encryptKey(plaintext, newest, keyId)),
    unwrap: async (ciphertext) => ({ key: openKey(ciphertext.toString("latin1"), secrets, keyId) }),
    // what is wrapped is bound to the id in the request
    checkOpener: async () => ({}),
  };
}

/** @throws TsopsError("parse") if the kind wants a field that the request does not have. */
function kindTool(kind: KeyKind, fields: TreeMap, context: KeyContext): Tool {
  // metadata have a creation time, requests do not, and the kinds check what they get from outside
  const created = context.now().toISOString();
  const key = kind.fromMetadata(withField(fields, "created_at", created));
  const wrapped = (enc: Buffer): MasterKey => ({
    ...key,
    fields: withField(key.fields, "enc", enc.toString("utf8")),
  });
  return {
    kind: kind.name,
    title: kind.title,
    id: shown(key),
    wrap: async (plaintext) => {
      if (plaintext.length === 0) throw new TsopsError("usage", "there is nothing to wrap");
      return Buffer.from(textField((await wrapOne(key, plaintext, context)).fields, "enc"));
    },
    unwrap: async (ciphertext) => {
      return await (await kind.use()).unwrap(wrapped(ciphertext), context);
    },
    checkOpener: async (ciphertext) => {
      const { checkOpener } = await kind.use();
      return checkOpener ? await checkOpener(wrapped(ciphertext), context) : {};
    },
  };
}

function withField(fields: TreeMap, name: string, value: string): TreeMap {
  return sortedFields([
    ...fields
      .entries()
      .map((entry): [string, typeof entry.value] => [entry.key, entry.value])
      .filter(([known]) => known !== name),
    [name, value],
  ]);
}

const MAX_ID = 2000;

/**
 * A key for the log and the person. In full, since whoever asks could put what matters into the middle that would be
 * left out; age's recipients are compared as a whole. Somebody may send an identity where a recipient is due: it must
 * not get into a log.
 * @throws TsopsError("usage") if nobody would read it to its end.
 */
function shown({ kind, id }: MasterKey): string {
  const text = withoutIdentities(id);
  if (kind === "age") return shortened(text);
  if (text.length <= MAX_ID) return printable(text);
  throw new TsopsError("usage", `what identifies the key has more than ${MAX_ID} characters`);
}

/** Who asks: the address, and the name in the certificate where there is one. */
function peerOf(call: Call): { peer: string; client?: string } {
  const address = call.getPeer();
  // gRPC knows no address of who is at the other end of a Unix socket
  const peer = address === "unknown" ? "unix" : address;
  const certificate = call.getAuthContext().sslPeerCertificate;
  const name = certificate?.subject?.CN;
  return { peer, client: Array.isArray(name) ? name.join(",") : name };
}

/**
 * The connection that a request came by, for counting. gRPC says the address of the other end, which a Unix socket does
 * not have; there the HTTP/2 session of the request's stream tells connections apart.
 */
function connectionOf(call: Call): unknown {
  let part = (call as unknown as { call?: Part }).call;
  while (part && !part.stream) part = part.nextCall;
  return part?.stream?.session ?? call.getPeer();
}

/** What gRPC's server calls consist of, of which its types say nothing. */
interface Part {
  readonly nextCall?: Part;
  readonly stream?: { readonly session?: object };
}
