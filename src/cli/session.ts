import type { Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { TABLE_OF_KINDS } from "../keys/context.ts";
import type { KeyContext } from "../keys/kind.ts";
import { parseDecryptionOrder } from "../keys/table.ts";
import type { Args } from "./args.ts";
import { homeOf, type Io } from "./io.ts";
import { askHidden, interactive } from "./prompt.ts";
import { note } from "./report.ts";

/** How keys are reached in this run: from options, variables and the person at the terminal. */
export async function makeSession(args: Args, io: Io, options: ContextOptions = {}): Promise<Session> {
  const context = contextFor(args, io, options);
  const uris = serviceUris(args, io);
  return {
    order: parseDecryptionOrder(args.text("decryption-order") ?? io.env.SOPS_DECRYPTION_ORDER ?? ""),
    local: usesOwnKeys(args, io),
    services:
      uris.length > 0 ? (await import("../keys/service/client.ts")).keyServices(uris, context) : undefined,
    context,
  };
}

export interface ContextOptions {
  readonly signal?: AbortSignal;
  /** Whether the person may be asked to approve the configuration; where not, what it names is refused. */
  readonly asks?: boolean;
}

/** What kinds of keys may use of the outside world in this run. */
export function contextFor(args: Args, io: Io, { signal, asks = true }: ContextOptions = {}): KeyContext {
  // only where a key names a server, a role, a profile or a plugin
  const load = () => import("./allowed.ts").then(({ Allowed }) => new Allowed(args, io, asks));
  let loaded: ReturnType<typeof load> | undefined;
  const allowed = () => (loaded ??= load());
  let masters: Promise<readonly string[]> | undefined;
  return {
    env: io.env,
    home: homeOf(io),
    now: () => new Date(),
    signal,
    // looking whether there is a terminal opens the standard streams, which costs time
    get prompt() {
      return interactive(io) ? (question: string) => askHidden(question, io, { signal }) : undefined;
    },
    allow: async () => (await allowed()).allow(),
    vouch: async (list, value) => (await allowed()).vouch(list, value),
    masterVariables: () =>
      (masters ??= import("./allowed.ts").then(({ masterVariables }) => masterVariables(args, io))),
    warn: (message) => void note(io, `warning: ${message}`),
    tell: (message) => void note(io, message),
    kinds: TABLE_OF_KINDS,
    cache: new Map(),
  };
}

/** The variable's key services, which commas separate, then the options': SOPS asks them in this order. */
function serviceUris(args: Args, io: Io): string[] {
  const named = (io.env.SOPS_KEYSERVICE ?? "").split(",").map((uri) => uri.trim());
  return [...named.filter(Boolean), ...args.list("keyservice")];
}

/** The option counts, else the variable as SOPS reads it: set to nothing, it means no. */
function usesOwnKeys(args: Args, io: Io): boolean {
  if (args.has("enable-local-keyservice")) return args.flag("enable-local-keyservice");
  const text = io.env.SOPS_ENABLE_LOCAL_KEYSERVICE;
  if (text === undefined || /^(1|t|true|T|TRUE|True)$/.test(text)) return true;
  if (/^(|0|f|false|F|FALSE|False)$/.test(text)) return false;
  throw new TsopsError("usage", "SOPS_ENABLE_LOCAL_KEYSERVICE is neither true nor false");
}
