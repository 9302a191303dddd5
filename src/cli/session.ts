import { homedir } from "node:os";
import type { Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { parseDecryptionOrder } from "../keys/table.ts";
import type { Args } from "./args.ts";
import type { Io } from "./io.ts";
import { askHidden, interactive } from "./prompt.ts";
import { note } from "./report.ts";

/** How keys are reached in this run: from options, variables and the person at the terminal. */
export async function makeSession(args: Args, io: Io, signal?: AbortSignal): Promise<Session> {
  const services = [...args.list("keyservice"), ...(io.env.SOPS_KEYSERVICE ? [io.env.SOPS_KEYSERVICE] : [])];
  if (services.length > 0) {
    throw new TsopsError("usage", "this version of tsops cannot ask key services yet", {
      hint: "leave --keyservice and SOPS_KEYSERVICE away and use a key of this machine",
    });
  }
  return {
    order: parseDecryptionOrder(args.text("decryption-order") ?? io.env.SOPS_DECRYPTION_ORDER ?? ""),
    local: args.flag("enable-local-keyservice") && io.env.SOPS_ENABLE_LOCAL_KEYSERVICE !== "false",
    context: {
      env: io.env,
      home: io.env.HOME ?? io.env.USERPROFILE ?? homedir(),
      now: () => new Date(),
      signal,
      prompt: interactive(io) ? (question) => askHidden(question, io, signal) : undefined,
      warn: (message) => void note(io, `warning: ${message}`),
      cache: new Map(),
    },
  };
}
