/** What Go's marshaller escapes, with invalid UTF-8 (lone surrogates here) among it: docs/internals/sops.md §6. */
const ESCAPED = /["\\<>&\u0000-\u001f\u2028\u2029]|\p{Surrogate}/gu;

/** What JSON itself does not allow raw. */
const MUST = /["\\\u0000-\u001f]|\p{Surrogate}/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** Ciphertexts and most other texts: nothing to escape, which is seen faster than it is searched for. */
const AS_IT_IS = /^[\w +,\-./:=[\]]*$/;

/**
 * A string as SOPS writes it into JSON, quotes included: the HTML characters `<`, `>`, `&` and the separators U+2028
 * and U+2029 escaped, `/` and U+007F not, bytes that are not UTF-8 as `\ufffd` (docs/internals/sops.md §6).
 */
export function goJsonString(text: string): string {
  return AS_IT_IS.test(text) ? `"${text}"` : `"${text.replace(ESCAPED, escapeOf)}"`;
}

/** A string with nothing escaped that need not be: how a text that is set comes out as it was given. */
export function jsonString(text: string): string {
  return AS_IT_IS.test(text) ? `"${text}"` : `"${text.replace(MUST, escapeOf)}"`;
}

function escapeOf(char: string): string {
  const short = SHORT.get(char);
  if (short !== undefined) return short;
  const code = char.charCodeAt(0);
  return `\\u${(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code).toString(16).padStart(4, "0")}`;
}
