import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { hasSign, type Sign, signsOf } from "../../net/machine.ts";
import type { KeyContext } from "../kind.ts";
import { prefixed } from "../reasons.ts";
import { awsLogins } from "./client.ts";
import { disagreement, METADATA_VARIABLES } from "./process-only.ts";
import type { CredentialSource } from "./source.ts";

/** Credentials that the machine gives to what runs on it: containers and EC2 instances. */

const TIMEOUT_MS = 2000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** ECS tasks, EKS pods, CloudShell and others: an address that a variable names. Undefined if none does. */
export function containerSource(context: KeyContext): CredentialSource | undefined {
  const { env } = context;
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ?? "";
  const full = relative === "" ? (env.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? "") : "";
  if (relative === "" && full === "") return undefined;
  const variable = `AWS_CONTAINER_CREDENTIALS_${relative === "" ? "FULL" : "RELATIVE"}_URI`;
  const where = `the container's credentials (${variable})`;
  const tokenFile = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? "";
  return {
    where,
    renew: "see the role of the task or pod",
    provider: async () => {
      const { fromHttp } = await awsLogins();
      try {
        // an empty text keeps the SDK from looking into the process's environment
        const get = fromHttp({
          awsContainerCredentialsRelativeUri: relative,
          awsContainerCredentialsFullUri: full,
          awsContainerAuthorizationTokenFile: tokenFile,
          awsContainerAuthorizationToken:
            tokenFile === "" ? (env.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? "") : "",
          timeout: TIMEOUT_MS,
          maxRetries: 1,
          logger: SILENT,
        });
        return await inTime(context, get, "aws container credentials");
      } catch (cause) {
        if (cause instanceof TsopsError) throw prefixed(cause, `${where} cannot be fetched`);
        throw new TsopsError(
          "key-unavailable",
          `${where} cannot be fetched: there is nothing usable at that address`,
          {
            hint: "check the task's or pod's role, the token's file, and that the address is HTTPS or local",
            cause,
          },
        );
      }
    },
  };
}

/** The role of an EC2 instance, or why it is not to be asked for here. */
export async function instanceSource(
  context: KeyContext,
  { asked = false, dmi = EC2 }: { asked?: boolean; dmi?: readonly Sign[] } = {},
): Promise<CredentialSource | string> {
  const { env } = context;
  const disabled = env.AWS_EC2_METADATA_DISABLED;
  if (disabled && disabled !== "false") return "EC2 instance metadata: AWS_EC2_METADATA_DISABLED is set";
  const named = Boolean(env.AWS_EC2_METADATA_SERVICE_ENDPOINT) || disabled === "false";
  if (!asked && !named && !(await hasSign(dmi))) {
    return "EC2 instance metadata: this machine does not look like an EC2 instance, and no variable names it";
  }
  const unequal = disagreement(context, METADATA_VARIABLES);
  if (unequal) return `EC2 instance metadata: AWS's SDK reads ${unequal} from the process only`;
  const where = "the EC2 instance's role (instance metadata)";
  return {
    where,
    renew: "see the role in the instance's profile",
    provider: async () => {
      const { fromInstanceMetadata } = await awsLogins();
      const get = fromInstanceMetadata({ timeout: TIMEOUT_MS, maxRetries: 1, logger: SILENT });
      return inTime(context, get, "aws instance metadata").catch((cause: unknown) => {
        if (cause instanceof TsopsError) throw prefixed(cause, `${where} cannot be fetched`);
        const status = (cause as { statusCode?: number }).statusCode;
        const why =
          status === 404 ? "the instance has no role" : "the metadata service does not answer as it should";
        throw new TsopsError("key-unavailable", `${where} cannot be fetched: ${why}`, {
          hint: "give the instance a role; in a container on it, the metadata service needs a hop limit of 2; AWS_EC2_METADATA_DISABLED=true keeps it from being asked",
          cause,
        });
      });
    },
  };
}

/** The SDK's own limit for requests is no more than a warning. */
function inTime<T>(context: KeyContext, get: () => Promise<T>, service: string): Promise<T> {
  return attempt(context, () => get(), { service });
}

const EC2: readonly Sign[] = [
  ...signsOf(["sys_vendor", "board_vendor"], /^Amazon EC2/),
  ["/sys/hypervisor/uuid", /^ec2/i],
];
