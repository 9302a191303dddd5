import { type ErrorCode, TsopsError } from "../../errors.ts";
import { codeOfStatus } from "../../net/failure.ts";
import { printable } from "../../printable.ts";
import { AskedOnce } from "../login.ts";
import type { VaultClient } from "./api.ts";
import { isSealed, VaultError } from "./errors.ts";
import type { TransitKey } from "./transit.ts";

/** What a no of Vault means, and what to do next. */
export interface Reason {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
}

/** A policy that allows just this, in a line. */
export function policyFor({ engine, name }: TransitKey, operation: "encrypt" | "decrypt"): string {
  return `path "${engine}/${operation}/${name}" { capabilities = ["update"] }`;
}

/**
 * A no of Vault as an error with the cause and the next step. Others than VaultError("generic") come back as they are.
 */
export async function explained(
  error: unknown,
  client: VaultClient,
  key: TransitKey,
  operation: "encrypt" | "decrypt",
): Promise<unknown> {
  if (!(error instanceof VaultError)) return error;
  const { code, why, hint } =
    error.status === 403 ? await denied(client, key, operation) : reasonFor(error, client, key);
  return new TsopsError(code, why, { hint, cause: error });
}

/**
 * 403 is the answer to a bad token and to a missing permission. Most tokens may look at themselves, which tells; one
 * without the default policy may not, and then it is either.
 */
async function denied(
  client: VaultClient,
  key: TransitKey,
  operation: "encrypt" | "decrypt",
): Promise<Reason> {
  const state = await ownState(client);
  const refused = state instanceof VaultError && state.status === 403;
  if (refused && saysBadToken(state)) return badToken(client);
  const needs = `its policy needs ${policyFor(key, operation)}${inNamespace(client)}`;
  if (!refused) {
    return { code: "access-denied", why: `permission denied: ${client.source} may not use it`, hint: needs };
  }
  return {
    code: "access-denied",
    why: `permission denied: ${client.source} may not use it, or the server does not accept it`,
    hint: `${needs}; or it has expired or was revoked: log in again with \`vault login\``,
  };
}

/** How long it counts for the other files of a run what a token is. */
const STATE_MS = 60_000;
const STATES = new WeakMap<VaultClient, AskedOnce<unknown>>();

/** What the server says of the client's token, or the error that it answers with. */
function ownState(client: VaultClient): Promise<unknown> {
  let state = STATES.get(client);
  if (!state) {
    const ask = () => client.request("GET", "auth/token/lookup-self").catch((error: unknown) => error);
    state = new AskedOnce(ask, { now: Date.now, until: () => Date.now() + STATE_MS });
    STATES.set(client, state);
  }
  return state.get();
}

/**
 * Whether the server says that it does not know the token, and not only that something is not allowed. What a policy
 * denies comes as a list ("1 error occurred: * permission denied"), and so does a bad token in newer versions of Vault,
 * with a line that says so. OpenBao and older ones say "permission denied" alone of a bad token.
 */
export function saysBadToken({ texts }: VaultError): boolean {
  const said = texts.join(" ");
  return /invalid token|bad token|missing client token/i.test(said) || !/errors? occurred/i.test(said);
}

export function badToken(client: VaultClient): Reason {
  return {
    code: "bad-credentials",
    why: `permission denied: the server does not accept ${client.source}`,
    hint: `it has expired, was revoked, or is one of another server or namespace: log in again with \`vault login\`${inNamespace(client)}`,
  };
}

function inNamespace({ namespace }: VaultClient): string {
  return namespace ? ` (VAULT_NAMESPACE is ${printable(namespace)})` : "";
}

/** What is wrong with the server itself, whatever it was asked for; undefined if it only says no. */
export function troubleOf(error: VaultError, address: string): Reason | undefined {
  const { status, message } = error;
  const fail = (why: string, hint: string): Reason => ({ code: "service-failed", why, hint });
  if (isSealed(error)) return fail(`the Vault server ${address} is sealed`, "someone has to unseal it");
  if (status === 429) return fail(`the Vault server ${address} got too many requests`, "try again later");
  if (status < 500) return undefined;
  return fail(
    `the Vault server ${address} failed: ${message}`,
    "`vault status` shows its state: it may be a standby without an active server",
  );
}

/** Vault's texts are its only way to tell these apart: those of Vault 1.x and OpenBao 2.x. */
function reasonFor(error: VaultError, client: VaultClient, { engine, name }: TransitKey): Reason {
  const { status, message } = error;
  const is = (expression: RegExp): boolean => expression.test(message);
  if (isSealed(error)) return troubleOf(error, client.address)!;
  if (is(/namespace not found/i)) {
    return {
      code: "bad-setting",
      why: `there is no such namespace${inNamespace(client)}`,
      hint: "check VAULT_NAMESPACE",
    };
  }
  if (is(/no handler for route|unsupported path|unsupported operation/i)) {
    return {
      code: "no-such-key",
      why: `there is no transit engine at ${engine}${inNamespace(client)}`,
      hint: "check the engine's path and VAULT_NAMESPACE: `vault secrets list` shows the engines",
    };
  }
  if (is(/key not found/i) || status === 404) {
    return {
      code: "no-such-key",
      why: `the engine ${engine} has no key ${name}: it was deleted, or never was there`,
      hint: "check the name and VAULT_NAMESPACE; a deleted key comes back only from a backup of it",
    };
  }
  if (is(/soft.?deleted/i)) {
    return {
      code: "no-such-key",
      why: `the key ${name} of the engine ${engine} is deleted`,
      hint: `\`bao write -f ${engine}/keys/${name}/soft-delete-restore\` brings it back`,
    };
  }
  if (is(/too old|disallowed by policy/i)) {
    return {
      code: "access-denied",
      why: "this version of the key may not decrypt any more (min_decryption_version)",
      hint: `lower it for a moment with \`vault write ${engine}/keys/${name}/config min_decryption_version=1\`, and run \`tsops rotate\` on the file`,
    };
  }
  if (is(/too new/i)) {
    return {
      code: "no-such-key",
      why: "the server does not have this version of the key: it may have been restored or made again",
      hint: "ask who runs the server for a backup of the key",
    };
  }
  if (is(/invalid ciphertext|authentication failed|missing ciphertext|base64|illegal/i)) {
    return {
      code: "bad-key",
      why: "the wrapped data key is damaged, or another key wrapped it",
      hint: "compare the file's sops metadata with its last good version in git",
    };
  }
  if (is(/derivation|derived/i)) {
    return {
      code: "bad-key",
      why: "the key is a derived one, which needs a context",
      hint: "SOPS's format has no room for a context: use a key with derived=false",
    };
  }
  if (is(/not supported for key type/i)) {
    return {
      code: "bad-key",
      why: `the key ${name} of the engine ${engine} is of a type that cannot encrypt`,
      hint: "use a key of the type aes256-gcm96, chacha20-poly1305 or rsa-4096",
    };
  }
  return (
    troubleOf(error, client.address) ?? {
      code: codeOfStatus(status),
      why: `the Vault server ${client.address} refused: ${message}`,
      hint: "see the server's log",
    }
  );
}
