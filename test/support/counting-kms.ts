import { type Answer, type Asked, type Double, double } from "../keys/aws/double.ts";

/** An AWS KMS in this process whose calls are counted. */

export const ARN = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
export const OTHER_ARN = "arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555";

export async function countingKms(): Promise<Double> {
  return await double(answerOf);
}

function answerOf({ action, body }: Asked): Answer {
  const { KeyId, Plaintext = "", CiphertextBlob = "" } = JSON.parse(body) as Record<string, string>;
  // what is wrapped differs each time, as with a real one
  if (action.endsWith(".Encrypt")) {
    const wrapped = JSON.stringify({ KeyId, Plaintext, salt: Math.random() });
    return { body: { KeyId, CiphertextBlob: Buffer.from(wrapped).toString("base64") } };
  }
  const wrapped = JSON.parse(Buffer.from(CiphertextBlob, "base64").toString()) as Record<string, string>;
  return { body: { KeyId: wrapped.KeyId, Plaintext: wrapped.Plaintext } };
}

/** How often each action was asked for since the last time. */
export function counting({ asked }: Double): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action } of asked.splice(0)) {
    const name = action.replace(/^.*\./, "");
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

export function awsEnvironment({ url }: Double): Record<string, string> {
  return { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: "AKIATEST", AWS_SECRET_ACCESS_KEY: "secret" };
}
