import { TsopsError } from "../errors.ts";

/**
 * What opens files and must not stand where recipients are named: age identities (those of plugins are meant to be kept,
 * too), and private keys in PEM or PGP's armor.
 */
const SECRET_KEY =
  /AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9+._-]+-1|-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/i;

export function holdsSecretKey(text: string): boolean {
  return SECRET_KEY.test(text);
}

/** Where secret keys begin in a text. */
export function secretKeysIn(text: string): number[] {
  return [...text.matchAll(new RegExp(SECRET_KEY, "gi"))].map(({ index }) => index);
}

export const SECRET_KEY_WORDS = "this is a secret key, which opens files: it is not for this place";
export const SECRET_KEY_HINT =
  "take it out, and write the public key that belongs to it (age-keygen -y shows that of an identity);\n" +
  "if others could read it here, in git's history for instance, it is known: make a new one";

/** @throws TsopsError("usage") if keys to encrypt for hold a secret key; its text stays out of the message. */
export function refuseSecretKey(list: string): void {
  if (holdsSecretKey(list)) throw new TsopsError("usage", SECRET_KEY_WORDS, { hint: SECRET_KEY_HINT });
}

/** A text of unknown origin without the secret keys that people paste where recipients are due. */
export function withoutIdentities(text: string): string {
  return text
    .replace(/AGE-(?:SECRET-KEY|PLUGIN)-[^\s:;,]+/gi, "(an identity)")
    .replace(/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY.*/gis, "(a secret key)");
}
