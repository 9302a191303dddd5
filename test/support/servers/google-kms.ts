import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as Grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { crc32c } from "../../../src/keys/google/crc32c.ts";
import type { KeyPair } from "./tls.ts";

/**
 * A double of Google Cloud KMS over gRPC and TLS. The service definitions are those that @google-cloud/kms and
 * google-gax ship, so the wire is the vendor's own; what stands behind it is ours: AES-256-GCM keys with versions and
 * states, checksums, tokens with permissions. Error texts imitate Google's; tests should hold on to codes.
 */
export interface GoogleKms {
  /** `127.0.0.1:PORT` */
  readonly endpoint: string;
  /** The methods that were called, with the token and the routing header of each call. */
  readonly calls: { method: string; token: string; routing: string }[];
  /** Makes a key with one enabled version, and gives its resource id. */
  createKey(id: string): string;
  /** Makes another version the primary one. */
  rotateKey(id: string): void;
  setState(id: string, version: number, state: string): void;
  /** What a token may do; undefined: nobody knows the token. */
  grant(token: string, permissions: readonly string[] | undefined): void;
  /** The next calls fail: as many, and no more of those before. `details` is a google.rpc.Status. */
  fail(times: number, code: number, details?: Buffer): void;
  /** Of so many calls one comes through, and the others fail, until it is called with 1. */
  failBetween(every: number, code: number): void;
  /** Changes the answers before they are sent, until it is called without a function. */
  spoil(change?: (method: string, answer: Message) => void): void;
  stop(): void;
}

type Message = Record<string, unknown>;
interface Version {
  readonly key: Buffer;
  state: string;
}
interface Key {
  readonly versions: Version[];
  primary: number;
}

export const ALL: readonly string[] = [
  "cloudkms.cryptoKeyVersions.useToEncrypt",
  "cloudkms.cryptoKeyVersions.useToDecrypt",
  "cloudkms.cryptoKeys.get",
];

const requireHere = createRequire(import.meta.url);
const requireGax = createRequire(requireHere.resolve("@google-cloud/kms"));
const grpc = requireHere("@grpc/grpc-js") as typeof Grpc;

class Refusal extends Error {
  readonly code: number;
  readonly details: Buffer | undefined;

