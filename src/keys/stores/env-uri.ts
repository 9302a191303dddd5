/** `env://NAME`: master keys in an environment variable. */
export const SCHEME = "env://";

/** The variable's name. */
export function nameOf(uri: string): string {
  return uri.slice(SCHEME.length);
}
