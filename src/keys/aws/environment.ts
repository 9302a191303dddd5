import type { KeyContext } from "../kind.ts";
import type { CredentialSource } from "./source.ts";
import { webIdentity } from "./sts.ts";

type Env = Pick<KeyContext, "env">;

/** The keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
export function environmentKeys({ env }: Env): CredentialSource | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  const sessionToken = env.AWS_SESSION_TOKEN;
  return {
    where: "the variable AWS_ACCESS_KEY_ID",
    renew: "put new credentials into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
    provider: async () => ({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }),
  };
}

/** A token in AWS_WEB_IDENTITY_TOKEN_FILE for the role in AWS_ROLE_ARN: CI platforms and EKS set them. */
export function environmentWebIdentity(context: KeyContext, region: string): CredentialSource | undefined {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: arn } = context.env;
  if (!tokenFile || !arn) return undefined;
  const sessionName = context.env.AWS_ROLE_SESSION_NAME;
  return webIdentity(
    context,
    { arn, sessionName, tokenFile },
    region,
    "named by AWS_WEB_IDENTITY_TOKEN_FILE",
  );
}
