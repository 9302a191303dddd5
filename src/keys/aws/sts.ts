import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { aside } from "../../net/clock.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { prefixed } from "../reasons.ts";
import { type AwsClientConfig, awsClientConfig, awsLogins, shownUrl } from "./client.ts";
import { type CallFacts, explained, passes, throttle } from "./errors.ts";
import type { CredentialProvider, CredentialSource } from "./source.ts";

/** Roles to assume, through the Security Token Service of the key's region. */

/** A role as a file, the configuration or a profile names it. */
export interface Role {
  readonly arn: string;
  readonly sessionName?: string;
  readonly externalId?: string;
  readonly seconds?: number;
  /** Serial number or ARN of an MFA device: the person is asked for its code. */
  readonly mfa?: string;
}

const MAX_SESSION_NAME = 64;

/**
 * The session name that trust policies and CloudTrail see, the same as SOPS's: `sops@` and the host's name. SOPS's
 * list of characters that stay has `@-_`, which is a range, so that hyphens go.
 */
export function roleSessionName(host = hostname()): string {
  return `sops@${host.replace(/[^a-zA-Z0-9=,.@_]+/g, "")}`.slice(0, MAX_SESSION_NAME);
}

/** Credentials of a role that those of `base` may assume. */
export function assumedRole(
  context: KeyContext,
  role: Role,
  base: CredentialSource,
  region: string,
): CredentialSource {
  const provider: CredentialProvider = async () => {
    const masterCredentials = await base.provider();
    // before STS is asked: a person takes longer than a service may
    const code = role.mfa && (await askForCode(context, role.mfa));
    const { fromTemporaryCredentials } = await awsLogins();
    const clientConfig = await awsClientConfig(context, "STS", { region });
    const get = fromTemporaryCredentials({
      params: {
        RoleArn: role.arn,
        RoleSessionName: role.sessionName || roleSessionName(),
        ExternalId: role.externalId,
        DurationSeconds: role.seconds,
        SerialNumber: role.mfa,
      },
      masterCredentials,
      clientConfig,
      mfaCodeProvider: async () => code ?? "",
    });
    const facts = stsFacts(region, clientConfig, base);
    return askSts(context, facts, get).catch((error: unknown) => {
      throw prefixed(explained(error, facts), `cannot assume the role ${printable(role.arn)}`);
    });
  };
  return { where: `the role ${printable(role.arn)} through ${base.where}`, renew: base.renew, provider };
}

async function askForCode(context: KeyContext, serial: string): Promise<string> {
  if (!context.prompt) {
    throw new TsopsError("key-unavailable", `the code of the MFA device ${printable(serial)} is needed`, {
      hint: "nobody can be asked here: run it in a terminal, or give it credentials of a session that has passed MFA",
    });
  }
  const question = `Code of the MFA device ${printable(serial)}: `;
  return (await aside(context.cache, () => context.prompt!(question))).trim();
}

function askSts<T>(context: KeyContext, { endpoint, region }: CallFacts, get: () => Promise<T>): Promise<T> {
  return attempt(context, () => get(), { service: `aws sts ${endpoint ?? region}`, passes, throttle });
}

/** Credentials of a role for which a token is the proof: OpenID Connect in CI, service accounts in EKS. */
export function webIdentity(
  context: KeyContext,
  role: Role & { readonly tokenFile: string },
  region: string,
  named: string,
): CredentialSource {
  const where = `the web identity token in ${printable(role.tokenFile)}, ${named}`;
  const renew = "get a new token for the job: the platform that runs it writes the file";
  const source: CredentialSource = {
    where,
    renew,
    provider: async () => {
      const webIdentityToken = await readToken(role.tokenFile, named);
      const { fromWebToken } = await awsLogins();
      const clientConfig = await awsClientConfig(context, "STS", { region });
      const get = fromWebToken({
        roleArn: role.arn,
        roleSessionName: role.sessionName || roleSessionName(),
        webIdentityToken,
        clientConfig,
      });
      const facts = stsFacts(region, clientConfig, source);
      return askSts(context, facts, get).catch((error: unknown) => {
        throw prefixed(
          explained(error, facts),
          `cannot assume the role ${printable(role.arn)} with ${where}`,
        );
      });
    },
  };
  return source;
}

function stsFacts(region: string, { endpoint }: AwsClientConfig, source: CredentialSource): CallFacts {
  return { service: "STS", region, endpoint: endpoint && shownUrl(endpoint), source };
}

async function readToken(path: string, named: string): Promise<string> {
  const text = await withRoom(() => readFile(path, "ascii")).catch((cause: NodeJS.ErrnoException) => {
    throw new TsopsError(
      "bad-credentials",
      `the web identity token in ${printable(path)} cannot be read: ${cause.code ?? "unknown cause"}`,
      { hint: `see ${named}: the platform that runs the job must write the file`, cause },
    );
  });
  return text.trim();
}
