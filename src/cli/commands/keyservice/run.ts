import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { endingSignals, takeSignals } from "../../../files/wayout.ts";
import type { KeyContext } from "../../../keys/kind.ts";
import type { TlsFiles } from "../../../keys/service/address.ts";
import { jsonLog, type Log } from "../../../keyservice/log.ts";
import { masterSecrets, variableOf } from "../../../keyservice/master.ts";
import { type RunningServer, startServer } from "../../../keyservice/server.ts";
import { readPem } from "../../../net/tls.ts";
import { write } from "../../io.ts";
import { askAnew } from "../../prompt.ts";
import { contextFor } from "../../session.ts";
import type { KeyserviceRun } from "./command.ts";

/** How long requests that run may take once the service is told to stop. */
const GRACE_MS = 5000;

/** `keyservice`: serves the master keys of this machine until a signal comes (docs/internals/sops.md §7). */
export async function keyservice(run: KeyserviceRun): Promise<number> {
  if (run.given("keyservice") || run.given("enable-local-keyservice")) {
    throw new TsopsError("usage", "a key service uses the keys of its own machine, and asks no other", {
      hint: "--keyservice and --enable-local-keyservice are for the commands that open files",
    });
  }
  const references = run.args["master-secret"];
  const log = jsonLog(
    (line) => void write(run.io.stderr, line).catch(() => undefined),
    () => new Date(),
  );
  const secrets = masterSecrets(references, run.io.env);
  try {
    const options = {
      ...placeFrom(run),
      tls: await tlsFrom(run),
      secrets,
      context: serverContext(run, references.map(variableOf), log),
      // SOPS asks on standard output, too; the log is on the other
      ask: run.args.prompt
        ? (question: string, signal: AbortSignal) => askAnew(question, run.io, run.io.stdout, signal)
        : undefined,
      log,
      verbose: run.args.verbose,
      allowAnyone: run.args["allow-anyone"],
    };
    await serveUntilSignal(() => startServer(options), log);
  } finally {
    for (const { secret } of secrets) secret.fill(0);
  }
  log({ event: "stopped" });
  return 0;
}

/**
 * Serves until a signal comes; a second one does not wait for the requests that run. One may come as soon as the log says
 * that the service listens.
 */
async function serveUntilSignal(start: () => Promise<RunningServer>, log: Log): Promise<void> {
  let stop: (grace: number) => void = () => undefined;
  let signals = 0;
  const release = takeSignals(endingSignals(), (signal) => {
    log({ event: "stopping", signal });
    stop(signals++ > 0 ? 0 : GRACE_MS);
  });
  try {
    const server = await start();
    await new Promise<void>((done, failed) => {
      stop = (grace) => void server.stop(grace).then(done, failed);
      if (signals > 0) stop(GRACE_MS);
    });
  } finally {
    release();
  }
}

function placeFrom(run: KeyserviceRun): { network: "tcp" | "unix"; address: string } {
  const { network, address } = run.args;
  if (network === "tcp") return { network, address };
  if (network !== "unix") {
    throw new TsopsError("usage", "--network is neither tcp nor unix");
  }
  if (!address.includes("/") && /^[\d.]+:\d+$/.test(address)) {
    throw new TsopsError("usage", "a Unix socket needs a path", { hint: "name it with --address" });
  }
  return { network, address: resolve(run.io.cwd, address) };
}

async function tlsFrom(run: KeyserviceRun): Promise<TlsFiles | undefined> {
  const names = ["tls-cert", "tls-key", "tls-client-ca"] as const;
  const [cert, key, ca] = await Promise.all(
    names.map((name) => {
      const path = run.args[name];
      return path === undefined ? undefined : readPem(resolve(run.io.cwd, path), `--${name}`);
    }),
  );
  if (!cert && !key && !ca) return undefined;
  if (!cert || !key) {
    throw new TsopsError("usage", "TLS needs both --tls-cert and --tls-key");
  }
  if (run.args.network === "unix") {
    throw new TsopsError("usage", "a Unix socket has no TLS: only its owner can connect to it");
  }
  return { cert, key, ca };
}

/** The context for requests. The master secrets are not for the kinds of keys, nor for programs that they start. */
function serverContext(run: KeyserviceRun, hidden: readonly string[], log: Log): KeyContext {
  const env = Object.fromEntries(Object.entries(run.io.env).filter(([name]) => !hidden.includes(name)));
  const context = contextFor({ ...run, io: { ...run.io, env } }, { asks: false });
  return {
    ...context,
    // the questions of --prompt and those for passphrases cannot share a terminal
    prompt: run.args.prompt ? undefined : context.prompt,
    warn: (message) => log({ event: "warning", message }),
    tell: undefined,
    // others may ask here: what the person unlocked for their own runs is not for them
    keeper: undefined,
  };
}
