import type { KeyObject } from "node:crypto";
import { encodeBech32 } from "./bech32.ts";
import type { AgeFile } from "./file.ts";
import type { AgeIdentity } from "./identity.ts";
import { montgomeryPoint, type SshPublicKey } from "./ssh-key.ts";
import { X25519Identity } from "./x25519.ts";

/**
 * Recipients that ssh-to-age makes of SSH keys, as sops-nix has them: `age1…` of the X25519 key that an Ed25519 key stands
 * for. SOPS opens such files only with the identity that `ssh-to-age -private-key` prints; here the SSH key itself will do.
 */

/** Undefined for keys that ssh-to-age does not take. */
export async function derivedRecipient(key: SshPublicKey): Promise<string | undefined> {
  return key.type === "ssh-ed25519" ? encodeBech32("age", await montgomeryPoint(key)) : undefined;
}

/** The SSH key as the identity of that recipient. `secret` may ask for the passphrase. */
export class DerivedIdentity implements AgeIdentity {
  readonly needs: AgeIdentity["needs"];
  readonly label: string;
  readonly recipient: string;
  readonly #secret: () => Promise<KeyObject>;

  constructor(recipient: string, from: AgeIdentity, secret: () => Promise<KeyObject>) {
    this.recipient = recipient;
    this.needs = from.needs;
    this.label = from.label;
    this.#secret = secret;
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    return new X25519Identity(await this.#secret()).unwrap(file);
  }
}
