import type { Session } from "../document.ts";
import { TABLE_OF_KINDS } from "../keys/context.ts";
import { forgetKeys } from "../keys/groups.ts";
import type { Keeper, KeyContext } from "../keys/kind.ts";
import { parseDecryptionOrder } from "../keys/table.ts";
import type { Run } from "./command.ts";
import { atEnd } from "./ends.ts";
import { stopOf } from "./interrupt.ts";
import { homeOf, type Io, truthOf, wholeOf } from "./io.ts";
import { keeperFor } from "./keeper.ts";
import { askHidden, interactive } from "./prompt.ts";
import { mention } from "./report.ts";

/** By the run: what was asked, fetched and unwrapped for one file holds for the others. */
const sessions = new WeakMap<Io, Promise<Session>>();

/** How keys are reached in this run: from options, variables and the person at the terminal. One a run. */
export function sessionOf(run: Run, asks: Asks = {}): Promise<Session> {
  const io = wholeOf(run.io);
  let session = sessions.get(io);
  if (!session) sessions.set(io, (session = makeSession({ ...run, io }, asks)));
  return session;
}

/** Lets a run that is inside another one use its session. */
export function shareSession(io: Io, session: Session): void {
  sessions.set(io, Promise.resolve(session));
}

async function makeSession(run: Run, asks: Asks): Promise<Session> {
  const context = contextFor(run, asks);
  atEnd(run.io, () => void forgetKeys(context));
  const uris = serviceUris(run);
  return {
    order: parseDecryptionOrder(run.args["decryption-order"] ?? run.io.env.SOPS_DECRYPTION_ORDER ?? ""),
    local: usesOwnKeys(run),
    services:
      uris.length > 0 ? (await import("../keys/service/client.ts")).keyServices(uris, context) : undefined,
    context,
  };
}

interface Asks {
  /** Whether the person may be asked to approve the configuration; where not, what it names is refused. */
  readonly asks?: boolean;
  /** Whether the person may be asked for passphrases. Default true. */
  readonly prompts?: boolean;
  /** Ends the work with keys. */
  readonly signal?: AbortSignal;
}

/** What kinds of keys may use of the outside world in this run. */
export function contextFor(run: Run, { asks = true, prompts = true, signal }: Asks = {}): KeyContext {
  // only where a key names a server, a role, a profile or a plugin
  const load = () => import("./allowed.ts").then(({ Allowed }) => new Allowed(run, asks));
  let loaded: ReturnType<typeof load> | undefined;
  const allowed = () => (loaded ??= load());
  const warn = (message: string): void => mention(run.io, `warning: ${message}`);
  let keeper: Promise<Keeper | undefined> | undefined;
  let masters: Promise<readonly string[]> | undefined;
  return {
    env: run.io.env,
    home: homeOf(run.io),
    now: () => new Date(),
    signal,
    // a run over many files begins after this is made
    get ending() {
      return stopOf(run.io);
    },
    // looking whether there is a terminal opens the standard streams, which costs time
    get prompt() {
      return prompts && interactive(run.io) ? (question: string) => askHidden(question, run.io) : undefined;
    },
    allow: async () => (await allowed()).allow(),
    vouch: async (list, value) => (await allowed()).vouch(list, value),
    masterVariables: () =>
      (masters ??= import("./allowed.ts").then(({ masterVariables }) => masterVariables(run))),
    keeper: () => (keeper ??= keeperFor(run, warn)),
    warn,
    tell: (message) => mention(run.io, message),
    kinds: TABLE_OF_KINDS,
    cache: new Map(),
  };
}

/** The variable's key services, which commas separate, then the options': SOPS asks them in this order. */
function serviceUris(run: Run): string[] {
  const named = (run.io.env.SOPS_KEYSERVICE ?? "").split(",").map((uri) => uri.trim());
  return [...named.filter(Boolean), ...run.args.keyservice];
}

/** The option counts, else the variable as SOPS reads it: set to nothing, it means no. */
function usesOwnKeys(run: Run): boolean {
  if (run.given("enable-local-keyservice")) return run.args["enable-local-keyservice"];
  const text = run.io.env.SOPS_ENABLE_LOCAL_KEYSERVICE;
  return text === undefined || (text !== "" && truthOf("SOPS_ENABLE_LOCAL_KEYSERVICE", text));
}
