import {
  constants,
  createPublicKey,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { readFileSync } from "node:fs";
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificates } from "./tls.ts";

/**
 * A double of an Azure key vault, of the part of Microsoft Entra ID that gives tokens to applications, and of the
 * endpoint that gives them to managed identities. RSA is real, the words of its errors are approximations. The tenant
 * is "adfs", since the SDKs take such an authority at its word instead of asking the public cloud about it.
 */

/** One version of a key. */
export interface Version {
  readonly version: string;
  readonly privateKey: KeyObject;
  enabled: boolean;
  /** Seconds since 1970. */
  expires?: number;
  operations: string[];
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorized: boolean;
  readonly body: string;
}

export interface Application {
  readonly id: string;
  secret: string;
  /** PEM; what signs its assertions. */
  certificate?: string;
  /** A token of another issuer that it trusts. */
  federated?: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class KeyVault {
  readonly keys = new Map<string, Version[]>();
  readonly requests: Seen[] = [];
  readonly application: Application = { id: "11111111-2222-3333-4444-555555555555", secret: "s3cret-of-app" };
  /** What everybody with a token may do. */
  permissions = new Set(["get", "encrypt", "decrypt"]);
  /**
   * The next calls to the vault that carry a token end like this, and those for which it says nothing as they would have;
   * those to the token endpoint likewise.
   */
  failures: (Answer | undefined)[] = [];
  loginFailures: Answer[] = [];
  /** How many tokens were given out, and where. */
  logins: string[] = [];
  /** Connections are taken, and nothing is ever answered. */
  silent = false;
  /** Requests that came meanwhile. */
  unanswered = 0;
  /**
   * What the challenge says that the token is for. The SDKs check that the vault's host ends in its host, so it is one
   * that no URL parser takes for an IP address.
   */
  resource = "";
  #tokens = new Set<string>();
  #servers: Server[] = [];
  url = "";
  msi = "";

  async listen(certificates: Certificates): Promise<this> {
    const tls = {
      key: readFileSync(certificates.server.key),
      cert: readFileSync(certificates.server.cert),
    };
    const vault = createServer(tls, (request, response) => void this.#answer(request, response));
    const identity = createPlainServer((request, response) => send(response, this.#managedIdentity(request)));
    this.#servers = [vault, identity];
    const [port, msiPort] = await Promise.all(this.#servers.map(listening));
    this.url = `https://127.0.0.1:${port}`;
    this.msi = `http://127.0.0.1:${msiPort}/msi/token`;
    this.resource = `vault://0.0.1:${port}`;
    return this;
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  /** Makes a key, or a new version of it, and gives its URL with the version. */
  create(name: string, change: Partial<Version> = {}): string {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const version = randomBytes(16).toString("hex");
    const operations = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
    const made = { version, privateKey, enabled: true, operations, ...change };
    this.keys.set(name, [...(this.keys.get(name) ?? []), made]);
    return `${this.url}/keys/${name}/${version}`;
  }

  newest(name: string): Version {
    return this.keys.get(name)!.at(-1)!;
  }

  /** All tokens that were given out are worth nothing from now on. */
  revoke(): void {
    this.#tokens.clear();
  }

  /** Gives out a token. */
  token(by: string): string {
    const token = randomBytes(24).toString("hex");
    this.#tokens.add(token);
    this.logins.push(by);
    return token;
  }

  #token(by: string): Record<string, unknown> {
    const token = this.token(by);
    const expires = Math.floor(Date.now() / 1000) + 3600;
    return { access_token: token, token_type: "Bearer", expires_in: 3600, expires_on: String(expires) };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { pathname } = new URL(request.url!, this.url);
    if (this.silent) {
      this.unanswered++;
      return;
    }
    if (pathname.startsWith("/adfs/")) send(response, this.#entra(pathname, body));
    else this.#serve(request, pathname, body, response);
  }

  #serve(request: IncomingMessage, pathname: string, body: string, response: ServerResponse): void {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    const authorized = token !== undefined && this.#tokens.has(token);
    this.requests.push({ method: request.method!, path: pathname, authorized, body });
    if (authorized) {
      send(response, this.failures.shift() ?? this.#vault(request.method!, pathname, body));
      return;
    }
    const challenge = `Bearer authorization="${this.url}/adfs", resource="${this.resource}"`;
    response.setHeader("www-authenticate", challenge);
    const message = token
      ? "AKV10032: Invalid issuer."
      : "AKV10000: Request is missing a Bearer or PoP token.";
    send(response, { status: 401, body: vaultError("Unauthorized", message) });
  }

  #vault(method: string, path: string, body: string): Answer {
    const [, name = "", version = "", operation = "get"] =
      /^\/keys\/([^/]+)(?:\/([^/]*))?(?:\/([^/]+))?\/?$/.exec(path) ?? [];
    const versions = this.keys.get(name);
    const key = version === "" ? versions?.at(-1) : versions?.find((each) => each.version === version);
    const refused = this.#refusal(key, operation);
    if (refused) return refused;
    if (operation === "get" && method === "GET") return { status: 200, body: this.#bundle(name, key!) };
    const { alg, value } = JSON.parse(body || "{}") as { alg?: string; value?: string };
    if (alg !== "RSA-OAEP-256" || value === undefined) {
      return { status: 400, body: vaultError("BadParameter", `Property alg has the value ${alg}.`) };
    }
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
    try {
      const bytes = Buffer.from(value, "base64url");
      const result =
        operation === "encrypt"
          ? publicEncrypt({ key: createPublicKey(key!.privateKey), ...padding }, bytes)
          : privateDecrypt({ key: key!.privateKey, ...padding }, bytes);
      const kid = `${this.url}/keys/${name}/${key!.version}`;
      return { status: 200, body: { kid, value: result.toString("base64url") } };
    } catch {
      return { status: 400, body: vaultError("BadParameter", "The parameter is incorrect.") };
    }
  }

  /** In the vault's order: who may do it, whether the key is there, whether it may be used for it. */
  #refusal(key: Version | undefined, operation: string): Answer | undefined {
    const forbidden = (message: string, inner: string) => ({
      status: 403,
      body: vaultError("Forbidden", message, inner),
    });
    if (!this.permissions.has(operation)) {
      return forbidden("Caller is not authorized to perform action on resource.", "ForbiddenByRbac");
    }
    if (!key) return { status: 404, body: vaultError("KeyNotFound", "A key with this id was not found.") };
    if (!key.enabled)
      return forbidden(`Operation ${operation} is not allowed on a disabled key.`, "KeyDisabled");
    if (operation === "get") return undefined;
    if (!key.operations.includes(operation)) {
      return forbidden(`Operation ${operation} is not permitted on this key.`, "KeyOperationForbidden");
    }
    // decrypting goes on after a key's end (learn.microsoft.com/azure/key-vault/keys/about-keys-details)
    if (operation === "encrypt" && key.expires && key.expires * 1000 < Date.now()) {
      return forbidden("Operation encrypt is not allowed on an expired key.", "KeyExpired");
    }
    return undefined;
  }

  #bundle(name: string, { version, privateKey, enabled, expires, operations }: Version): unknown {
    const { n, e } = createPublicKey(privateKey).export({ format: "jwk" });
    const kid = `${this.url}/keys/${name}/${version}`;
    return {
      key: { kid, kty: "RSA", key_ops: operations, n, e },
      attributes: { enabled, created: 1, updated: 1, exp: expires, recoveryLevel: "Recoverable" },
    };
  }

  #entra(path: string, body: string): Answer {
    if (path === "/adfs/.well-known/openid-configuration") {
      const at = (end: string) => `${this.url}/adfs/${end}`;
      const endpoints = {
        authorization_endpoint: at("oauth2/authorize"),
        token_endpoint: at("oauth2/token"),
      };
      return { status: 200, body: { issuer: at(""), jwks_uri: at("discovery/keys"), ...endpoints } };
    }
    const failure = this.loginFailures.shift();
    if (failure) return failure;
    const form = new URLSearchParams(body);
    const how = this.#proof(form);
    if (form.get("client_id") !== this.application.id) {
      const why = "AADSTS700016: Application was not found.";
      return { status: 400, body: entraError("unauthorized_client", why) };
    }
    if (how) return { status: 200, body: this.#token(how) };
    const why = "AADSTS7000215: Invalid client secret provided.";
    return { status: 401, body: entraError("invalid_client", why) };
  }

  /** How an application proved who it is. */
  #proof(form: URLSearchParams): string | undefined {
    const { secret, certificate, federated } = this.application;
    if (form.get("client_secret") === secret) return "secret";
    const assertion = form.get("client_assertion") ?? "";
    if (federated && assertion === federated) return "federated token";
    const [header = "", payload = "", signature = ""] = assertion.split(".");
    if (!certificate || signature === "") return undefined;
    const { alg } = JSON.parse(Buffer.from(header, "base64url").toString()) as { alg: string };
    const key = {
      key: certificate,
      ...(alg === "PS256" && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
    };
    const verified = createVerify("sha256")
      .update(`${header}.${payload}`)
      .verify(key, Buffer.from(signature, "base64url"));
    return verified ? "certificate" : undefined;
  }

  #managedIdentity({ url, headers }: IncomingMessage): Answer {
    const { pathname, searchParams } = new URL(url!, this.msi);
    if (pathname !== "/msi/token" || headers["x-identity-header"] !== "header-of-identity") {
      return { status: 400, body: { error: "invalid_request" } };
    }
    const resource = searchParams.get("resource");
    const body = { ...this.#token("managed identity"), resource, client_id: this.application.id };
    return { status: 200, body };
  }
}

export function vaultError(code: string, message: string, inner?: string): unknown {
  return { error: { code, message, ...(inner && { innererror: { code: inner } }) } };
}

export function entraError(error: string, description: string): unknown {
  const codes = [Number(/AADSTS(\d+)/.exec(description)?.[1])];
  return { error, error_description: description, error_codes: codes, trace_id: "t", correlation_id: "c" };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
