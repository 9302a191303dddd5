import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unarmor } from "openpgp";
import { installServers } from "../scripts/servers.mjs";
import { newAwsClient } from "../src/keys/aws/client.ts";
import { answers, freePorts, startServer } from "../test/support/integration/servers.ts";
import { ALL, startGoogleKms } from "../test/support/servers/google-kms.ts";
import { ENABLED, KEY_PAIR, PROJECT, startHuaweiDouble } from "../test/support/servers/huawei-kms.ts";
import { KeyVault } from "../test/support/servers/key-vault.ts";
import { type Certificates, makeCertificates } from "../test/support/servers/tls.ts";
import { type Command, inRandomOrder, outputOf } from "./measure.ts";
import type { Line } from "./report.ts";

/**
 * What it costs to decrypt one small file with one key, for each kind of key, beside the real SOPS with the same server
 * and the same credentials. The servers run on this machine; what they cost does not count.
 */

type Env = Readonly<Record<string, string>>;

interface Kind {
  readonly name: string;
  /** What `encrypt` is told. */
  readonly key: readonly string[];
  readonly env: Env;
}

interface Started {
  readonly kinds: readonly Kind[];
  stop(): void;
}

const ROUNDS = 15;
/** Times SOPS's. */
const TARGET = { npm: 5, executable: 2 };
const GOOGLE_KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/k";

export interface Programs {
  /** What starts the npm program. */
  readonly npm: readonly [string, ...string[]];
  /** The executable, if it is built. */
  readonly executable?: string;
  readonly sops: string;
  /** Keys for age and PGP. */
  readonly keys: string;
  /** For files that are made. */
  readonly folder: string;
}

/** @param parts of names of kinds: those alone; default: all. */
export async function measureFirstUse(programs: Programs, parts: readonly string[] = []): Promise<Line[]> {
  const lines: Line[] = [];
  const certificates = makeCertificates(join(programs.folder, "tls"));
  for (const [name, start] of Object.entries(STARTS)) {
    if (parts.length > 0 && !parts.some((part) => name.includes(part))) continue;
    const { kinds, stop } = await start(programs, certificates);
    for (const kind of kinds) lines.push(...(await measure(kind, programs)));
    stop();
  }
  return lines;
}

async function measure(kind: Kind, { npm, executable, sops, folder }: Programs): Promise<Line[]> {
  const place = join(folder, kind.name.replaceAll(/\W+/g, "-"));
  mkdirSync(place);
  writeFileSync(join(place, "plain.yaml"), "password: hunter2\nport: 5432\n");
  const env = { PATH: process.env.PATH ?? "", SOPS_DISABLE_VERSION_CHECK: "1", HOME: place, ...kind.env };
  const common = { cwd: place, env, alone: true };
  const encrypt = [...npm, "encrypt", ...kind.key, "plain.yaml"] as const;
  writeFileSync(join(place, "a.yaml"), await outputOf({ argv: encrypt, ...common }));
  const decrypt = (...program: readonly [string, ...string[]]): Command => ({
    argv: [...program, "decrypt", "a.yaml"],
    ...common,
  });
  const commands: Record<string, Command> = { npm: decrypt(...npm), theirs: decrypt(sops) };
  if (executable) commands.executable = decrypt(executable);
  const times = await inRandomOrder<string>(ROUNDS, commands);
  const line = (what: string, ours: number, target: number): Line => {
    return { what: `first use: ${kind.name}${what}`, against: "SOPS", ours, theirs: times.theirs!, target };
  };
  const ofNpm = line("", times.npm!, TARGET.npm);
  if (times.executable === undefined) return [ofNpm];
  return [ofNpm, line(", executable", times.executable, TARGET.executable)];
}

