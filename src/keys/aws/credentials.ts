import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext, Lines } from "../kind.ts";
import { Login } from "../login.ts";
import { environmentKeys, environmentWebIdentity } from "./environment.ts";
import { passes } from "./errors.ts";
import { containerSource, instanceSource } from "./machine.ts";
import { profileSource } from "./profile.ts";
import { environmentProfile, sharedConfig } from "./shared-config.ts";
import type { AwsCredentials, CredentialSource } from "./source.ts";
import { assumedRole } from "./sts.ts";

export type { AwsCredentials, CredentialProvider, CredentialSource } from "./source.ts";

export interface CredentialOptions {
  /** Region for STS. */
  readonly region: string;
  /** A profile, which then is the only source. Default: the environment decides. */
  readonly profile?: string;
  /** ARN of a role to assume with what is found. */
  readonly role?: string;
}

/** Where was looked in vain, a line each. */
export interface NoCredentials {
  readonly missing: Lines;
}

/** Renewed so long before they expire that a call begun with them ends in time. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Credentials for any client of AWS's SDK, from the context's environment and home: the usual places, in the order of
 * AWS's SDK for Go, which SOPS uses, so that both take the same ones. A profile that is named explicitly is the only
 * source; otherwise keys in variables, a web identity token, the profile in AWS_PROFILE (or `default`), the container,
 * the EC2 instance. What is found is decided without the network; only the provider uses it. The caller asks
 * `checkAllowed` about a role or profile that only a file names.
 * @throws TsopsError("bad-setting") if a profile that is named is not there, or set up wrongly.
 */
export function awsCredentials(
  context: KeyContext,
  { region, profile, role }: CredentialOptions,
): Promise<CredentialSource | NoCredentials> {
  return once(context, `aws credentials ${JSON.stringify([region, profile, role])}`, async () => {
    // what the sources ask is part of a login
    const own: KeyContext = { ...context, login: true };
    const base = await findSource(own, region, profile);
    if ("missing" in base) return base;
    return remembering(context, role ? assumedRole(own, { arn: role }, base, region) : base);
  });
}

async function findSource(
  context: KeyContext,
  region: string,
  profile: string | undefined,
): Promise<CredentialSource | NoCredentials> {
  const variables = profile
    ? undefined
    : (environmentKeys(context) ?? environmentWebIdentity(context, region));
  if (variables) return variables;
  const config = await sharedConfig(context);
  const name = profile ?? environmentProfile(context) ?? "default";
  if (config.profiles.has(name) || name !== "default") {
    const source = await profileSource({ context, config, region }, name);
    if (source) return source;
  }
  const machine = containerSource(context) ?? (await instanceSource(context));
  if (typeof machine === "object") return machine;
  const paths = config.paths.join(" and ") || "no file";
  return {
    missing: [
      "no AWS credentials were found in any of these places",
      ...(profile
        ? []
        : ["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN"]),
      `the profile ${printable(name)} in ${paths}`,
      "the container's credentials: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI",
      machine,
      "run aws configure or aws sso login, and choose the profile with AWS_PROFILE",
    ],
  };
}

/** Credentials are asked for once until they are about to expire, by all clients together. */
function remembering(context: KeyContext, source: CredentialSource): CredentialSource {
  const login = new Login<AwsCredentials>(context, () => source.provider(), {
    now: () => context.now().getTime(),
    until: ({ expiration }) =>
      expiration ? expiration.getTime() - RENEW_BEFORE_MS : Number.POSITIVE_INFINITY,
    passes,
  });
  return { ...source, provider: () => login.get() };
}
