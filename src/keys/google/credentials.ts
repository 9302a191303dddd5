import type { AuthClient } from "google-auth-library";
import { TsopsError } from "../../errors.ts";
import { attempt, limitSeconds } from "../../net/attempt.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { Login } from "../login.ts";
import { type ClientOptions, federatedClient } from "./federation.ts";
import { explainedLogin, passesLogin, throttleOfLogin } from "./login-errors.ts";
import { machineToken } from "./metadata-server.ts";
import { agentFor } from "./network.ts";
import { type CredentialsFile, findSource, ownerOf, type Search, type Source } from "./sources.ts";
import { stripped } from "./stripped.ts";

/** Google credentials that were found, ready for requests to Google's services. */
export interface GoogleCredentials {
  /** Where they were found, for messages: `GOOGLE_CREDENTIALS`, a path. */
  readonly where: string;
  /** Whose they are, for messages. */
  readonly owner: string;
  /** A token without more: it does not say which of Google's universes it is for. */
  readonly bare: boolean;
  /** Signs requests; its HTTP traffic goes as the context says. */
  readonly client: AuthClient;
}

/**
 * The credentials that SOPS would take, from the context only, with access to the given scopes; null if there are
 * none at all, which is found out without network. Nothing is asked of Google before {@link login}.
 * @throws TsopsError("bad-credentials") if credentials are there, but malformed.
 */
export async function googleCredentials(
  context: KeyContext,
  scopes: readonly string[],
): Promise<GoogleCredentials | null> {
  const { source } = await searchOf(context);
  if (!source) return null;
  return once(context, `google credentials ${scopes.join(" ")}`, () => make(source, scopes, context));
}

/** Where credentials were looked for in vain, a line each; for the time after {@link googleCredentials} gave null. */
export async function missedPlaces(context: KeyContext): Promise<readonly string[]> {
  return (await searchOf(context)).missed;
}

function searchOf(context: KeyContext): Promise<Search> {
  return once(context, "google search", () => findSource(context));
}

/**
 * Gets the headers that sign a request, after asking Google for a token if need be. Requests made soon after use the same.
 * @throws TsopsError("bad-credentials") with the cause in a sentence: expired, revoked, unreachable.
 */
export async function login(
  credentials: GoogleCredentials,
  context: KeyContext,
  url: string,
): Promise<Headers> {
  const ask = (own: KeyContext) =>
    attempt(own, () => credentials.client.getRequestHeaders(url), {
      service: "google login",
      passes: passesLogin,
      throttle: throttleOfLogin,
    });
  // the client keeps a token until its end, and nothing of a refusal
  const until = () => Number.NEGATIVE_INFINITY;
  const now = () => context.now().getTime();
  try {
    return await once(context, `google login ${url}`, () => new Login(context, ask, { now, until })).get();
  } catch (error) {
    throw explainedLogin(error, credentials);
  }
}

async function make(
  source: Source,
  scopes: readonly string[],
  context: KeyContext,
): Promise<GoogleCredentials> {
  const client = await clientOf(source, scopes, context);
  const quotaProject = context.env.GOOGLE_CLOUD_QUOTA_PROJECT;
  if (quotaProject) client.quotaProjectId = quotaProject;
  return { where: source.where, owner: ownerOf(source), bare: source.form !== "file", client };
}

async function clientOf(source: Source, scopes: readonly string[], context: KeyContext): Promise<AuthClient> {
  const { OAuth2Client } = await import("./sdk.ts");
  const options = await optionsFor(context);
  if (source.form === "file") return fromFile(source, scopes, options, context);
  const client = new OAuth2Client(options);
  if (source.form === "token") client.setCredentials({ access_token: source.token });
  else {
    const limit = () => AbortSignal.timeout(lateMs(context));
    client.refreshHandler = () => machineToken(source.host, scopes, limit());
  }
  return client;
}

/** Ends a request that `attempt` has already given up, so that nothing keeps the process alive. */
function lateMs(context: KeyContext): number {
  return (limitSeconds(context) + 1) * 1000;
}

async function optionsFor(context: KeyContext): Promise<ClientOptions> {
  const { gaxios } = await import("./sdk.ts");
  const transporter = new gaxios.Gaxios({ timeout: lateMs(context) });
  transporter.interceptors.request.add({
    // last word on what the library's own parts ask for: no proxy but the context's, no tries but attempt's, and no
    // redirects, which Google does not send and on which the library ends the process
    resolved: async (request) =>
      Object.assign(request, {
        agent: await agentFor(request.url, context),
        redirect: "manual",
        retry: false,
        retryConfig: { retry: 0, noResponseRetries: 0 },
      }),
  });
  return { transporter, useAuthRequestParameters: false };
}

async function fromFile(
  source: { readonly where: string; readonly file: CredentialsFile },
  scopes: readonly string[],
  options: ClientOptions,
  context: KeyContext,
): Promise<AuthClient> {
  try {
    return await byType(source.file, scopes, options, context);
  } catch (error) {
    if (error instanceof TsopsError) throw error;
    // the library's message may quote what is in the file
    throw new TsopsError(
      "bad-credentials",
      `the Google credentials in ${source.where} are incomplete or damaged`,
      {
        hint: "download them again, or make new ones with `gcloud auth application-default login`",
        cause: stripped(error),
      },
    );
  }
}

async function byType(
  file: CredentialsFile,
  scopes: readonly string[],
  options: ClientOptions,
  context: KeyContext,
): Promise<AuthClient> {
  const google = await import("./sdk.ts");
  const universeDomain = typeof file.universe_domain === "string" ? file.universe_domain : undefined;
  const all = { ...options, scopes: [...scopes], ...(universeDomain && { universeDomain }) };
  if (file.type === "external_account") return federatedClient(file, all, context);
  if (file.type === "external_account_authorized_user") {
    type Options = ConstructorParameters<typeof google.ExternalAccountAuthorizedUserClient>[0];
    return new google.ExternalAccountAuthorizedUserClient({ ...file, ...all } as unknown as Options);
  }
  if (file.type === "authorized_user") {
    const client = new google.UserRefreshClient(all);
    client.fromJSON(file);
    return client;
  }
  if (file.type === "impersonated_service_account") {
    const { source_credentials: from, service_account_impersonation_url: url, delegates } = file;
    const targetPrincipal = /([^/]+):generateAccessToken$/.exec(String(url))?.[1];
    if (!targetPrincipal) throw new Error("no principal");
    const sourceClient = await byType(from as CredentialsFile, scopes, options, context);
    return new google.Impersonated({
      ...all,
      sourceClient,
      targetPrincipal,
      targetScopes: [...scopes],
      delegates: (delegates as string[] | undefined) ?? [],
    });
  }
  const client = new google.JWT(all);
  client.fromJSON(file);
  // a token that it signs itself: one request less, and the only way outside of googleapis.com
  client.useJWTAccessWithScope = true;
  return client;
}
