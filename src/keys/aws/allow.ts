import type { NamingKey } from "../allow-list.ts";

/** ARNs of AWS roles to assume. */
export const AWS_ROLES = {
  name: "awsRole",
  field: "aws_role",
  what: "the AWS role",
  about: "ARNs of AWS roles to assume.",
  example: "arn:aws:iam::111122223333:role/sops",
  named: ({ id, role }: NamingKey) => role || /\+(arn:[^|]*)/.exec(id.replaceAll(" ", ""))?.[1],
} as const;

/** Names of AWS profiles. */
export const AWS_PROFILES = {
  name: "awsProfile",
  field: "aws_profile",
  what: "the AWS profile",
  about: "Names of AWS profiles.",
  example: "production",
  variable: "AWS_PROFILE",
  named: ({ profile }: NamingKey) => profile,
} as const;
