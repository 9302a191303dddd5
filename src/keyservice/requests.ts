import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { TsopsError } from "../errors.ts";
import type { TreeMap } from "../formats/tree.ts";
import { sortedFields, textField } from "../keys/fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "../keys/kind.ts";
import { shortened } from "../keys/printable.ts";
import { kindNamed } from "../keys/table.ts";
import { type MasterSecret, open, seal } from "./cipher.ts";
import { KEY_ID } from "./cluster-uri.ts";
import { STATUS } from "./failures.ts";
import { type Log, withoutIdentities } from "./log.ts";
import type { DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse } from "./protocol.ts";
import { fromWire } from "./wire.ts";

/** More requests at once than this are told to come back. */
const MAX_CALLS = 64;
/** How long what kinds remember (clients, identities) is used: what a person changes counts soon. */
const REMEMBER_MS = 60_000;

export interface RequestOptions {
  readonly context: KeyContext;
  /** Newest first; empty if the service is no cluster's. */
  readonly secrets: readonly MasterSecret[];
  /** Asks the person before each use of a key. */
  readonly ask?: (question: string) => Promise<boolean>;
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

const CANCELLED: Answer = {
  result: "cancelled",
  error: { code: STATUS.cancelled, details: "stopped" },
};

/** Answers requests of key services: names the key, asks the person if so wished, uses it, and logs all that. */
export class Requests {
  private readonly options: RequestOptions;
  private running = 0;
  private asking: Promise<unknown> = Promise.resolve();
  private memory = { cache: new Map<string, unknown>(), since: 0 };

  constructor(options: RequestOptions) {
    this.options = options;
  }

  readonly handlers = {
    Encrypt: (call: Call, done: Done): void => void this.answer("Encrypt", call, done),
    Decrypt: (call: Call, done: Done): void => void this.answer("Decrypt", call, done),
  };

  private async answer(method: Method, call: Call, done: Done): Promise<void> {
    const start = performance.now();
    const stopped = new AbortController();
    call.on("cancelled", () => stopped.abort());
    if (call.cancelled) stopped.abort();
    const named: { kind?: string; key?: string } = {};
    const { bytes, error, result, reason } = await this.limited(() =>
      this.use(method, call, named, stopped.signal),
    );
    const ms = Math.round(performance.now() - start);
    this.options.log({ event: "request", method, ...named, ...peerOf(call), result, reason, ms });
    if (error || !bytes) done(error ?? { code: STATUS.internal, details: "an internal error" });
    else done(null, method === "Encrypt" ? { ciphertext: bytes } : { plaintext: bytes });
  }

  private async limited(work: () => Promise<Answer>): Promise<Answer> {
    if (this.running >= MAX_CALLS) {
      const details = "there are too many requests at once";
      return { result: "busy", error: { code: STATUS.resourceExhausted, details } };
    }
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
    }
  }

  private async use(
    method: Method,
    call: Call,
    named: { kind?: string; key?: string },
    signal: AbortSignal,
  ): Promise<Answer> {
    const input = "plaintext" in call.request ? call.request.plaintext : call.request.ciphertext;
    try {
      const tool = this.toolFor(call.request);
      named.kind = tool.kind;
      named.key = tool.id;
      if (this.options.verbose) this.options.log({ event: "request", method, ...named, result: "begun" });
      if (!(await this.agreed(method, tool, call, signal))) {
        const details = "the person who runs it said no";
        return { result: "refused", error: { code: STATUS.permissionDenied, details } };
      }
      const bytes = method === "Encrypt" ? await tool.wrap(input) : await tool.unwrap(input);
      if (signal.aborted) {
        bytes?.fill(0);
        return CANCELLED;
      }
      if (bytes) return { result: "ok", bytes };
      const details = "nothing here can open it";
      const reason = this.options.verbose ? tool.whyNot().join("; ") : details;
      return { result: "failed", error: { code: STATUS.notFound, details }, reason };
    } catch (error) {
      return this.failed(error, signal);
    } finally {
      if (method === "Encrypt") input.fill(0);
    }
  }

