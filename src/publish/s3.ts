import type { S3Client } from "@aws-sdk/client-s3";
import type { Destination } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import { awsClientConfig, newAwsClient } from "../keys/aws/client.ts";
import { awsCredentials } from "../keys/aws/credentials.ts";
import { type CallFacts, explained, passes, throttle } from "../keys/aws/errors.ts";
import { environmentProfile, sharedConfig } from "../keys/aws/shared-config.ts";
import { once } from "../keys/cache.ts";
import type { KeyContext } from "../keys/kind.ts";
import { prefixed } from "../keys/reasons.ts";
import { attempt } from "../net/attempt.ts";
import { type Explanation, notPublished, type Standing, type Target } from "./target.ts";

/** An S3 bucket, with the credentials and the region of the environment, as for SOPS. */
export function s3Target({ bucket, prefix }: NonNullable<Destination["s3"]>, context: KeyContext): Target {
  const addressOf = (name: string): string => `s3://${bucket}/${prefix}${name}`;
  const call = async <T>(
    name: string,
    verb: "read" | "write",
    work: (connection: Connection, object: { Bucket: string; Key: string }, abort: Abort) => Promise<T>,
  ): Promise<T> => {
    const made = await connection(context).catch((error: unknown) => {
      throw notPublished(addressOf(name), error, NO_CONNECTION);
    });
    const { facts } = made;
    const object = { Bucket: bucket, Key: prefix + name };
    try {
      return await attempt(context, (abortSignal) => work(made, object, { abortSignal }), {
        service: "aws s3",
        passes,
        throttle,
      });
    } catch (error) {
      if (isNamed(error, ...(verb === "read" ? [...MISSING, ...HIDDEN] : []))) throw error;
      const own = explain(error, bucket, prefix, facts);
      if (own) throw notPublished(addressOf(name), error, own);
      throw prefixed(explained(error, facts), addressOf(name));
    }
  };
  return {
    takes: "file",
    addressOf,
    async read(name): Promise<Standing> {
      try {
        return await call(name, "read", async ({ client, sdk }, object, abort) => {
          const { Body } = await client.send(new sdk.GetObjectCommand(object), abort);
          return Buffer.from(await Body!.transformToByteArray());
        });
      } catch (error) {
        if (isNamed(error, ...MISSING)) return "nothing";
        if (isNamed(error, ...HIDDEN)) return "unreadable";
        throw error;
      }
    },
    async write(name, bytes) {
      await call(name, "write", ({ client, sdk }, object, abort) => {
        const put = { ...object, Body: bytes, ContentType: "application/octet-stream" };
        return client.send(new sdk.PutObjectCommand(put), abort);
      });
    },
  };
}

/** There is no such object. */
const MISSING = ["NoSuchKey", "NotFound"];
/** There may be one, and these credentials may not read it; or it is in an archive. */
const HIDDEN = ["AccessDenied", "Forbidden", "InvalidObjectState"];

function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && !(error instanceof TsopsError) && names.includes(error.name);
}

const NO_CONNECTION: Explanation = { code: "generic", cause: "there is no client for S3", hint: "report it" };

interface Abort {
  readonly abortSignal: AbortSignal;
}

interface Connection {
  readonly client: S3Client;
  readonly sdk: typeof import("./sdk-s3.ts");
  readonly facts: CallFacts;
}

/** One client for all buckets. @throws TsopsError("key-unavailable") before the network is used. */
function connection(context: KeyContext): Promise<Connection> {
  return once(context, "s3 client", async (): Promise<Connection> => {
    const region = await regionFor(context);
    const source = await awsCredentials(context, { region });
    if ("missing" in source) {
      const [first, ...rest] = source.missing;
      throw new TsopsError("key-unavailable", first!, { hint: rest.join("\n") });
    }
    const [sdk, config] = await Promise.all([
      import("./sdk-s3.ts"),
      awsClientConfig(context, "S3", { region }),
    ]);
    const options = { ...config, ...ownOptions(context), credentials: source.provider };
    const client = newAwsClient(() => new sdk.S3Client(options));
    return { client, sdk, facts: { service: "S3", region, endpoint: config.endpoint, source } };
  });
}

/** What the client would otherwise look up in the environment of the process. */
function ownOptions({ env }: KeyContext) {
  const checksums = (name: string) =>
    env[name]?.toUpperCase() === "WHEN_REQUIRED" ? "WHEN_REQUIRED" : "WHEN_SUPPORTED";
  return {
    requestChecksumCalculation: checksums("AWS_REQUEST_CHECKSUM_CALCULATION"),
    responseChecksumValidation: checksums("AWS_RESPONSE_CHECKSUM_VALIDATION"),
    disableS3ExpressSessionAuth: false,
    useArnRegion: false,
    // a bucket is where it is, whatever region the environment names
    followRegionRedirects: true,
  } as const;
}

/** The region of the environment or of its profile; S3 leads on to that of the bucket. */
async function regionFor(context: KeyContext): Promise<string> {
  const { env } = context;
  const named = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (named) return named;
  const { profiles } = await sharedConfig(context);
  return profiles.get(environmentProfile(context) ?? "default")?.get("region") || "us-east-1";
}

function explain(
  error: unknown,
  bucket: string,
  prefix: string,
  { region }: CallFacts,
): Explanation | undefined {
  if (isNamed(error, "NoSuchBucket")) {
    return {
      code: "bad-setting",
      cause: "there is no such bucket",
      hint: `compare its name with \`aws s3 ls\`; tsops does not create buckets`,
    };
  }
  if (isNamed(error, "AccessDenied", "Forbidden")) {
    return {
      code: "access-denied",
      cause: "access denied",
      hint: `allow s3:PutObject on arn:aws:s3:::${bucket}/${prefix}* to these credentials, and the use of the bucket's KMS key if it has one`,
    };
  }
  if (isNamed(error, "InvalidBucketName")) {
    return {
      code: "bad-setting",
      cause: "that is not the name of a bucket",
      hint: "correct s3_bucket in the configuration",
    };
  }
  if (
    isNamed(error, "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
  ) {
    return {
      code: "bad-setting",
      cause: `the bucket is not in ${region}`,
      hint: "name the bucket's region in AWS_REGION",
    };
  }
  return undefined;
}