const STARTS: Readonly<Record<string, (programs: Programs, tls: Certificates) => Promise<Started>>> = {
  age: async ({ keys }) => {
    const recipient = readFileSync(join(keys, "age1.pub"), "utf8").trim();
    return local({
      name: "age",
      key: ["--age", recipient],
      env: { SOPS_AGE_KEY_FILE: join(keys, "age1.txt") },
    });
  },

  pgp: async ({ keys, folder }) => {
    const home = join(folder, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    const { data } = await unarmor(readFileSync(join(keys, "pgp1.asc"), "utf8"));
    writeFileSync(join(home, "secring.gpg"), data as Uint8Array);
    writeFileSync(join(home, "pubring.gpg"), data as Uint8Array);
    const fingerprint = readFileSync(join(keys, "pgp1.fp"), "utf8").trim();
    // without a PATH there is no gpg
    const env = { GNUPGHOME: home, PATH: join(folder, "nothing") };
    return local({ name: "PGP, in process", key: ["--pgp", fingerprint], env });
  },

  aws: async () => {
    const [port] = await freePorts(1);
    const address = `http://127.0.0.1:${port}`;
    const { MOTO } = await installServers();
    const server = await startServer({
      argv: [MOTO!, "-H", "127.0.0.1", "-p", String(port)],
      ready: () => answers(`${address}/moto-api/`, 200),
    });
    const arn = await newKmsKey(address);
    const env = {
      AWS_ENDPOINT_URL: address,
      AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    return { kinds: [{ name: "AWS KMS", key: ["--kms", arn], env }], stop: () => void server.kill() };
  },

  google: async (_, tls) => {
    const server = await startGoogleKms(tls.server);
    server.createKey(GOOGLE_KEY);
    server.grant("token", ALL);
    const env = {
      SSL_CERT_FILE: tls.ca,
      SOPS_GCP_KMS_ENDPOINT: server.endpoint,
      GOOGLE_OAUTH_ACCESS_TOKEN: "token",
    };
    const kind = { name: "Google Cloud KMS (gRPC)", key: ["--gcp-kms", GOOGLE_KEY], env };
    return { kinds: [kind], stop: server.stop };
  },

  azure: async (_, tls) => {
    const vault = await new KeyVault().listen(tls);
    const shared = {
      SSL_CERT_FILE: tls.ca,
      NODE_EXTRA_CA_CERTS: tls.ca,
      TSOPS_ALLOW: `azure=${vault.url}`,
    };
    const managed = {
      ...shared,
      IDENTITY_ENDPOINT: vault.msi,
      IDENTITY_HEADER: "header-of-identity",
      AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
    };
    const principal = {
      ...shared,
      AZURE_AUTHORITY_HOST: vault.url,
      AZURE_TENANT_ID: "adfs",
      AZURE_CLIENT_ID: vault.application.id,
      AZURE_CLIENT_SECRET: vault.application.secret,
    };
    const key = ["--azure-kv", vault.create("sops")];
    const kinds = [
      { name: "Azure Key Vault, managed identity", key, env: managed },
      { name: "Azure Key Vault, service principal", key, env: principal },
    ];
    return { kinds, stop: () => vault.close() };
  },

  vault: async () => {
    const [port] = await freePorts(1);
    const address = `http://127.0.0.1:${port}`;
    const { BAO } = await installServers();
    const options = ["-dev", "-dev-root-token-id=root", `-dev-listen-address=127.0.0.1:${port}`];
    const server = await startServer({
      argv: [BAO!, "server", ...options, "-dev-no-store-token"],
      ready: () => answers(`${address}/v1/sys/health`, 200),
    });
    await bao(`${address}/v1/sys/mounts/transit`, { type: "transit" });
    await bao(`${address}/v1/transit/keys/k`, {});
    const env = { VAULT_ADDR: address, VAULT_TOKEN: "root" };
    const kind = { name: "Vault transit", key: ["--hc-vault-transit", `${address}/v1/transit/keys/k`], env };
    return { kinds: [kind], stop: () => void server.kill() };
  },

  huawei: async () => {
    const server = await startHuaweiDouble();
    const env = {
      HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: server.url,
      HUAWEICLOUD_SDK_AK: KEY_PAIR.ak,
      HUAWEICLOUD_SDK_SK: KEY_PAIR.sk,
      HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
    };
    const kind = { name: "HuaweiCloud KMS", key: ["--hckms", `tr-west-1:${ENABLED}`], env };
    return { kinds: [kind], stop: () => void server.close() };
  },
};

function local(kind: Kind): Started {
  return { kinds: [kind], stop: () => undefined };
}

async function newKmsKey(endpoint: string): Promise<string> {
  const { KMS } = await import("@aws-sdk/client-kms");
  const credentials = { accessKeyId: "AKIATESTSTESTSTESTS0", secretAccessKey: "secret" };
  const { KeyMetadata } = await newAwsClient(
    () => new KMS({ endpoint, region: "us-east-1", credentials }),
  ).createKey({});
  return KeyMetadata!.Arn!;
}

async function bao(url: string, body: unknown): Promise<void> {
  const headers = { "X-Vault-Token": "root" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: status ${response.status}: ${await response.text()}`);
}
