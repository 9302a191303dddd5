import { homedir } from "node:os";
import type { KeyContext } from "../kind.ts";

/**
 * Some providers of AWS's SDK read variables and the home folder of the process, and cannot be told otherwise. They
 * are used only where the context says the same as the process, as it does on the command line: a library's caller may
 * have given another environment.
 */

const FILE_VARIABLES: readonly string[] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

export const METADATA_VARIABLES: readonly string[] = [
  ...FILE_VARIABLES,
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
  "AWS_EC2_METADATA_V1_DISABLED",
];

export const LOGIN_VARIABLES: readonly string[] = [
  ...FILE_VARIABLES,
  "AWS_LOGIN_CACHE_DIRECTORY",
  "AWS_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_SSO",
  "AWS_ENDPOINT_URL_SSO_OIDC",
  "AWS_ENDPOINT_URL_SIGNIN",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/** What the SDK would see otherwise than the context says: a variable's name, "the home folder", or nothing. */
export function disagreement(
  { env, home }: Pick<KeyContext, "env" | "home">,
  variables: readonly string[],
): string | undefined {
  const unequal = variables.find((name) => (env[name] || undefined) !== (process.env[name] || undefined));
  if (unequal !== undefined) return unequal;
  return home === processHome() ? undefined : "the home folder";
}

function processHome(): string {
  return process.env.HOME ?? process.env.USERPROFILE ?? homedir();
}
