/** Bytes: a disk image, an archive. */
export const HUGE = 2 ** 26;

export function hugeNote(name: string): string {
  return `${name} is too large to be a file of secrets, and is skipped`;
}
