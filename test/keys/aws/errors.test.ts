import { test } from "uvu";
import * as assert from "uvu/assert";
import { explained } from "../../../src/keys/aws/errors.ts";

const FACTS = { service: "KMS", region: "eu-west-1", endpoint: "http://127.0.0.1:1" } as const;

test("what stands before a service answers without the service's codes", () => {
  const told = (httpStatusCode: number): string => {
    const error = Object.assign(new Error("Unknown"), { name: "Unknown", $metadata: { httpStatusCode } });
    return explained(error, FACTS).message;
  };
  assert.match(told(429), /too many requests|throttl/i);
  assert.match(told(307), /redirect \(status 307\), which is not followed/);
});

test.run();
