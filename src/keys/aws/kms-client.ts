import type {
  DecryptCommandInput,
  DecryptCommandOutput,
  EncryptCommandInput,
  EncryptCommandOutput,
} from "@aws-sdk/client-kms";
import { attempt } from "../../net/attempt.ts";
import { printable } from "../../printable.ts";
import { checkAllowed } from "../allow.ts";
import { once } from "../cache.ts";
import { textField } from "../fields.ts";
import type { KeyContext, MasterKey } from "../kind.ts";
import { AWS_PROFILES, AWS_ROLES } from "./allow.ts";
import { checkRoleArn, parseKeyArn } from "./arn.ts";
import { awsClientConfig, newAwsClient, shownUrl } from "./client.ts";
import { awsCredentials, type CredentialSource, type NoCredentials } from "./credentials.ts";
import { environmentKeys, environmentWebIdentity } from "./environment.ts";
import { type CallFacts, isOfKey, passes, throttle } from "./errors.ts";
import { containerSource } from "./machine.ts";
import { noSuchProfile } from "./profile.ts";
import { environmentProfile, sharedConfig } from "./shared-config.ts";

/** The two calls that are made. */
export interface KmsCalls {
  encrypt(request: EncryptCommandInput, options: CallOptions): Promise<EncryptCommandOutput>;
  decrypt(request: DecryptCommandInput, options: CallOptions): Promise<DecryptCommandOutput>;
}

interface CallOptions {
  readonly abortSignal: AbortSignal;
}

/** A client for a key's region, with the credentials that serve for the key. */
export interface Kms {
  readonly client: KmsCalls;
  readonly source: CredentialSource;
  readonly facts: CallFacts;
}

/**
 * The client for a key, or where credentials were looked for in vain; without the network. What only the file names,
 * its role and its profile, must be vouched for.
 * @throws TsopsError("not-allowed"), others if the ARN, the role or what it needs here is malformed.
 */
export async function kmsFor(key: MasterKey, context: KeyContext): Promise<Kms | NoCredentials> {
  const { arn, region } = parseKeyArn(textField(key.fields, "arn"));
  const role = textField(key.fields, "role") || undefined;
  if (role) checkRoleArn(role);
  const profile = await profileFor(textField(key.fields, "aws_profile"), context);
  if (typeof profile === "object") return profile;
  const source = await awsCredentials(context, { region, profile, role });
  if ("missing" in source) return source;
  // who has nothing that could assume it is not asked about it
  if (role) await checkAllowed(context, AWS_ROLES, role);
  const { client, endpoint } = await clientFor(context, { region, profile, role }, source);
  return { client, source, facts: { service: "KMS", region, endpoint, source, arn } };
}

/** Calls KMS in bounded time, and again where the failure passes by itself. */
export function callKms<T>(
  { client, facts }: Kms,
  context: KeyContext,
  call: (client: KmsCalls, options: CallOptions) => Promise<T>,
): Promise<T> {
  const service = `aws kms ${facts.endpoint ?? facts.region}`;
  const options = { service, passes, throttle, partial: isOfKey };
  return attempt(context, (abortSignal) => call(client, { abortSignal }), options);
}

/**
 * The profile to use, or why none can be. Profiles are names on one person's machine: where the file's is not there,
 * what the person's own environment names serves instead.
 */
async function profileFor(name: string, context: KeyContext): Promise<string | undefined | NoCredentials> {
  if (name === "") return undefined;
  const config = await sharedConfig(context);
  const own = ownCredentials(context, name);
  if (!config.profiles.has(name)) {
    if (own === undefined) {
      const { message, hint } = noSuchProfile(name, config);
      return { missing: [`${message}; the file names it`, hint!] };
    }
    once(context, `aws profile ${name} is not here`, () =>
      context.warn(
        `the AWS profile ${printable(name)} that the file names is not on this machine: ${own} is used instead`,
      ),
    );
    return undefined;
  }
  const named = environmentProfile(context) ?? (own === undefined ? "default" : undefined);
  await checkAllowed(context, AWS_PROFILES, name, [named]);
  return name;
}

/** What the environment itself names, if it is not the profile. */
function ownCredentials(context: KeyContext, profile: string): string | undefined {
  const named = environmentProfile(context);
  const variables =
    environmentKeys(context) ?? environmentWebIdentity(context, "") ?? containerSource(context);
  if (variables) return variables.where;
  return named !== undefined && named !== profile ? `AWS_PROFILE (${printable(named)})` : undefined;
}

interface ClientOptions {
  readonly region: string;
  readonly profile: string | undefined;
  readonly role: string | undefined;
}

/** One client for each region, profile and role, whatever the number of files. */
function clientFor(
  context: KeyContext,
  options: ClientOptions,
  source: CredentialSource,
): Promise<{ client: KmsCalls; endpoint: string | undefined }> {
  return once(
    context,
    `kms client ${JSON.stringify([options.region, options.profile, options.role])}`,
    async () => {
      const [sdk, config] = await Promise.all([import("./sdk.ts"), awsClientConfig(context, "KMS", options)]);
      const kms = newAwsClient(() => new sdk.KMSClient({ ...config, credentials: source.provider }));
      const client: KmsCalls = {
        encrypt: (request, more) => kms.send(new sdk.EncryptCommand(request), more),
        decrypt: (request, more) => kms.send(new sdk.DecryptCommand(request), more),
      };
      return { client, endpoint: config.endpoint && shownUrl(config.endpoint) };
    },
  );
}
