import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { metadataHost } from "./metadata-server.ts";
import { stripped } from "./stripped.ts";

/** What a credentials file holds, as Google writes it; which fields there are depends on its type. */
export interface CredentialsFile {
  readonly type: (typeof TYPES)[number];
  readonly [field: string]: unknown;
}

/** Where credentials were found, and what they are. Finding them needs neither network nor SDK. */
export type Source = { readonly where: string } & (
  | { readonly form: "token"; readonly token: string }
  | { readonly form: "file"; readonly file: CredentialsFile }
  | { readonly form: "metadata"; readonly host: string }
);

export interface Search {
  readonly source?: Source;
  /** Where nothing was found, a line each. */
  readonly missed: readonly string[];
}

const TYPES = [
  "service_account",
  "authorized_user",
  "external_account",
  "external_account_authorized_user",
  "impersonated_service_account",
] as const;

/**
 * Looks for credentials where SOPS does, in its order: GOOGLE_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN, then the
 * application default credentials (https://cloud.google.com/docs/authentication/application-default-credentials).
 * @throws TsopsError("bad-credentials") if something is there that cannot be read as such. Its text is never shown.
 */
export async function findSource(context: KeyContext): Promise<Search> {
  const { env } = context;
  const missed: string[] = [];
  if (env.GOOGLE_CREDENTIALS?.trim()) {
    return { source: await fromGoogleCredentials(env.GOOGLE_CREDENTIALS), missed };
  }
  missed.push("GOOGLE_CREDENTIALS is not set");
  const token = env.GOOGLE_OAUTH_ACCESS_TOKEN?.trim();
  if (token) return { source: { where: "GOOGLE_OAUTH_ACCESS_TOKEN", form: "token", token }, missed };
  missed.push("GOOGLE_OAUTH_ACCESS_TOKEN is not set");
  if (env.GOOGLE_APPLICATION_CREDENTIALS) {
    return { source: await fromVariable(env.GOOGLE_APPLICATION_CREDENTIALS), missed };
  }
  missed.push("GOOGLE_APPLICATION_CREDENTIALS is not set");
  const path = wellKnownFile(context);
  const text = await withRoom(() => readFile(path, "utf8")).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw unreadable(printable(path), error);
  });
  if (text !== undefined) {
    return {
      source: { where: printable(path), form: "file", file: parseFile(text, printable(path)) },
      missed,
    };
  }
  missed.push(`there is no ${printable(path)}`);
  const host = await metadataHost(context);
  if (host) return { source: { where: "the metadata server", form: "metadata", host }, missed };
  missed.push("this machine is not one of Google's, so no metadata server was asked");
  return { missed };
}

/** Whose credentials they are, as far as that is known without asking anybody. */
export function ownerOf(source: Source): string {
  if (source.form === "token") return "an access token";
  if (source.form === "metadata") return "the service account of this machine";
  const { file } = source;
  if (typeof file.client_email === "string") return `the service account ${printable(file.client_email)}`;
  const target = file.service_account_impersonation_url;
  const email = typeof target === "string" ? /([^/]+):generateAccessToken$/.exec(target)?.[1] : undefined;
  if (email) return `the service account ${printable(email)}`;
  return file.type === "authorized_user" ? "a user's credentials" : "a federated identity";
}

/** The folder of the gcloud program. */
export function gcloudFolder({ env, home }: KeyContext): string {
  if (env.CLOUDSDK_CONFIG) return env.CLOUDSDK_CONFIG;
  return process.platform === "win32" && env.APPDATA
    ? join(env.APPDATA, "gcloud")
    : join(home, ".config", "gcloud");
}

function wellKnownFile(context: KeyContext): string {
  return join(gcloudFolder(context), "application_default_credentials.json");
}

/** JSON or a path to it. */
async function fromGoogleCredentials(value: string): Promise<Source> {
  const name = "GOOGLE_CREDENTIALS";
  // as SOPS: what is a file's name is one
  if (!(await stat(value).catch(() => undefined))) {
    if (!value.trim().startsWith("{")) throw neither(name);
    return { where: name, form: "file", file: parseFile(value, name) };
  }
  return { where: `the file that ${name} names`, form: "file", file: await load(value, name) };
}

async function fromVariable(path: string): Promise<Source> {
  const name = "GOOGLE_APPLICATION_CREDENTIALS";
  return { where: `the file that ${name} names`, form: "file", file: await load(path, name) };
}

async function load(path: string, variable: string): Promise<CredentialsFile> {
  const text = await withRoom(() => readFile(path, "utf8")).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(`the file that ${variable} names`, error);
  });
  return parseFile(text, `the file that ${variable} names`);
}

function parseFile(text: string, where: string): CredentialsFile {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    // JSON's own message quotes the text
  }
  if (typeof file !== "object" || file === null) throw unusable(where, "it is not a JSON object");
  const { type } = file as { type?: unknown };
  if (typeof type !== "string") throw unusable(where, "it has no type");
  if (!(TYPES as readonly string[]).includes(type)) {
    throw unusable(where, "its type is not one that can be used here");
  }
  return file as CredentialsFile;
}

function unreadable(what: string, error: NodeJS.ErrnoException): TsopsError {
  const why = error.code === "ENOENT" ? "it does not exist" : (error.code ?? "unknown cause");
  return new TsopsError("bad-credentials", `${what} cannot be read: ${why}`, {
    hint: "correct the variable, or remove it; JSON itself goes into GOOGLE_CREDENTIALS",
    // its message quotes the path, for which some people write the JSON
    cause: stripped(error),
  });
}

function unusable(where: string, why: string): TsopsError {
  return new TsopsError("bad-credentials", `the Google credentials in ${where} cannot be used: ${why}`, {
    hint: `download them again, or make new ones with \`gcloud auth application-default login\`; types that can be used: ${TYPES.join(", ")}`,
  });
}

function neither(name: string): TsopsError {
  return new TsopsError("bad-credentials", `${name} is neither the name of a file that exists nor JSON`, {
    hint: "set it to the path of a credentials file, or to the JSON in it",
  });
}
