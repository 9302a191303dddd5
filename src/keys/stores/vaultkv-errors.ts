import { type ErrorCode, TsopsError } from "../../errors.ts";
import { codeOfStatus } from "../../net/failure.ts";
import { printable, shortened } from "../../printable.ts";
import type { VaultError } from "../vault/client.ts";
import { NotThere } from "./store.ts";

/**
 * What Vault or OpenBao said no with, as a sentence and a next step.
 * @param source which credentials were used, for the message.
 */
export function explained(error: VaultError, uri: string, source: string): TsopsError {
  const { status, texts } = error;
  const said = texts.join("; ") || `status ${status}`;
  const fail = (code: ErrorCode, why: string, hint: string) =>
    new TsopsError(code, `cannot read ${shortened(uri)}: ${why}`, { hint, cause: error });
  if (status === 404) {
    const [why, hint] = missing(error);
    return new NotThere("no-such-key", `cannot read ${shortened(uri)}: ${why}`, { hint, cause: error });
  }
  if (status === 403 && /invalid token|bad token|missing client token/i.test(said)) {
    return fail(
      "bad-credentials",
      `the server does not accept ${source} (any more)`,
      "log in again (`vault login` or `bao login`), or set a new token",
    );
  }
  if (status === 403) {
    return fail(
      "access-denied",
      `${source} may not read it, or has expired`,
      "the policy must allow to read that path (MOUNT/data/PATH in KV version 2); see docs/keys.md",
    );
  }
  if (status === 503 && /sealed/i.test(said)) {
    return fail("service-failed", "the server is sealed", "somebody with the unseal keys has to unseal it");
  }
  if (status === 429) return fail("service-failed", "too many requests (429)", "try again later");
  if (status >= 500) {
    return fail("service-failed", said, "`vault status` shows the server's state; see its log, too");
  }
  return fail(
    codeOfStatus(status),
    said,
    "see the log of the server, and check VAULT_NAMESPACE and the path",
  );
}

/** KV version 2 says with a 404 what became of a version. */
function missing({ data }: VaultError): [why: string, hint: string] {
  const metadata = data?.metadata as Readonly<Record<string, unknown>> | null | undefined;
  const version = typeof metadata?.version === "number" ? `version ${metadata.version} of it` : "it";
  if (metadata?.destroyed === true) {
    return [`${version} was destroyed`, "it cannot come back: take the master key out of a backup"];
  }
  if (metadata?.deletion_time) {
    const when = printable(String(metadata.deletion_time));
    return [`${version} was deleted (${when})`, "undelete it: `vault kv undelete` or `bao kv undelete`"];
  }
  return ["there is no such secret", "look for a typing error in mount and path, and check VAULT_NAMESPACE"];
}

/** For files from before the secret was moved to an engine that keeps one version only. */
export function noSuchVersion(uri: string, version: string): TsopsError {
  return new NotThere(
    "no-such-key",
    `${shortened(uri)} has no version ${version}: its engine keeps only one`,
    {
      hint: "put the old master key into the secret, after the newest one",
    },
  );
}
