/** PGP messages, put together packet by packet: what no program would write as well. */

export function armored(...packets: readonly Buffer[]): string {
  const base64 = Buffer.concat(packets).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PGP MESSAGE-----", "", ...lines, "-----END PGP MESSAGE-----"].join("\n");
}

/** A packet in the new form, with a body of at most 191 bytes. */
export function packet(tag: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag, body.length), body]);
}

/** A session key, encrypted to the key with this id: the form of one, at least. */
export function toKey(keyId: string): Buffer {
  return packet(1, Buffer.concat([Buffer.of(3), Buffer.from(keyId, "hex"), Buffer.alloc(20, 1)]));
}

export const SEALED = packet(18, Buffer.alloc(60, 1));

/** A literal packet, in which the data key stands in the clear. */
export function literal(data: Uint8Array): Buffer {
  return packet(11, Buffer.concat([Buffer.from("b\0"), Buffer.alloc(4), data]));
}

/** What gpg says on its status output when a key has opened a message. */
export function openedBy(fingerprint: string, primary = fingerprint): string[] {
  return [
    `ENC_TO ${fingerprint.slice(-16)} 1 0`,
    `KEY_CONSIDERED ${primary} 0`,
    `DECRYPTION_KEY ${fingerprint} ${primary} u`,
    "BEGIN_DECRYPTION",
    "DECRYPTION_INFO 2 9 0",
    "PLAINTEXT 62 0 ",
    "PLAINTEXT_LENGTH 32",
    "DECRYPTION_OKAY",
    "GOODMDC",
    "END_DECRYPTION",
  ].map((line) => `[GNUPG:] ${line}`);
}
