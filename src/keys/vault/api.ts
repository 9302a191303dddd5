export type VaultMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "LIST";

/** Vault's answer to a request. */
export interface VaultAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly auth?: Readonly<Record<string, unknown>> | null;
}

/** JSON as it is to be sent: JavaScript's own encoder has no integers beyond 2^53. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export interface VaultRequest {
  readonly body?: Readonly<Record<string, unknown>> | JsonText;
  readonly query?: Readonly<Record<string, string>>;
}

/** An authenticated way to one Vault or OpenBao server. */
export interface VaultClient {
  /** The server, for messages. */
  readonly address: string;
  /** What VAULT_NAMESPACE says. */
  readonly namespace: string | undefined;
  /** Where the credentials were found, for messages: "the token in VAULT_TOKEN". */
  readonly source: string;
  /**
   * A request in bounded time (attempt.ts), tried again where the server is throttled or failed by itself; so a POST may
   * arrive twice. Gives undefined for an empty answer (204).
   * @param path as a policy has it, neither encoded nor with `v1/`: `transit/encrypt/NAME`, `secret/data/a/b`.
   * @throws VaultError if Vault says no; TsopsError("service-unreachable") if there is no answer, or the login fails;
   * TsopsError("usage") for a path that would lead elsewhere; TsopsError("aborted").
   */
  request(method: VaultMethod, path: string, more?: VaultRequest): Promise<VaultAnswer | undefined>;
}

/** The same request with a token or, for logins, without one. */
export type Send = (
  token: string,
  method: VaultMethod,
  path: string,
  more: VaultRequest,
) => Promise<VaultAnswer | undefined>;
