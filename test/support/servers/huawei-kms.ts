import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";

/**
 * A double of HuaweiCloud's KMS, and of the parts of IAM and of the metadata service that credentials come from. It
 * checks every signature by the published algorithm, from what arrived and with code of its own, so that a client's
 * mistake cannot be repeated here unseen. Its answers and codes are those of the API reference.
 */

export const PROJECT = "0123456789abcdef0123456789abcdef";
export const ENABLED = "11111111-2222-3333-4444-555555555555";
export const OTHER = "22222222-2222-3333-4444-555555555555";
export const DISABLED = "33333333-2222-3333-4444-555555555555";
export const DELETED = "44444444-2222-3333-4444-555555555555";
export const FORBIDDEN = "55555555-2222-3333-4444-555555555555";

export const KEY_PAIR = { ak: "AKTEST0123456789ABCD", sk: "SKtest0123456789abcdefghijklmnopqrstuvwx" };
/** Temporary credentials, which need their token. */
export const TEMPORARY = {
  ak: "ASTEMP0123456789ABCD",
  sk: "SKtemp0123456789abcdefghijklmnopqrstuvwx",
  token: "token-of-the-agency",
};
export const EXPIRED_TOKEN = "token-that-has-expired";
export const ID_TOKEN = "id-token-of-the-provider";
export const POD_TOKEN = "token-of-the-pod";
export const METADATA_TOKEN = "token-of-the-machine";

