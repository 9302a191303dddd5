import { TsopsError } from "../../errors.ts";
import { textField, withFields, withWrapped } from "../fields.ts";
import type { KeyContext, KeyService, MasterKey, Opened } from "../kind.ts";
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
  const wire = toWire(key, context.kinds);
  if (!wire) {
    throw new TsopsError("key-unavailable", "key services do not know this kind of key", {
      hint: "use it on a machine that has its credentials",
    });
  }
  const form = context.kinds.kindOf(key).wire;
  form?.check?.(key);
  const enc = await encryptAt(address, wire, Buffer.from(dataKey), context);
  if (!/^[\x20-\x7e\r\n]+$/.test(enc)) {
    throw new TsopsError("service-failed", "the answer of the key service is not a wrapped key");
  }
  return form?.undated ? withFields(key, { enc }) : withWrapped(key, enc, context);
}

/** Clears the plaintext. */
async function encryptAt(address: ServiceAddress, key: WireKey, plaintext: Buffer, context: KeyContext) {
  try {
    return (await callEncrypt(address, { key, plaintext }, context)).ciphertext.toString("latin1");
  } finally {
    plaintext.fill(0);
  }
}

/** Has the service at an address unwrap. */
export async function unwrapAt(
  address: ServiceAddress,
  key: MasterKey,
  context: KeyContext,
): Promise<Opened> {
  const wire = toWire(key, context.kinds);
  if (!wire) return { why: ["key services do not know this kind of key"] };
  const ciphertext = Buffer.from(textField(key.fields, "enc"));
  const { plaintext } = await callDecrypt(address, { key: wire, ciphertext }, context);
  const part = Buffer.from(plaintext);
  plaintext.fill(0);
  return { key: part };
}
