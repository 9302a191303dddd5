import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, type Asked, type Double, double, refusal } from "./aws.ts";

/** An AWS KMS in this process whose calls are counted. */

export const ARN = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
export const OTHER_ARN = "arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555";

export async function countingKms(): Promise<Double> {
  return await double(answerOf);
}

export function answerOf({ action, body }: Asked): Answer {
  const { KeyId, Plaintext = "", CiphertextBlob = "" } = JSON.parse(body) as Record<string, string>;
  // what is wrapped differs each time, as with a real one
  if (action.endsWith(".Encrypt")) {
    const wrapped = JSON.stringify({ KeyId, Plaintext, salt: Math.random() });
    return { body: { KeyId, CiphertextBlob: Buffer.from(wrapped).toString("base64") } };
  }
  const text = Buffer.from(CiphertextBlob, "base64").toString();
  if (!text.startsWith("{")) return refusal("InvalidCiphertextException");
  const wrapped = JSON.parse(text) as Record<string, string>;
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

export function awsEnvironment({ url }: Pick<Double, "url">): Record<string, string> {
  return { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: "AKIATEST", AWS_SECRET_ACCESS_KEY: "secret" };
}

/** A KMS that answers only when `many` calls wait for an answer: whoever has fewer at once waits for ever. */
export async function waitingKms(
  many: number,
): Promise<{ url: string; most: () => number; waits: () => number; close: () => void }> {
  let waiting: (() => void)[] = [];
  let most = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const action = String(request.headers["x-amz-target"]);
      const { body: answer } = answerOf({ method: "", path: "", headers: {}, body, action });
      waiting.push(() => response.end(JSON.stringify(answer)));
      most = Math.max(most, waiting.length);
      if (waiting.length < many) return;
      // one more than expected would come meanwhile
      const ready = waiting;
      waiting = [];
      setTimeout(() => {
        most = Math.max(most, ready.length + waiting.length);
        for (const send of ready) send();
      }, 50);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    most: () => most,
    waits: () => waiting.length,
    close,
  };
}
