import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fromJSON } from "@grpc/proto-loader";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DEFINITION, protocolWith } from "../../../src/keys/google/protocol.ts";

/** What is asked of Google over gRPC, beside the definitions that the vendor ships. */

const requireHere = createRequire(import.meta.url);
const requireGax = createRequire(requireHere.resolve("@google-cloud/kms"));

type Part = { readonly [name: string]: unknown };
const child = (part: Part, ...names: readonly string[]): Part =>
  names.reduce((at, name) => (at.nested as Record<string, Part>)[name]!, part);

const kms = requireHere("@google-cloud/kms/build/protos/protos.json") as Part;
const shipped = (name: string): Part => {
  const folder = join(dirname(requireGax.resolve("google-gax")), "..", "protos");
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as Part;
};

/** All of ours is in theirs, with the same types and numbers. */
function assertPartOf(ours: Part, theirs: Part, name: string): void {
  for (const [message, found] of Object.entries(ours.nested as Record<string, Part>)) {
    const where = `${name}.${message}`;
    const vendor = child(theirs, message);
    assert.ok(vendor, where);
    for (const list of ["fields", "methods", "values"]) {
      for (const [key, value] of Object.entries((found[list] ?? {}) as Part)) {
        const other = (vendor[list] as Part)[key];
        if (typeof value !== "object") assert.is(value, other, `${where}.${key}`);
        else {
          const { comment: _, ...facts } = value as Part;
          for (const fact of Object.keys(facts))
            assert.is((other as Part)[fact], facts[fact], `${where}.${key}: ${fact}`);
        }
      }
    }
    if (found.nested) assertPartOf(found, vendor, where);
  }
}

const KMS = ["google", "cloud", "kms", "v1"] as const;

test("the methods and messages are the vendor's", () => {
  assertPartOf(child(DEFINITION, ...KMS), child(kms, ...KMS), "kms");
  assertPartOf(child(DEFINITION, "google", "protobuf"), child(kms, "google", "protobuf"), "protobuf");
  const iam = ["google", "iam", "v1"] as const;
  assertPartOf(child(DEFINITION, ...iam), child(shipped("iam_service.json"), ...iam), "iam");
  const rpc = child(DEFINITION, "google", "rpc");
  assertPartOf(rpc, child(shipped("status.json"), "google", "rpc"), "rpc");
});

test("a state that the vendor adds is noticed here", () => {
  const path = [...KMS, "CryptoKeyVersion", "CryptoKeyVersionState"] as const;
  assert.equal(child(DEFINITION, ...path).values, child(kms, ...path).values);
});

test("the bytes of messages are those that the vendor's definitions make", () => {
  const options = { longs: Number, enums: String, bytes: Buffer, defaults: true } as const;
  const vendor = fromJSON(kms as Parameters<typeof fromJSON>[0], options);
  const theirs = vendor["google.cloud.kms.v1.KeyManagementService"] as unknown as Record<
    string,
    { requestSerialize(message: object): Buffer; responseSerialize(message: object): Buffer }
  >;
  const { methods } = protocolWith(fromJSON);
  // 2^32 - 1: checksums have 32 bits
  const request = { name: "k", plaintext: Buffer.from([1, 2]), plaintextCrc32c: { value: 4294967295 } };
  assert.equal(methods.encrypt.requestSerialize(request), theirs.Encrypt!.requestSerialize(request));
  const answer = { name: "k/1", ciphertext: Buffer.from([3]), ciphertextCrc32c: { value: 4294967295 } };
  const read = methods.encrypt.responseDeserialize(theirs.Encrypt!.responseSerialize(answer));
  assert.equal({ ...read }, { ...answer, verifiedPlaintextCrc32c: false });
  const key = { name: "k", primary: { name: "k/2", state: "DISABLED" }, labels: { a: "b" } };
  const { primary } = methods.getCryptoKey.responseDeserialize(
    theirs.GetCryptoKey!.responseSerialize(key),
  ) as typeof key;
  assert.equal({ ...primary }, key.primary);
});

test("the reason of a failure, and for how long to wait, are found in its details", () => {
  const google = fromJSON(shipped("status.json") as Parameters<typeof fromJSON>[0]) as unknown as Record<
    string,
    { serialize(message: object): Buffer }
  >;
  const type = (name: string) => ({ type_url: `type.googleapis.com/google.rpc.${name}` });
  const info = google["google.rpc.ErrorInfo"]!.serialize({ reason: "SERVICE_DISABLED", domain: "x" });
  const status = (details: object[]) =>
    google["google.rpc.Status"]!.serialize({ code: 7, message: "m", details });
  const { detailsIn } = protocolWith(fromJSON);
  const help = { ...type("Help"), value: Buffer.from([]) };
  const retry = google["google.rpc.RetryInfo"]!.serialize({ retryDelay: { seconds: 3, nanos: 250_000_000 } });
  const reason = { ...type("ErrorInfo"), value: info };
  assert.equal(detailsIn(status([help, reason])), { reason: "SERVICE_DISABLED", afterMs: undefined });
  assert.equal(detailsIn(status([{ ...type("RetryInfo"), value: retry }, reason])), {
    reason: "SERVICE_DISABLED",
    afterMs: 3250,
  });
  assert.equal(detailsIn(status([help])), { reason: undefined, afterMs: undefined });
});

test.run();
