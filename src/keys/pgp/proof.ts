/** What gpg says on its status output (doc/DETAILS of GnuPG): whether a key opened what it printed, and which one. */

/** The key or subkey that opened a message. */
export type Opener =
  | { readonly fingerprint: string; readonly primary: string }
  /** Where gpg is too old to say it: the only key that the message was for. */
  | { readonly keyId: string };

export type Proof = { readonly opener: Opener } | { readonly missing: string };

/**
 * Reads gpg's status output. What was printed counts only if all of it came out of one encrypted packet, whose
 * integrity was checked, and whose key came from a public-key packet.
 */
export function proofOf(status: string): Proof {
  const lines = status.split(/\r?\n/).flatMap((line) => {
    const [, word, rest = ""] = /^\[GNUPG:\] (\S+) ?(.*)$/.exec(line) ?? [];
    return word === undefined ? [] : [{ word, rest }];
  });
  const all = (word: string): string[] => lines.filter((line) => line.word === word).map(({ rest }) => rest);
  const place = (word: string): number => lines.findIndex((line) => line.word === word);
  const once = (word: string): boolean => all(word).length === 1;
  if (all("PLAINTEXT").length > 0 && all("BEGIN_DECRYPTION").length === 0) {
    return { missing: "it is not encrypted at all" };
  }
  const parts = ["BEGIN_DECRYPTION", "PLAINTEXT", "DECRYPTION_OKAY", "END_DECRYPTION"];
  const inOrder = parts.every((word, i) => once(word) && (i === 0 || place(parts[i - 1]!) < place(word)));
  if (!inOrder) return { missing: "gpg does not say that all of it was decrypted" };
  if (!once("GOODMDC")) return { missing: "gpg does not say that it is unchanged" };
  if (all("NEED_PASSPHRASE_SYM").length > 0) return { missing: "a password opened it, not a key" };
  return openerOf(all("DECRYPTION_KEY"), all("ENC_TO"));
}

function openerOf(keys: readonly string[], recipients: readonly string[]): Proof {
  const [, fingerprint, primary] = /^([0-9A-F]{32,64}) ([0-9A-F]{32,64})\b/.exec(keys[0] ?? "") ?? [];
  if (keys.length === 1 && fingerprint && primary) return { opener: { fingerprint, primary } };
  const [keyId = ""] = recipients[0]?.split(" ") ?? [];
  if (keys.length === 0 && recipients.length === 1 && /^(?!0{16})[0-9A-F]{16}$/.test(keyId)) {
    return { opener: { keyId } };
  }
  return { missing: "gpg does not say which key opened it: a newer GnuPG does" };
}
