import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";

/** The ARN of a KMS key or alias, taken apart. */
export interface KeyArn {
  readonly arn: string;
  /** `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly partition: string;
  readonly region: string;
}

/**
 * As SOPS reads them (`arn:PARTITION:kms:REGION:ACCOUNT:key/ID` or `alias/NAME`), but the region must look like one:
 * it becomes a part of the host name that gets the request.
 */
const KEY_ARN = /^arn:(aws[a-z-]*):kms:([a-z]{2,}(?:-[a-z0-9]+)+):[0-9]{12}:(?:key|alias)\/[\w/:+=,.@-]+$/;
const ROLE_ARN = /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]+$/;

/** Regions that stand for a partition of their own, by how they begin. */
const PARTITIONS: readonly (readonly [string, string])[] = [
  ["cn-", "aws-cn"],
  ["us-gov-", "aws-us-gov"],
];

/** @throws TsopsError("bad-key") that says what is wrong with it. */
export function parseKeyArn(arn: string): KeyArn {
  const [, partition, region] = KEY_ARN.exec(arn) ?? [];
  if (partition === undefined || region === undefined) {
    throw malformed(
      arn,
      "the ARN of a KMS key",
      "write it as arn:aws:kms:REGION:ACCOUNT:key/ID or arn:aws:kms:REGION:ACCOUNT:alias/NAME; the account has 12 digits",
    );
  }
  const [, home] = PARTITIONS.find(([prefix]) => region.startsWith(prefix)) ?? [];
  if (home !== undefined && home !== partition) {
    throw malformed(
      arn,
      "the ARN of a KMS key",
      `the region ${region} is in the partition ${home}: arn:${home}:kms:…`,
    );
  }
  return { arn, partition, region };
}

/** @throws TsopsError("bad-key") if it is not the ARN of an IAM role. */
export function checkRoleArn(arn: string): void {
  if (!ROLE_ARN.test(arn)) {
    throw malformed(arn, "the ARN of an IAM role", "write it as arn:aws:iam::ACCOUNT:role/NAME");
  }
}

function malformed(arn: string, what: string, hint: string): TsopsError {
  return new TsopsError("bad-key", `${shortened(arn)} is not ${what}`, { hint });
}