export interface HuaweiDouble {
  readonly url: string;
  /** What arrived, `METHOD path`, oldest first. */
  readonly requests: string[];
  /** The bodies of the requests to the KMS. */
  readonly bodies: Record<string, string>[];
  /** Answers that are given first, whatever comes; where it says nothing, the usual one. */
  readonly next: (
    | { status: number; code: string; text?: string; headers?: Record<string, string> }
    | undefined
  )[];
  /** Projects that IAM has for a region's name. */
  projects: string[];
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export async function startHuaweiDouble(port = 0): Promise<HuaweiDouble> {
  const material = new Map([ENABLED, OTHER, DISABLED, DELETED, FORBIDDEN].map((id) => [id, randomBytes(32)]));
  const double = {
    requests: [] as string[],
    bodies: [] as Record<string, string>[],
    next: [] as HuaweiDouble["next"],
    projects: [PROJECT],
  };
  const server: Server = createServer((request, response) => {
    void answer(request).then(({ status, body, headers }) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });

  async function answer(request: IncomingMessage): Promise<Reply> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? "/", "http://double");
    double.requests.push(`${request.method} ${url.pathname}`);
    const first = double.next.shift();
    if (first) return { ...refused(first.status, first.code, first.text ?? ""), headers: first.headers };
    const unsigned = withoutSignature(request, url, body);
    if (unsigned) return unsigned;
    const wrong = signatureFault(request, url, body);
    if (wrong) return refused(401, "APIGW.0301", `Incorrect IAM authentication information: ${wrong}`);
    if (url.pathname === "/v3/projects" && request.method === "GET") {
      const name = url.searchParams.get("name");
      return { status: 200, body: { projects: double.projects.map((id) => ({ id, name })) } };
    }
    const [, project, operation] = /^\/v1\.0\/([^/]+)\/kms\/([a-z-]+)$/.exec(url.pathname) ?? [];
    if (
      request.method !== "POST" ||
      !operation ||
      project !== PROJECT ||
      request.headers["x-project-id"] !== PROJECT
    ) {
      return refused(
        404,
        "APIGW.0101",
        "The API does not exist or has not been published in the environment",
      );
    }
    const fields = JSON.parse(body.toString()) as Record<string, string>;
    double.bodies.push(fields);
    if (operation === "encrypt-data") return encrypt(fields, material);
    if (operation === "decrypt-data") return decrypt(fields, material);
    if (operation === "describe-key") return describe(fields, material);
    return refused(404, "APIGW.0101", "The API does not exist or has not been published in the environment");
  }

  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return Object.assign(double, {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function refused(status: number, code: string, text: string): Reply {
  return { status, body: { error: { error_code: code, error_msg: text } } };
}

/** Signature by "API Signing Guide": of the request as it came, not as a client would build it. */
function signatureFault(request: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const sent = request.headers.authorization ?? "";
  const [, ak, names, signature] =
    /^SDK-HMAC-SHA256 Access=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(sent) ?? [];
  const pair = [KEY_PAIR, TEMPORARY].find((known) => known.ak === ak);
  if (!pair || !names) return "Get secretKey failed";
  const token = request.headers["x-security-token"];
  if (token === EXPIRED_TOKEN) return "the securityToken has expired";
  if (pair === TEMPORARY && token !== TEMPORARY.token) return "decrypt token fail";
  const date = String(request.headers["x-sdk-date"]);
  const time = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(time - Date.now()) < 15 * 60_000)) return "x-sdk-date has expired";
  const signedNames = names.split(";");
  for (const needed of ["x-sdk-date", ...(token ? ["x-security-token"] : [])])
    if (!signedNames.includes(needed)) return `${needed} is not signed`;
  if (names !== [...signedNames].sort().join(";")) return "signed headers are not in order";
  const escaped = (text: string): string =>
    Array.from(Buffer.from(text), (byte) =>
      /[A-Za-z0-9_.~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join("");
  const path = url.pathname
    .split("/")
    .map((part) => escaped(decodeURIComponent(part)))
    .join("/");
  const query = [...url.searchParams]
    .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
    .sort()
    .join("&");
  const lines = signedNames.map((name) => `${name}:${String(request.headers[name] ?? "").trim()}\n`).join("");
  const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
  const canonical = `${request.method}\n${path.endsWith("/") ? path : `${path}/`}\n${query}\n${lines}\n${names}\n${hash(body)}`;
  const right = createHmac("sha256", pair.sk)
    .update(`SDK-HMAC-SHA256\n${date}\n${hash(canonical)}`)
    .digest("hex");
  return right === signature ? undefined : "verify aksk signature fail";
}

const STATES: Readonly<Record<string, string>> = { [DISABLED]: "3", [DELETED]: "4" };

/** Why a key cannot be used. */
function unusable(id: string | undefined, material: ReadonlyMap<string, Buffer>): Reply | undefined {
  if (!id || !material.has(id)) return refused(400, "KMS.0205", "Invalid key ID.");
  if (id === FORBIDDEN) return refused(403, "KMS.0306", "The user has no permission to access the key.");
  if (id === DISABLED) return refused(400, "KMS.0209", "The key has been disabled.");
  if (id === DELETED)
    return refused(400, "KMS.0210", "The key is in Scheduled deletion state and cannot be used.");
  return undefined;
}

function encrypt(
  { key_id, plain_text, encryption_algorithm }: Record<string, string>,
  material: ReadonlyMap<string, Buffer>,
): Reply {
  const wrong = unusable(key_id, material);
  if (wrong) return wrong;
  if (!plain_text || (encryption_algorithm ?? "SYMMETRIC_DEFAULT") !== "SYMMETRIC_DEFAULT")
    return refused(400, "KMS.0204", "Parameters missing in the request message.");
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", material.get(key_id!)!, iv);
  const sealed = [
    Buffer.from(key_id!),
    iv,
    cipher.update(plain_text, "utf8"),
    cipher.final(),
    cipher.getAuthTag(),
  ];
  return { status: 200, body: { key_id, cipher_text: Buffer.concat(sealed).toString("base64") } };
}

function decrypt({ cipher_text }: Record<string, string>, material: ReadonlyMap<string, Buffer>): Reply {
  const damaged = refused(400, "KMS.2201", "Invalid cipher_text.");
  const bytes = Buffer.from(cipher_text ?? "", "base64");
  if (bytes.length < 64) return damaged;
  // the ciphertext says which key wrapped it
  const id = bytes.subarray(0, 36).toString();
  if (!material.has(id)) return damaged;
  const wrong = unusable(id, material);
  if (wrong) return wrong;
  try {
    const opened = createDecipheriv("aes-256-gcm", material.get(id)!, bytes.subarray(36, 48), {
      authTagLength: 16,
    });
    opened.setAuthTag(bytes.subarray(-16));
    const text = opened.update(bytes.subarray(48, -16), undefined, "utf8") + opened.final("utf8");
    return {
      status: 200,
      body: { key_id: id, plain_text: text, plain_text_base64: Buffer.from(text).toString("base64") },
    };
  } catch {
    return damaged;
  }
}

function describe({ key_id }: Record<string, string>, material: ReadonlyMap<string, Buffer>): Reply {
  if (!key_id || !material.has(key_id)) return refused(400, "KMS.0205", "Invalid key ID.");
  if (key_id === FORBIDDEN)
    return refused(403, "KMS.0307", "The user role has no permission to access the API.");
  return { status: 200, body: { key_info: { key_id, key_state: STATES[key_id] ?? "2" } } };
}

/** What has other credentials than a signature: the metadata service, pods, federated login. */
function withoutSignature(request: IncomingMessage, url: URL, body: Buffer): Reply | undefined {
  const spelled = { access: TEMPORARY.ak, secret: TEMPORARY.sk, securitytoken: TEMPORARY.token };
  const expires = new Date(Date.now() + 6 * 3_600_000).toISOString();
  switch (`${request.method} ${url.pathname}`) {
    case "PUT /meta-data/latest/api/token":
      return { status: 200, body: METADATA_TOKEN };
    case "GET /openstack/latest/securitykey":
      if (request.headers["x-metadata-token"] !== METADATA_TOKEN) return { status: 401, body: "no token" };
      return { status: 200, body: { credential: { ...spelled, expires_at: expires } } };
    case "POST /pod":
      if (request.headers.authorization !== POD_TOKEN) return { status: 401, body: "no token" };
      return {
        status: 200,
        body: {
          credentials: {
            accessKeyId: TEMPORARY.ak,
            secretAccessKey: TEMPORARY.sk,
            securityToken: TEMPORARY.token,
            expiration: expires,
          },
        },
      };
    case "POST /v3.0/OS-AUTH/id-token/tokens": {
      const { auth } = JSON.parse(body.toString());
      if (auth.id_token.id !== ID_TOKEN || request.headers["x-idp-id"] !== "provider")
        return refused(401, "IAM.0001", "The request you have made requires authentication.");
      const headers = { "x-subject-token": "subject", "x-request-id": "1" };
      return { status: 201, body: { token: { expires_at: expires } }, headers };
    }
    case "POST /v3.0/OS-CREDENTIAL/securitytokens": {
      const { auth } = JSON.parse(body.toString());
      if (auth.identity.token.id !== "subject") return refused(401, "IAM.0001", "The token is not valid.");
      return { status: 201, body: { credential: { ...spelled, expires_at: expires } } };
    }
    default:
      return undefined;
  }
}
