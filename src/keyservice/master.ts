import { TsopsError } from "../errors.ts";
import type { KeyContext } from "../keys/kind.ts";
import { variableNamed } from "../programs/secret-variables.ts";
import { type MasterSecret, masterSecret } from "./cipher.ts";

/** Less could be guessed; more adds nothing, and a file that was taken for a secret is refused. */
const MIN_BYTES = 32;
const MAX_BYTES = 1024;

/**
 * The master secrets that `--master-secret env://NAME` names, newest first.
 * @throws TsopsError("usage") that names the variable, never its value.
 */
export function masterSecrets(references: readonly string[], env: KeyContext["env"]): MasterSecret[] {
  return references.map((reference) => {
    const name = variableOf(reference);
    const text = variableNamed(env, name)?.trim();
    if (!text) {
      throw new TsopsError("usage", `the variable ${name}, which should hold a master secret, is not set`, {
        hint: "make one with `openssl rand -base64 32`, and keep it where the service gets its secrets from",
      });
    }
    return masterSecret(decode(text, name));
  });
}

/** @throws TsopsError("usage") if a reference is not `env://NAME`. */
export function variableOf(reference: string): string {
  const [, name] = /^env:\/\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(reference) ?? [];
  if (name !== undefined) return name;
  // the text stays out of the message: someone may have put the secret itself there
  throw new TsopsError("usage", "--master-secret does not name a variable", {
    hint: "write it as env://NAME; the secret itself must not be on a command line, where others can see it",
  });
}

function decode(text: string, name: string): Buffer {
  const hex = /^(?:[0-9a-fA-F]{2})+$/.test(text);
  const bytes = Buffer.from(text, hex ? "hex" : "base64");
  const strict = hex || bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, "");
  const weak = bytes.every((byte) => byte === bytes[0]);
  if (strict && !weak && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES) return bytes;
  bytes.fill(0);
  let why = `does not have ${MIN_BYTES} to ${MAX_BYTES} bytes`;
  if (!strict) why = "is neither base64 nor hexadecimal";
  else if (weak) why = "is one byte repeated";
  throw new TsopsError("usage", `the master secret in the variable ${name} ${why}`, {
    hint: "make one with `openssl rand -base64 32`",
  });
}
