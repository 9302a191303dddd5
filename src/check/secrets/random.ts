/** Whether a text looks as if a machine had made it up. That alone says little: hashes and ids do, too. */
export function looksRandom(text: string): boolean {
  const value = text.trim();
  if (value.length < 16 || value.length > 4096 || /\s/.test(value)) return false;
  if (/^[\da-f-]+$/i.test(value)) return bitsPerCharacter(value) >= 2.8;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(value)).length;
  return kinds >= 2 && /\d/.test(value) && bitsPerCharacter(value) >= 3.5;
}

/** Shannon's entropy of the characters. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
