import { TsopsError } from "../../errors.ts";
import { decodeBech32 } from "./bech32.ts";
import type { AgeFile } from "./file.ts";
import type { AgeIdentity } from "./identity.ts";

/**
 * Post-quantum recipients `age1pq1…`, and the tag recipients `age1tag1…` and `age1tagpq1…`, which can be wrapped for
 * without their plugin. The library does them; it is loaded only here, since that takes long.
 */

const RECIPIENT_BYTES: Readonly<Record<string, number>> = { age1pq: 1216, age1tag: 33, age1tagpq: 1249 };

/** Whether the library has this recipient type. */
export function isHybridRecipient(text: string): boolean {
  return /^age1(pq|tag|tagpq)1/.test(text);
}

/** @throws TsopsError if the recipient is malformed. */
export function checkHybridRecipient(text: string): void {
  const { prefix, bytes } = decodeBech32(text);
  if (RECIPIENT_BYTES[prefix] !== bytes.length) throw new TsopsError("bad-key", "it has the wrong length");
}

/** A whole age file (not armored) for such a recipient. */
export async function encryptHybrid(recipient: string, plaintext: Uint8Array): Promise<Uint8Array> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plaintext);
}

/** An identity `AGE-SECRET-KEY-PQ-1…`. */
export class HybridIdentity implements AgeIdentity {
  readonly needs = "nothing";
  readonly label = "a post-quantum identity";
  readonly #text: string;

  /** @throws TsopsError if the identity is malformed; the message holds nothing of it. */
  constructor(text: string) {
    const { prefix, bytes } = decodeBech32(text);
    const fits = prefix === "age-secret-key-pq-" && bytes.length === 32;
    bytes.fill(0);
    if (!fits) throw new TsopsError("bad-credentials", "it is not a post-quantum identity");
    this.#text = text;
  }

  async recipientOf(): Promise<string> {
    const { identityToRecipient } = await import("age-encryption");
    return await identityToRecipient(this.#text);
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    if (!file.stanzas.some(({ args }) => args[0] === "mlkem768x25519")) return null;
    const { Decrypter } = await import("age-encryption");
    const decrypter = new Decrypter();
    let passedOver = false;
    decrypter.addIdentity(this.#text);
    // The library throws one and the same kind of error for "not mine": a last identity that is asked tells it apart.
    decrypter.addIdentity({
      unwrapFileKey: () => {
        passedOver = true;
        return null;
      },
    });
    try {
      return Buffer.from(await decrypter.decryptHeader(file.header));
    } catch (error) {
      if (passedOver) return null;
      throw new TsopsError("bad-key", "malformed age file: bad mlkem768x25519 stanza", { cause: error });
    }
  }
}
