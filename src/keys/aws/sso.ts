import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { codeIn } from "../../net/failure.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { prefixed } from "../reasons.ts";
import { awsClientConfig, awsLogins } from "./client.ts";
import { explained, passes, throttle } from "./errors.ts";
import { disagreement, LOGIN_VARIABLES } from "./process-only.ts";
import { configPaths, type Section, type SharedConfig } from "./shared-config.ts";
import type { AwsCredentials, CredentialSource } from "./source.ts";

/** Profiles whose credentials come from a login in the browser: `aws sso login` (IAM Identity Center), `aws login`. */

export function isSso(profile: Section): boolean {
  return profile.has("sso_session") || profile.has("sso_start_url") || profile.has("sso_account_id");
}

/**
 * Whether somebody is logged in is looked up before the SDK is loaded: it takes a cached token, and renews it if it can.
 * @throws TsopsError if the profile is incomplete.
 */
export function ssoSource(
  context: KeyContext,
  name: string,
  profile: Section,
  { sessions }: SharedConfig,
): CredentialSource {
  const session = profile.get("sso_session");
  const settings = session === undefined ? profile : sessions.get(session);
  const where = `the SSO session of the AWS profile ${printable(name)}`;
  const renew = `run aws sso login --profile ${printable(name)}`;
  const startUrl = settings?.get("sso_start_url");
  const region = settings?.get("sso_region");
  if (!startUrl || !region || !profile.get("sso_account_id") || !profile.get("sso_role_name")) {
    throw new TsopsError("bad-setting", `${where} is not set up completely`, {
      hint: `run aws configure sso --profile ${printable(name)}: it needs sso_session (or sso_start_url and sso_region), sso_account_id and sso_role_name`,
    });
  }
  const source: CredentialSource = {
    where,
    renew,
    provider: async () => {
      await checkToken(context, session ?? startUrl, where, renew);
      return askSdk(context, name, source, region);
    },
  };
  return source;
}

/** The token that `aws sso login` left. One that has expired will do if it can be renewed. */
async function checkToken(context: KeyContext, id: string, where: string, renew: string): Promise<void> {
  const file = `${createHash("sha1").update(id).digest("hex")}.json`;
  const path = join(context.home, ".aws", "sso", "cache", file);
  const token = await withRoom(() => readFile(path, "utf8")).then(
    (text) => Object(parsed(text)) as Record<string, unknown>,
    () => undefined,
  );
  if (typeof token?.accessToken !== "string") {
    throw new TsopsError("key-unavailable", `${where}: nobody is logged in`, { hint: renew });
  }
  const over = !(new Date(String(token.expiresAt)) > context.now());
  if (over && typeof token.refreshToken !== "string") {
    throw new TsopsError("bad-credentials", `${where} has expired`, { hint: renew });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function askSdk(
  context: KeyContext,
  profile: string,
  source: CredentialSource,
  region: string,
): Promise<AwsCredentials> {
  const clientConfig = await sdkConfig(context, source.where);
  const { fromSSO } = await awsLogins();
  const { config, credentials } = configPaths(context);
  const get = fromSSO({ profile, filepath: credentials, configFilepath: config, clientConfig });
  try {
    return await attempt(context, () => get().catch((error) => Promise.reject(ssoError(error, source))), {
      service: `aws sso ${region}`,
      passes,
      throttle,
    });
  } catch (error) {
    const facts = { service: "SSO" as const, region, source };
    throw prefixed(explained(error, facts), `${source.where} gives no credentials`);
  }
}

/** The SDK puts what went wrong into the text of another error. */
function ssoError(error: unknown, { renew }: CredentialSource): unknown {
  const text = String((error as Error).message);
  if (/^UnauthorizedException|aws sso login/.test(text)) {
    return new TsopsError("bad-credentials", "the session has expired", { hint: renew, cause: error });
  }
  if (text.startsWith("ForbiddenException")) {
    return new TsopsError("access-denied", "its account or role is not assigned to the person", {
      hint: "see sso_account_id and sso_role_name of the profile, or have them assigned in IAM Identity Center",
      cause: error,
    });
  }
  const name = /^(\w+): /.exec(text)?.[1] ?? "Error";
  const code = codeIn(text) || undefined;
  return Object.assign(new Error(name, { cause: error }), { name, code });
}

/** `aws login`: a console session. */
export function loginSource(context: KeyContext, name: string): CredentialSource {
  const where = `the console login of the AWS profile ${printable(name)}`;
  const renew = `run aws login --profile ${printable(name)}`;
  return {
    where,
    renew,
    provider: async () => {
      const clientConfig = await sdkConfig(context, where);
      const { fromLoginCredentials } = await awsLogins();
      const { config, credentials } = configPaths(context);
      const get = fromLoginCredentials({
        profile: name,
        filepath: credentials,
        configFilepath: config,
        clientConfig,
      });
      const calls = { service: "aws login", passes, throttle };
      return attempt(context, () => get(), calls).catch((cause: unknown) => {
        if (cause instanceof TsopsError) throw prefixed(cause, `${where} gives no credentials`);
        throw new TsopsError(
          "bad-credentials",
          `${where} gives no credentials: it is not there or has expired`,
          {
            hint: renew,
            cause,
          },
        );
      });
    },
  };
}

/** Two services are asked, each with an address of its own, which the SDK finds by itself. */
async function sdkConfig(context: KeyContext, where: string) {
  const unequal = disagreement(context, LOGIN_VARIABLES);
  if (unequal !== undefined) {
    throw new TsopsError(
      "bad-setting",
      `${where} cannot be used: AWS's SDK reads ${unequal} from the process, and the caller set it otherwise`,
      { hint: "give the library the process's own environment and home, or credentials in variables" },
    );
  }
  const { region, endpoint, ignoreConfiguredEndpointUrls, ...rest } = await awsClientConfig(context, "SSO", {
    region: "",
  });
  return rest;
}
