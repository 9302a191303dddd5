import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { kindNamed } from "../../../src/keys/table.ts";
import { masterSecret } from "../../../src/keyservice/cipher.ts";
import type { LogEntry } from "../../../src/keyservice/log.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../../src/keyservice/server.ts";
import { contextWith, GOLDEN } from "../keys/contexts.ts";

export const RECIPIENT = "age14kpnuzg57a698yrcfaq9vuktcr7vzpkayyuead4sll5rluwtcc9sekj2x4";
export const DATA_KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x80 + i));
export const SECRET = masterSecret(Buffer.from(Array.from({ length: 32 }, (_, i) => i)));
export const OTHER_SECRET = masterSecret(Buffer.from(Array.from({ length: 32 }, (_, i) => 100 + i)));

const folders: string[] = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with a short path, as sockets need it. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "tsops-ks-"));
  folders.push(folder);
  return folder;
}

/** A context that has the identity of {@link RECIPIENT}. */
export function withIdentity(more: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ SOPS_AGE_KEY_FILE: join(GOLDEN, "keys", "age1.txt") }, more);
}

export interface Serving extends RunningServer {
  readonly log: LogEntry[];
}

/** Runs a server in this process for as long as `work` takes: on a free loopback port, or where `options` say. */
export async function serving(
  options: Partial<ServerOptions>,
  work: (server: Serving) => Promise<void>,
): Promise<LogEntry[]> {
  const log: LogEntry[] = [];
  const server = await startServer({
    network: "tcp",
    address: "127.0.0.1:0",
    context: withIdentity(),
    secrets: [],
    verbose: false,
    log: (entry) => void log.push(entry),
    ...options,
  });
  try {
    await work({ ...server, log });
  } finally {
    await server.stop(1000);
  }
  return log;
}

export function ageKey(): MasterKey {
  return kindNamed("age").parse(RECIPIENT)[0]!;
}

export function requestsIn(log: readonly LogEntry[]): LogEntry[] {
  return log.filter(({ event, result }) => event === "request" && result !== "begun");
}
