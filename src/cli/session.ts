import type { Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import type { Allow } from "../keys/allow.ts";
import { parseDecryptionOrder } from "../keys/table.ts";
import type { Args } from "./args.ts";
import type { Io } from "./io.ts";
import { askHidden, interactive } from "./prompt.ts";
import { note } from "./report.ts";

/** How keys are reached in this run: from options, variables and the person at the terminal. */
export async function makeSession(args: Args, io: Io, signal?: AbortSignal): Promise<Session> {
  const local = args.flag("enable-local-keyservice") && io.env.SOPS_ENABLE_LOCAL_KEYSERVICE !== "false";
  const services = [...args.list("keyservice"), ...(io.env.SOPS_KEYSERVICE ? [io.env.SOPS_KEYSERVICE] : [])];
  if (services.length > 0 && !local) {
    throw new TsopsError("usage", "this version of tsops cannot ask key services yet", {
      hint: "allow the keys of this machine (--enable-local-keyservice), or use SOPS for this file",
    });
  }
  if (services.length > 0) {
    await note(io, "warning: this version cannot ask key services yet: only keys of this machine are tried");
  }
  let allowed: Promise<Allow> | undefined;
  return {
    order: parseDecryptionOrder(args.text("decryption-order") ?? io.env.SOPS_DECRYPTION_ORDER ?? ""),
    local,
    context: {
      env: io.env,
      home: io.env.HOME ?? io.env.USERPROFILE ?? process.getBuiltinModule("node:os").homedir(),
      now: () => new Date(),
      signal,
      // looking whether there is a terminal opens the standard streams, which costs time
      get prompt() {
        return interactive(io) ? (question: string) => askHidden(question, io, signal) : undefined;
      },
      allow: () => (allowed ??= import("./allowed.ts").then(({ allowedHere }) => allowedHere(args, io))),
      warn: (message) => void note(io, `warning: ${message}`),
      cache: new Map(),
    },
  };
}
