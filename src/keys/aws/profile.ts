import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { environmentKeys } from "./environment.ts";
import { containerSource, instanceSource } from "./machine.ts";
import { processSource } from "./process.ts";
import type { Section, SharedConfig } from "./shared-config.ts";
import type { CredentialSource } from "./source.ts";
import { isSso, loginSource, ssoSource } from "./sso.ts";
import { assumedRole, type Role, webIdentity } from "./sts.ts";

/** What is the same for all profiles of a chain. */
interface Chain {
  readonly context: KeyContext;
  readonly config: SharedConfig;
  readonly region: string;
}

/**
 * The credentials that a profile leads to: its own, those of a role through other ones, a web identity token, SSO, a
 * program. Undefined if it has only other settings. Nothing is asked for yet.
 * @throws TsopsError("bad-setting") if the profile is not there, incomplete, or leads to itself.
 */
export async function profileSource(
  chain: Chain,
  name: string,
  visited: readonly string[] = [],
): Promise<CredentialSource | undefined> {
  const profile = chain.config.profiles.get(name);
  if (!profile) throw noSuchProfile(name, chain.config);
  const role = roleOf(profile);
  const keys = ownKeys(name, profile);
  const from = profile.get("source_profile");
  // another profile's role is assumed with this one's keys, where it has any
  if (visited.length > 0 && keys) return keys;
  if (role && from !== undefined) {
    const base = await fromProfile(chain, name, from, [...visited, name]);
    return assumedRole(chain.context, role, base, chain.region);
  }
  const named = profile.get("credential_source");
  if (role && named !== undefined) {
    return assumedRole(chain.context, role, await fromNamed(chain.context, name, named), chain.region);
  }
  if (keys) return keys;
  const tokenFile = profile.get("web_identity_token_file");
  if (role && tokenFile) {
    const where = `for the AWS profile ${printable(name)}`;
    return webIdentity(chain.context, { ...role, tokenFile }, chain.region, where);
  }
  if (role) throw broken(name, "role_arn needs source_profile, credential_source or web_identity_token_file");
  return byLogin(chain, name, profile);
}

function byLogin({ context, config }: Chain, name: string, profile: Section): CredentialSource | undefined {
  if (isSso(profile)) return ssoSource(context, name, profile, config);
  if (profile.get("login_session")) return loginSource(context, name);
  const command = profile.get("credential_process");
  return command ? processSource(context, command, name) : undefined;
}

export function noSuchProfile(name: string, { paths }: SharedConfig): TsopsError {
  return new TsopsError("bad-setting", `the AWS profile ${printable(name)} is not on this machine`, {
    hint: `it is neither in ${paths.join(" nor in ") || "any file"}: set it up with aws configure --profile ${printable(name)}, or name a profile of your own in AWS_PROFILE`,
  });
}

async function fromProfile(
  chain: Chain,
  name: string,
  from: string,
  visited: readonly string[],
): Promise<CredentialSource> {
  const own = from === name ? ownKeys(name, chain.config.profiles.get(name)!) : undefined;
  if (own) return own;
  if (visited.includes(from)) throw broken(name, "its source_profile leads back to itself");
  const source = await profileSource(chain, from, visited);
  if (source) return source;
  throw broken(name, `its source_profile ${printable(from)} has no credentials`);
}

async function fromNamed(context: KeyContext, name: string, source: string): Promise<CredentialSource> {
  const found = {
    Environment: () => environmentKeys(context),
    EcsContainer: () => containerSource(context),
    Ec2InstanceMetadata: () => instanceSource(context, { asked: true }),
  };
  if (!Object.hasOwn(found, source)) {
    throw broken(name, `it has the credential_source ${printable(source)}, which does not exist`);
  }
  const given = await found[source as keyof typeof found]();
  if (typeof given === "object") return given;
  throw broken(name, `it has the credential_source ${printable(source)}, where there are no credentials`);
}

function roleOf(profile: Section): Role | undefined {
  const arn = profile.get("role_arn");
  if (!arn) return undefined;
  return {
    arn,
    sessionName: profile.get("role_session_name"),
    externalId: profile.get("external_id"),
    seconds: Number(profile.get("duration_seconds")) || undefined,
    mfa: profile.get("mfa_serial"),
  };
}

function ownKeys(name: string, profile: Section): CredentialSource | undefined {
  const accessKeyId = profile.get("aws_access_key_id");
  const secretAccessKey = profile.get("aws_secret_access_key");
  if (!accessKeyId || !secretAccessKey) return undefined;
  const sessionToken = profile.get("aws_session_token");
  return {
    where: `the keys of the AWS profile ${printable(name)}`,
    renew: `put new keys into the AWS profile ${printable(name)}`,
    provider: async () => ({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }),
  };
}

function broken(name: string, why: string): TsopsError {
  return new TsopsError("bad-setting", `the AWS profile ${printable(name)} cannot be used: ${why}`, {
    hint: "correct it in AWS's configuration files: see aws configure",
  });
}
