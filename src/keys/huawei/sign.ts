import { createHash, createHmac } from "node:crypto";

/**
 * Signatures of requests to HuaweiCloud: SDK-HMAC-SHA256, as "API Signing Guide" and the vendor's SDKs describe it.
 * The vendor's package for Node does the same by way of six libraries that nothing else here needs.
 */

const ALGORITHM = "SDK-HMAC-SHA256";

export interface UnsignedRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** All of them are signed, and so is `host`, which the HTTP client adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SigningKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** A signing key, and what belongs to it. */
export interface Credentials extends SigningKey {
  /** Of temporary credentials. */
  readonly securityToken?: string;
  readonly projectId?: string;
  /** What the credentials file says of IAM's address. */
  readonly iamEndpoint?: string;
  /** Milliseconds since 1970. */
  readonly expires?: number;
}

/** The headers of the request, with the date and the signature. */
export function signedHeaders(
  { method, url, headers, body }: UnsignedRequest,
  { accessKey, secretKey }: SigningKey,
  now: Date,
): Record<string, string> {
  const date = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const sent: Record<string, string> = { ...headers, "x-sdk-date": date };
  const signed = Object.entries({ ...sent, host: url.host })
    .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    method,
    canonicalPath(url.pathname),
    canonicalQuery(url.searchParams),
    ...signed.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    sha256(body),
  ].join("\n");
  const signature = createHmac("sha256", secretKey)
    .update(`${ALGORITHM}\n${date}\n${sha256(canonical)}`)
    .digest("hex");
  return {
    ...sent,
    authorization: `${ALGORITHM} Access=${accessKey}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Every segment encoded, with a slash at the end, whether the request has one or not. */
function canonicalPath(path: string): string {
  const encoded = path.split("/").map((segment) => encode(decodeURIComponent(segment)));
  return encoded.join("/").replace(/\/?$/, "/");
}

function canonicalQuery(query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.sort().join("&");
}

/** Everything but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
