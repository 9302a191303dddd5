import { join } from "node:path";
import type {
  AuthClient,
  AwsSecurityCredentialsSupplier,
  BaseExternalAccountClient,
  gaxios,
} from "google-auth-library";
import type { KeyContext } from "../kind.ts";
import { executableToken } from "./executable.ts";
import { gcloudFolder } from "./sources.ts";

type Fields = Readonly<Record<string, unknown>>;
type FileOptions = ConstructorParameters<typeof BaseExternalAccountClient>[0];

/** What every client of Google's library gets, so that it reads no variable of the process and prints nothing. */
export interface ClientOptions {
  readonly transporter: gaxios.Gaxios;
  /** These parameters come with a debug log that would print tokens. */
  readonly useAuthRequestParameters: false;
}

/**
 * Workload identity federation: a token of another system (GitHub's or GitLab's OIDC, AWS, a program's, a certificate)
 * is exchanged for Google's (https://google.aip.dev/auth/4117). What Google's library would take from the
 * process's environment is taken from the context.
 */
export async function federatedClient(
  file: Fields,
  options: ClientOptions & { readonly scopes: string[] },
  context: KeyContext,
): Promise<AuthClient> {
  const google = await import("./sdk.ts");
  const { credential_source: source, ...rest } = file as { credential_source?: Fields };
  const all = { ...rest, ...options } as unknown as FileOptions;
  let client: AuthClient;
  if (source?.environment_id) {
    const supplier = awsSupplier(source, context);
    client = new google.AwsClient({ ...all, aws_security_credentials_supplier: supplier });
  } else if (source?.executable) {
    const getSubjectToken = () => executableToken(source.executable as Fields, file, context);
    client = new google.IdentityPoolClient({ ...all, subject_token_supplier: { getSubjectToken } });
  } else {
    const credential_source = { ...source, ...(await certificatePath(source, context)) };
    type Options = ConstructorParameters<typeof google.IdentityPoolClient>[0];
    client = new google.IdentityPoolClient({ ...all, credential_source } as Options);
  }
  // the library gives its exchange of tokens a transport of its own
  const { stsCredential } = client as unknown as { stsCredential?: { transporter?: gaxios.Gaxios } };
  // another release may keep it elsewhere, and would then use the proxies of the process
  if (!stsCredential?.transporter) throw new Error("google-auth-library has no such part any more");
  stsCredential.transporter = options.transporter;
  return client;
}

/** Where the description of a client certificate is, if the file leaves that to the environment. */
async function certificatePath(source: Fields | undefined, context: KeyContext): Promise<Fields> {
  const certificate = source?.certificate as Fields | undefined;
  if (!certificate?.use_default_certificate_config) return {};
  const { use_default_certificate_config: _, ...rest } = certificate;
  const location =
    context.env.GOOGLE_API_CERTIFICATE_CONFIG || join(gcloudFolder(context), "certificate_config.json");
  return { certificate: { ...rest, certificate_config_location: location } };
}

/** AWS credentials from the variables or, as the file says where, from the machine's metadata server. */
function awsSupplier(source: Fields, { env }: KeyContext): AwsSecurityCredentialsSupplier {
  const ask = async (transporter: gaxios.Gaxios | undefined, url: unknown): Promise<unknown> => {
    if (typeof url !== "string" || !transporter) throw new Error("no AWS credentials");
    const headers: Record<string, string> = {};
    if (typeof source.imdsv2_session_token_url === "string") {
      const session = await transporter.request<string>({
        url: source.imdsv2_session_token_url,
        method: "PUT",
        responseType: "text",
        headers: { "x-aws-ec2-metadata-token-ttl-seconds": "300" },
      });
      headers["x-aws-ec2-metadata-token"] = session.data;
    }
    return (await transporter.request({ url, headers })).data;
  };
  type Transport = { readonly transporter: unknown };
  const transport = (request: Transport) => request.transporter as gaxios.Gaxios | undefined;
  return {
    async getAwsRegion(request) {
      const named = env.AWS_REGION || env.AWS_DEFAULT_REGION;
      // the server gives a zone: us-east-2b
      return named || String(await ask(transport(request), source.region_url)).slice(0, -1);
    },
    async getAwsSecurityCredentials(request) {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
      if (id && secret) return { accessKeyId: id, secretAccessKey: secret, token };
      const role = String(await ask(transport(request), source.url)).trim();
      const found = (await ask(transport(request), `${source.url}/${role}`)) as Record<string, string>;
      return {
        accessKeyId: found.AccessKeyId ?? "",
        secretAccessKey: found.SecretAccessKey ?? "",
        token: found.Token,
      };
    },
  };
}
