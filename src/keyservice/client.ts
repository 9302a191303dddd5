import { TsopsError } from "../errors.ts";
import { textField, withFields, withWrapped } from "../keys/fields.ts";
import type { KeyService } from "../keys/groups.ts";
import type { KeyContext, MasterKey } from "../keys/kind.ts";
import { parseServiceUri, type ServiceAddress } from "./address.ts";
import { callDecrypt, callEncrypt } from "./channel.ts";
import type { WireKey } from "./protocol.ts";
import { toWire } from "./wire.ts";

/**
 * The key services at these addresses, which are SOPS's or `tsops keyservice`. None is connected to before it is asked.
 * @throws TsopsError("usage") if one of the addresses is malformed.
 */
export function keyServices(uris: readonly string[], context: KeyContext): KeyService[] {
  return uris.map(parseServiceUri).map((address) => ({
    name: address.name,
    wrap: (key, dataKey) => wrapAt(address, key, dataKey, context),
    unwrap: (key) => unwrapAt(address, key, context),
  }));
}

/** Has the service at an address wrap. The key gets the fields that it would have got on this machine. */
export async function wrapAt(
  address: ServiceAddress,
  key: MasterKey,
  dataKey: Uint8Array,
  context: KeyContext,
): Promise<MasterKey> {
  const wire = toWire(key);
  if (!wire) {
    throw new TsopsError("generic", "key services do not know this kind of key", {
      hint: "use it on a machine that has its credentials",
    });
  }
  if (key.kind === "azure_kv" && textField(key.fields, "version") === "") {
    // the answer is the wrapped key only, and without the version nobody could open it after the next rotation
    throw new TsopsError("generic", "a key service does not say which version of the key it used", {
      hint: "name the key with its version: https://VAULT/keys/NAME/VERSION",
    });
  }
  const enc = await encryptAt(address, wire, Buffer.from(dataKey), context);
  if (!/^[\x20-\x7e\r\n]+$/.test(enc)) {
    throw new TsopsError("generic", "the answer of the key service is not a wrapped key");
  }
  return key.kind === "age" ? withFields(key, { enc }) : withWrapped(key, enc, context);
}

/** Clears the plaintext. */
async function encryptAt(address: ServiceAddress, key: WireKey, plaintext: Buffer, context: KeyContext) {
  try {
    return (await callEncrypt(address, { key, plaintext }, context)).ciphertext.toString("latin1");
  } finally {
    plaintext.fill(0);
  }
}

/** Has the service at an address unwrap; null if it cannot know the kind. */
export async function unwrapAt(
  address: ServiceAddress,
  key: MasterKey,
  context: KeyContext,
): Promise<Buffer | null> {
  const wire = toWire(key);
  if (!wire) return null;
  const ciphertext = Buffer.from(textField(key.fields, "enc"));
  const { plaintext } = await callDecrypt(address, { key: wire, ciphertext }, context);
  const part = Buffer.from(plaintext);
  plaintext.fill(0);
  return part;
}
