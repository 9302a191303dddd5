import { type ErrorCode, TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { throttleBy } from "../../net/service.ts";
import type { AzureKey } from "./identifier.ts";

/** What was to be done with a key, by the name of the permission that it needs. */
export type Operation = "get" | "encrypt" | "decrypt";

/** What is used of the SDK's RestError. Its message quotes the vault, and stays out of ours. */
interface VaultError extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
  readonly details?: { readonly error?: { readonly innerError?: { readonly code?: string } } };
}

/** Whether an error will pass by itself: throttling, a failure of the service, a connection that broke. */
export function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return statusPasses((error as VaultError).statusCode) || networkPasses(error) || passes(error.cause);
}

/** Whether the vault says that there are too many requests. */
export function throttle(error: unknown): Throttle | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, response } = error as VaultError;
  return throttleBy(statusCode, response?.headers?.get("retry-after")) ?? throttle(error.cause);
}

/** Whether the vault has no such key, or no such version of it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error as VaultError).statusCode === 404;
}

/** Whether the vault knows who asks, and says no. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && (error as VaultError).statusCode === 403 && denial(error) === "permission";
}

/** An error as a sentence and a next step. Errors of our own stay as they are. */
export function explained(error: unknown, key: AzureKey, operation: Operation): unknown {
  if (error instanceof TsopsError || !(error instanceof Error)) return error;
  const { statusCode } = error as VaultError;
  const [code, message, hint] =
    statusCode === undefined ? withoutAnswer(error, key) : answered(error, statusCode, key, operation);
  return new TsopsError(code, message, { hint, cause: error });
}

/** The error for a version that the vault does not have, while it has the key. */
export function noSuchVersion({ version }: AzureKey, cause: unknown): TsopsError {
  return new TsopsError("no-such-key", `the vault has the key, but not its version ${version}`, {
    hint: "compare the version with those that `az keyvault key list-versions` shows",
    cause,
  });
}

export type Sentences = readonly [code: ErrorCode, message: string, hint: string];

function answered(error: VaultError, status: number, key: AzureKey, operation: Operation): Sentences {
  if (status === 401) {
    const [code] = /AKV\d{5}/.exec(error.message) ?? [];
    return [
      "bad-credentials",
      `the vault does not accept the token${code ? ` (${code})` : ""}`,
      "the token must be of the vault's own tenant: compare AZURE_TENANT_ID, or `az account show`",
    ];
  }
  if (status === 403) return forbidden(error, key, operation);
  if (status === 404) {
    return [
      "no-such-key",
      "the vault has no such key",
      "compare the name; a key that was deleted can be recovered for a while: `az keyvault key recover`",
    ];
  }
  if (status === 429) return ["service-failed", "the vault gets too many requests", "try again in a minute"];
  if (status >= 500)
    return ["service-failed", `the vault has an internal error (HTTP ${status})`, "try again later"];
  if (status === 400 && operation === "decrypt") {
    return [
      "bad-key",
      "the vault cannot decrypt it: the wrapped data key is damaged, or was wrapped with another key or version",
      "compare enc and version of the key in the file's metadata with the file's last good version in git",
    ];
  }
  return [
    "bad-key",
    `the vault refuses the request (HTTP ${status})`,
    "check whether it is an RSA key: SOPS needs one",
  ];
}

/** Why a vault says 403, by the codes that it puts inside its errors and, where it has none, by its words. */
function denial({ message, details }: VaultError): keyof typeof DENIALS {
  const code = details?.error?.innerError?.code ?? "";
  if (code === "KeyDisabled" || /\bdisabled\b/i.test(message)) return "disabled";
  if (/^Key(Expired|NotYetValid)/.test(code) || /expired|not yet valid|validity/i.test(message))
    return "expired";
  if (code === "KeyOperationForbidden" || /not permitted on this key|key_ops/i.test(message)) return "kind";
  if (/^ForbiddenBy(Firewall|Connection)$/.test(code) || /client address|public network/i.test(message)) {
    return "network";
  }
  return "permission";
}

const DENIALS = {
  disabled: () => [
    "no-such-key",
    "the key is disabled",
    "enable it: `az keyvault key set-attributes --enabled true`",
  ],
  expired: () => [
    "no-such-key",
    "the key has expired or is not valid yet",
    "an expired key still decrypts: move the file to a new version of the key, or give this one another date",
  ],
  kind: (_, operation) => [
    "access-denied",
    `the key's own list of operations has no ${operation}`,
    `add it: \`az keyvault key set-attributes --ops encrypt decrypt …\``,
  ],
  network: () => [
    "access-denied",
    "the vault's firewall does not let this machine in",
    "use a network that the vault allows, or its private endpoint",
  ],
  permission: ({ vault }, operation) => [
    "access-denied",
    `access denied: these credentials lack the permission keys/${operation}`,
    /\.managedhsm\./.test(vault)
      ? "grant the role Managed HSM Crypto User for the key"
      : `grant the role Key Vault Crypto User for the key, or \`az keyvault set-policy --key-permissions ${operation}\``,
  ],
} satisfies Record<string, (key: AzureKey, operation: Operation) => Sentences>;

function forbidden(error: VaultError, key: AzureKey, operation: Operation): Sentences {
  const sentences: (key: AzureKey, operation: Operation) => Sentences = DENIALS[denial(error)];
  return sentences(key, operation);
}

function withoutAnswer(error: VaultError, { vault }: AzureKey): Sentences {
  const { host } = new URL(vault);
  const network = unreachable(error, vault);
  if (network) return network;
  if (error.message.startsWith("The challenge")) {
    return [
      "service-failed",
      `${host} asks for a token that is meant for another service, and gets none`,
      "a vault asks for tokens for its own domain: the address may not be that of a vault",
    ];
  }
  return [
    "service-failed",
    `${host} gives an answer that is not a vault's`,
    "check the address, and whether a proxy answers",
  ];
}

/** What is wrong with the network on the way to an address, if something is. */
export function unreachable(error: unknown, address: string): Sentences | undefined {
  const failure = failureOf(error);
  return (
    failure && [
      "service-unreachable",
      `${new URL(address).host} cannot be reached: ${failure.why}`,
      failure.hint,
    ]
  );
}
