/**
 * Standard base64 with its padding, or base64url without (RFC 4648 sections 4 and 5), in its canonical form; undefined
 * for anything else, which Node would accept.
 */
export function strictBase64(text: string, encoding: "base64" | "base64url" = "base64"): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  if (bytes.toString(encoding) === text) return bytes;
  bytes.fill(0);
  return undefined;
}
