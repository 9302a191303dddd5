import { randomBytes } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { inSeconds } from "../../formats/scalar.ts";
import { encodeBech32 } from "./bech32.ts";
import { HybridIdentity } from "./hybrid.ts";
import { X25519Identity } from "./x25519.ts";

export interface NewIdentity {
  /** An identity file as age-keygen writes it. */
  readonly text: string;
  /** Its recipient, `age1…`, which may be given to anybody. */
  readonly recipient: string;
}

/** A new age identity, X25519 or post-quantum (hybrid). `created` goes into the file as a comment. */
export async function generateIdentity(created: Date, postQuantum = false): Promise<NewIdentity> {
  const secret = randomBytes(32);
  const prefix = postQuantum ? "age-secret-key-pq-" : "age-secret-key-";
  const identity = encodeBech32(prefix, secret).toUpperCase();
  secret.fill(0);
  const recipient = await recipientOf(identity);
  return { text: `# created: ${inSeconds(created)}\n# public key: ${recipient}\n${identity}\n`, recipient };
}

/**
 * The recipient that belongs to an identity `AGE-SECRET-KEY-…`.
 * @throws TsopsError("usage") if the identity is malformed or only a plugin understands it.
 */
export async function recipientOf(identity: string): Promise<string> {
  try {
    if (!identity.startsWith("AGE-SECRET-KEY-PQ-1")) return new X25519Identity(identity).recipient;
    new HybridIdentity(identity);
  } catch (cause) {
    const hint =
      "identities begin with AGE-SECRET-KEY-; ask the plugin for the recipient of one with AGE-PLUGIN-";
    throw new TsopsError("usage", "not an age identity whose recipient can be told", { hint, cause });
  }
  const { identityToRecipient } = await import("age-encryption");
  return identityToRecipient(identity);
}