  constructor(code: number, message: string, details?: Buffer) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export async function startGoogleKms(server: KeyPair): Promise<GoogleKms> {
  const keys = new Map<string, Key>();
  const tokens = new Map<string, readonly string[]>();
  const calls: GoogleKms["calls"] = [];
  const failures: Refusal[] = [];
  let [every, failing] = [1, 0];
  let spoiler: ((method: string, answer: Message) => void) | undefined;

  const need = (id: string): Key => {
    const key = keys.get(id);
    if (!key) throw new Refusal(grpc.status.NOT_FOUND, `CryptoKey ${id} not found.`);
    return key;
  };
  const usable = (id: string, number: number): Version => {
    const version = need(id).versions[number - 1];
    const name = `${id}/cryptoKeyVersions/${number}`;
    if (!version) throw damaged();
    if (version.state === "ENABLED") return version;
    throw new Refusal(
      grpc.status.FAILED_PRECONDITION,
      `${name} is not enabled, current state is: ${version.state}.`,
    );
  };
  const methods: Record<string, (request: Message, may: (permission: string) => void) => Message> = {
    Encrypt(request, may) {
      may("cloudkms.cryptoKeyVersions.useToEncrypt");
      const id = String(request.name);
      const { primary } = need(id);
      const plaintext = request.plaintext as Buffer;
      const verified = sumFits(request.plaintextCrc32c, plaintext);
      const ciphertext = seal(usable(id, primary).key, primary, plaintext);
      return {
        name: `${id}/cryptoKeyVersions/${primary}`,
        ciphertext,
        ciphertextCrc32c: { value: crc32c(ciphertext) },
        verifiedPlaintextCrc32c: verified,
        protectionLevel: "SOFTWARE",
      };
    },
    Decrypt(request, may) {
      may("cloudkms.cryptoKeyVersions.useToDecrypt");
      const id = String(request.name);
      const ciphertext = request.ciphertext as Buffer;
      sumFits(request.ciphertextCrc32c, ciphertext);
      const { primary } = need(id);
      const number = ciphertext[0] ?? 0;
      const plaintext = open(usable(id, number).key, ciphertext);
      return { plaintext, plaintextCrc32c: { value: crc32c(plaintext) }, usedPrimary: number === primary };
    },
    GetCryptoKey(request, may) {
      may("cloudkms.cryptoKeys.get");
      const id = String(request.name);
      const { primary, versions } = need(id);
      const name = `${id}/cryptoKeyVersions/${primary}`;
      return {
        name: id,
        purpose: "ENCRYPT_DECRYPT",
        primary: { name, state: versions[primary - 1]!.state, protectionLevel: "SOFTWARE" },
      };
    },
    TestIamPermissions(request, may) {
      need(String(request.resource));
      const granted = (request.permissions as string[]).filter((permission) => {
        try {
          may(permission);
          return true;
        } catch {
          return false;
        }
      });
      return { permissions: granted };
    },
  };

  const answer = (method: string, call: Grpc.ServerUnaryCall<Message, Message>): Message => {
    const header = (name: string) => String(call.metadata.get(name)[0] ?? "");
    const token = header("authorization").replace(/^Bearer /, "");
    calls.push({ method, token, routing: header("x-goog-request-params") });
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    if (calls.length % every !== 0) throw new Refusal(failing, "Made to fail.");
    const granted = tokens.get(token);
    if (!granted) {
      throw new Refusal(
        grpc.status.UNAUTHENTICATED,
        "Request had invalid authentication credentials. Expected OAuth 2 access token.",
      );
    }
    const may = (permission: string) => {
      if (!granted.includes(permission))
        throw new Refusal(
          grpc.status.PERMISSION_DENIED,
          `Permission '${permission}' denied on resource '${call.request.name}' (or it may not exist).`,
        );
    };
    const run = methods[method];
    if (!run) throw new Refusal(grpc.status.UNIMPLEMENTED, `${method} is not there.`);
    const response = run(call.request, may);
    spoiler?.(method, response);
    return response;
  };

  const listener = new grpc.Server();
  for (const service of services()) {
    listener.addService(
      service,
      Object.fromEntries(
        Object.keys(service).map((method) => [
          method,
          (call: Grpc.ServerUnaryCall<Message, Message>, done: Grpc.sendUnaryData<Message>) => {
            try {
              done(null, answer(method, call));
            } catch (error) {
              const { code, message, details } = error as Refusal;
              const metadata = new grpc.Metadata();
              if (details) metadata.set("grpc-status-details-bin", details);
              done({ code: code ?? grpc.status.INTERNAL, details: message, metadata });
            }
          },
        ]),
      ),
    );
  }
  const pair = { private_key: readFileSync(server.key), cert_chain: readFileSync(server.cert) };
  const port = await new Promise<number>((resolve, reject) =>
    listener.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    endpoint: `127.0.0.1:${port}`,
    calls,
    createKey(id) {
      keys.set(id, { versions: [newVersion()], primary: 1 });
      return id;
    },
    rotateKey: (id) => void (need(id).primary = need(id).versions.push(newVersion())),
    setState: (id, version, state) => void (need(id).versions[version - 1]!.state = state),
    grant: (token, permissions) => void (permissions ? tokens.set(token, permissions) : tokens.delete(token)),
    fail: (times, code, details) => {
      const failure = new Refusal(code, "Made to fail.", details);
      failures.splice(0, failures.length, ...Array<Refusal>(times).fill(failure));
    },
    failBetween: (count, code) => void ([every, failing] = [count, code]),
    spoil: (change) => void (spoiler = change),
    stop: () => listener.forceShutdown(),
  };
}

/** The vendor's definitions: keys, and who may do what with them. */
function services(): Grpc.ServiceDefinition[] {
  const options = { keepCase: false, longs: String, enums: String, defaults: true, oneofs: true };
  const kms = requireHere("@google-cloud/kms/build/protos/protos.json") as Parameters<typeof fromJSON>[0];
  const folder = join(dirname(requireGax.resolve("google-gax")), "..", "protos");
  const iam = JSON.parse(readFileSync(join(folder, "iam_service.json"), "utf8")) as typeof kms;
  return [
    fromJSON(kms, options)["google.cloud.kms.v1.KeyManagementService"],
    fromJSON(iam, options)["google.iam.v1.IAMPolicy"],
  ] as Grpc.ServiceDefinition[];
}

function newVersion(): Version {
  return { key: randomBytes(32), state: "ENABLED" };
}

/** Version, IV, ciphertext, tag. */
function seal(key: Buffer, version: number, plaintext: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  return Buffer.concat([
    Buffer.from([version]),
    iv,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function open(key: Buffer, ciphertext: Buffer): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, ciphertext.subarray(1, 13), { authTagLength: 16 });
    decipher.setAuthTag(ciphertext.subarray(-16));
    return Buffer.concat([decipher.update(ciphertext.subarray(13, -16)), decipher.final()]);
  } catch {
    throw damaged();
  }
}

function damaged(): Refusal {
  return new Refusal(grpc.status.INVALID_ARGUMENT, "Decryption failed: the ciphertext is invalid.");
}

/** Whether the request has a checksum, and it is right: a wrong one is refused, as Google does. */
function sumFits(sum: unknown, bytes: Buffer): boolean {
  const value = (sum as { value?: unknown } | null)?.value;
  if (value === undefined || value === null) return false;
  if (Number(value) !== crc32c(bytes)) {
    throw new Refusal(grpc.status.INVALID_ARGUMENT, "The checksum does not match the data.");
  }
  return true;
}
