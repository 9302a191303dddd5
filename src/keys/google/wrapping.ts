import { attempt } from "../../net/attempt.ts";
import type { KeyContext } from "../kind.ts";
import { crc32c } from "./crc32c.ts";
import { Garbled, passes, throttle } from "./errors.ts";
import type { KmsService } from "./service.ts";

/** How calls to the service are tried. */
export function calls({ address }: KmsService) {
  return { service: `google kms ${address.host}:${address.port}`, passes, throttle };
}

/** Wraps a data key with the key's primary version. @throws what {@link explained} puts into words. */
export async function encrypt(
  service: KmsService,
  name: string,
  plaintext: Uint8Array,
  context: KeyContext,
): Promise<Buffer> {
  await service.login();
  const request = { name, plaintext, plaintextCrc32c: { value: crc32c(plaintext) } };
  return attempt(
    context,
    async (signal) => {
      const answer = await service.call("encrypt", request, signal);
      const ciphertext = bytesOf(answer.ciphertext);
      const sent = { verified: answer.verifiedPlaintextCrc32c === true };
      checkSums(service, ciphertext, answer.ciphertextCrc32c, sent);
      // Google names the version that it used; other servers may name the key alone
      const used = String(answer.name);
      if (used !== name && !used.startsWith(`${name}/`)) throw new Garbled("another key's answer");
      return ciphertext;
    },
    calls(service),
  );
}

/** Unwraps a data key. The caller clears the buffer. @throws what {@link explained} puts into words. */
export async function decrypt(
  service: KmsService,
  name: string,
  ciphertext: Buffer,
  context: KeyContext,
): Promise<Buffer> {
  await service.login();
  const request = { name, ciphertext, ciphertextCrc32c: { value: crc32c(ciphertext) } };
  return attempt(
    context,
    async (signal) => {
      const answer = await service.call("decrypt", request, signal);
      const plaintext = bytesOf(answer.plaintext);
      try {
        checkSums(service, plaintext, answer.plaintextCrc32c);
        return Buffer.from(plaintext);
      } finally {
        plaintext.fill(0);
      }
    },
    calls(service),
  );
}

/**
 * The checksums of an answer, as https://cloud.google.com/kms/docs/data-integrity-guidelines asks for. Google always
 * sends them; another server, which the environment names, may know nothing of them.
 */
function checkSums(
  { address }: KmsService,
  bytes: Buffer,
  sum: unknown,
  sent: { readonly verified: boolean } = { verified: true },
): void {
  const value = (sum as { value?: unknown } | null | undefined)?.value;
  const silent = value === undefined || value === null;
  if (silent && address.universe === undefined) return;
  if (silent || !sent.verified || Number(value) !== crc32c(bytes)) throw new Garbled("checksums differ");
}

function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new Garbled("bytes are missing");
}
