import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { KeyContext, Lines } from "../kind.ts";

/** What authenticates at a Vault server, found without the network. */
export type Credentials = TokenCredentials | LoginCredentials;

export interface TokenCredentials {
  readonly token: string;
  /** Where it was found, for messages: "the token in VAULT_TOKEN". */
  readonly source: string;
}

/** What is sent to `auth/MOUNT/login` to get a token. */
export interface LoginCredentials {
  readonly mount: string;
  readonly body: Readonly<Record<string, string>>;
  /** "the AppRole login (VAULT_ROLE_ID)" */
  readonly source: string;
}

const K8S_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * The first of: VAULT_TOKEN; AppRole; JWT; Kubernetes; ~/.vault-token. What the environment says goes before the token
 * that a `vault login` of some day left behind.
 * @throws TsopsError("bad-credentials") if a file that should hold credentials cannot be read.
 */
export async function findCredentials(context: KeyContext): Promise<Credentials | undefined> {
  const { env } = context;
  const token = env.VAULT_TOKEN?.trim();
  if (token) return tokenFrom(token, "VAULT_TOKEN");
  return (
    appRole(context) ?? (await jwt(context)) ?? (await kubernetes(context)) ?? (await tokenFile(context))
  );
}

/** What was looked for where nothing was found, and what to do next. */
export function placesOfCredentials(context: KeyContext): Lines {
  return [
    `no credentials for Vault: none of VAULT_TOKEN, VAULT_ROLE_ID, VAULT_JWT, VAULT_JWT_FILE and VAULT_K8S_ROLE is set, and there is no token in ${printable(tokenPath(context))}`,
    "run `vault login` (or `bao login`), or set one of these variables",
  ];
}

function appRole({ env }: KeyContext): LoginCredentials | undefined {
  if (!env.VAULT_ROLE_ID) return undefined;
  // roles with bind_secret_id=false have no secret id
  const secret: Record<string, string> = env.VAULT_SECRET_ID ? { secret_id: env.VAULT_SECRET_ID } : {};
  return {
    mount: env.VAULT_APPROLE_MOUNT || "approle",
    body: { role_id: env.VAULT_ROLE_ID, ...secret },
    source: `the AppRole login (VAULT_ROLE_ID ${env.VAULT_SECRET_ID ? "and" : "without"} VAULT_SECRET_ID)`,
  };
}

async function jwt({ env }: KeyContext): Promise<LoginCredentials | undefined> {
  const file = env.VAULT_JWT ? undefined : env.VAULT_JWT_FILE;
  const token = env.VAULT_JWT?.trim() || (file && (await readSecret(file, "VAULT_JWT_FILE names it")));
  if (!token) return undefined;
  // without a role the server takes the default one of that login
  const role: Record<string, string> = env.VAULT_JWT_ROLE ? { role: env.VAULT_JWT_ROLE } : {};
  return {
    mount: env.VAULT_JWT_MOUNT || "jwt",
    body: { jwt: token, ...role },
    source: `the JWT login (${file ? "VAULT_JWT_FILE" : "VAULT_JWT"}${env.VAULT_JWT_ROLE ? " and VAULT_JWT_ROLE" : ""})`,
  };
}

async function kubernetes({ env }: KeyContext): Promise<LoginCredentials | undefined> {
  const role = env.VAULT_K8S_ROLE || env.VAULT_KUBERNETES_ROLE;
  if (!role) return undefined;
  const file = env.VAULT_KUBERNETES_TOKEN_FILE || K8S_TOKEN;
  const hint = "VAULT_KUBERNETES_TOKEN_FILE names another file; a pod gets one with its service account";
  return {
    mount: env.VAULT_K8S_MOUNT || env.VAULT_KUBERNETES_MOUNT || "kubernetes",
    body: { role, jwt: await readSecret(file, hint) },
    source: `the Kubernetes login (${env.VAULT_K8S_ROLE ? "VAULT_K8S_ROLE" : "VAULT_KUBERNETES_ROLE"})`,
  };
}

async function tokenFile(context: KeyContext): Promise<TokenCredentials | undefined> {
  const path = tokenPath(context);
  const token = await readSecret(path, "remove it, or make it readable for you", true);
  return token ? tokenFrom(token, path) : undefined;
}

function tokenPath({ home }: KeyContext): string {
  return join(home, ".vault-token");
}

function tokenFrom(token: string, place: string): TokenCredentials {
  const source = `the token in ${printable(place)}`;
  // it becomes a header, and an error about that would quote it
  if (/^[\x21-\x7e]+$/.test(token)) return { token, source };
  throw new TsopsError("bad-credentials", `${source} has characters that no token has`, {
    hint: "copy it again, without line breaks and quotes",
  });
}

async function readSecret(path: string, hint: string, optional = false): Promise<string> {
  try {
    return (await withRoom(() => readFile(path, "utf8"))).trim();
  } catch (error) {
    if (optional && ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw new TsopsError(
      "bad-credentials",
      `the file ${printable(path)} with credentials for Vault cannot be read`,
      {
        hint,
        cause: error,
      },
    );
  }
}