  private failed(error: unknown, { aborted }: AbortSignal): Answer {
    if (aborted) return CANCELLED;
    if (!(error instanceof TsopsError)) {
      const reason = `an internal error (${error instanceof Error ? error.name : typeof error})`;
      return { result: "failed", error: { code: STATUS.internal, details: "an internal error" }, reason };
    }
    const code = ["usage", "parse"].includes(error.code) ? STATUS.invalidArgument : STATUS.failedPrecondition;
    const hint = this.options.verbose && error.hint ? ` (${error.hint})` : "";
    const details = withoutIdentities(error.message);
    return { result: "failed", error: { code, details }, reason: details + hint };
  }

  /** Asks one question at a time. */
  private async agreed(method: Method, tool: Tool, call: Call, signal: AbortSignal): Promise<boolean> {
    const { ask } = this.options;
    if (!ask) return true;
    const { peer, client } = peerOf(call);
    const from = client === undefined ? peer : `${client} (${peer})`;
    const question = `Received ${method === "Encrypt" ? "encrypt" : "decrypt"} request from ${from} using ${tool.title} key ${tool.id}. Respond to request?`;
    const answer = this.asking.then(() => !signal.aborted && ask(question));
    this.asking = answer.catch(() => undefined);
    const yes = await answer;
    if (signal.aborted) throw new TsopsError("aborted", "stopped");
    return yes;
  }

  /**
   * The request's signal is kept from the kinds: what they remember, such as a client for a server, would hold on to it
   * and be stopped for all who come later. What a client gave up ends by itself: every attempt has an end.
   */
  private toolFor(request: EncryptRequest | DecryptRequest): Tool {
    const { kind: name, fields } = fromWire(request.key);
    if (name === "cluster") return clusterTool(textField(fields, "key_id"), this.options.secrets);
    const kind = kindNamed(name);
    const context: KeyContext = { ...this.options.context, cache: this.remembered() };
    return kindTool(kind, fields, context);
  }

  private remembered(): Map<string, unknown> {
    const now = performance.now();
    if (this.memory.since === 0 || now - this.memory.since > REMEMBER_MS) {
      this.memory = { cache: new Map(), since: now };
    }
    return this.memory.cache;
  }
}

/** A key that a request may use. */
interface Tool {
  readonly kind: string;
  readonly title: string;
  /** Fit for a log and a terminal. */
  readonly id: string;
  wrap(plaintext: Buffer): Promise<Buffer>;
  unwrap(ciphertext: Buffer): Promise<Buffer | null>;
  whyNot(): readonly string[];
}

/** @throws TsopsError("usage") if the key id is malformed, "generic" if this service has no master secret. */
function clusterTool(keyId: string, secrets: readonly MasterSecret[]): Tool {
  const [newest] = secrets;
  if (!newest) throw new TsopsError("generic", "this key service holds no master secret of a cluster");
  if (!KEY_ID.test(keyId)) throw new TsopsError("usage", "the key id is malformed");
  return {
    kind: "cluster",
    title: "cluster",
    id: keyId,
    wrap: async (plaintext) => Buffer.from(seal(plaintext, newest, keyId)),
    unwrap: async (ciphertext) => open(ciphertext.toString("latin1"), secrets, keyId),
    whyNot: () => [],
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
  let asked = key;
  return {
    kind: kind.name,
    title: kind.title,
    id: shown(key),
    wrap: async (plaintext) => {
      if (plaintext.length === 0) throw new TsopsError("usage", "there is nothing to wrap");
      return Buffer.from(textField((await kind.wrap(key, plaintext, context)).fields, "enc"));
    },
    unwrap: async (ciphertext) => {
      asked = wrapped(ciphertext);
      return await kind.unwrap(asked, context);
    },
    whyNot: () => kind.whyNot?.(asked, context) ?? [],
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

/** Somebody may send an identity where a recipient is due: it must not get into a log. */
function shown({ id }: MasterKey): string {
  return shortened(withoutIdentities(id));
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
