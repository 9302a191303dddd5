/** The names that PGP keys go by in files: whatever `gpg -r` takes (docs/internals/sops.md §5). */

/** A key or subkey's fingerprint, 40 or 64 hexadecimal digits in capitals. */
type Fingerprint = string;

/** The digits of a fingerprint or key id, without what people put around them; undefined if a name is another one. */
export function digitsOf(name: string): string | undefined {
  const hex = /^(?:0X)?([0-9A-F]+)!?$/.exec(name.replaceAll(" ", "").toUpperCase())?.[1];
  return hex !== undefined && [8, 16, 32, 40, 64].includes(hex.length) ? hex : undefined;
}

/** Whether a name means one of the fingerprints: in full, as a long key id or as a short one. */
export function names(name: string, fingerprints: readonly Fingerprint[]): boolean {
  const digits = digitsOf(name);
  if (digits === undefined) return false;
  // ids are the end of a fingerprint, and of the longer ones since version 5 the beginning
  return fingerprints.some((full) => (full.length === 64 ? full.startsWith(digits) : full.endsWith(digits)));
}

/** The id of the key or subkey with a fingerprint: 16 digits. */
export function keyIdOf(fingerprint: Fingerprint): string {
  return fingerprint.length === 64 ? fingerprint.slice(0, 16) : fingerprint.slice(-16);
}

/** Whether a name is part of one of a key's user ids, as gpg looks for what is no fingerprint. */
export function isUser(name: string, userIds: readonly string[]): boolean {
  if (digitsOf(name) !== undefined || name.trim() === "") return false;
  const bare = (text: string): string => text.replaceAll(" ", "").toLowerCase();
  return userIds.some((id) => bare(id).includes(bare(name)));
}
