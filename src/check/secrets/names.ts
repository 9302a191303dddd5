/** Which names of keys are those of secrets. */

import type { Entry } from "../../formats/format.ts";

/** A name and what it stands for. */
export interface Named {
  readonly key: string;
  readonly value: string | number | bigint;
  readonly start: number;
  readonly end: number;
  readonly entry?: Entry;
}

export interface SecretName {
  /** Words that are also the names of much else: only a value that looks random counts. */
  readonly randomOnly: boolean;
  /** A number can be its value: a password may be one, and a token's number is hardly the token. */
  readonly number: boolean;
}

const PASSWORDS = [
  "password",
  "passwords",
  "passwd",
  "passphrase",
  "passcode",
  "pwd",
  "pw",
  "pass",
  "passwort",
];
const OTHERS = [
  ...["secret", "token", "tokens", "credential", "credentials", "apikey", "apikeys", "apitoken", "authtoken"],
  ...["secretkey", "privatekey", "accesskey", "dockerconfigjson", "connectionstring"],
];
const OF_KEYS = [
  ...[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "decryption",
    "auth",
    "master",
    "account",
  ],
  ...["storage", "shared", "deploy", "license", "hmac", "session", "service", "webhook", "admin"],
];
const RANDOM_ONLY = [
  "auth",
  "authorization",
  "bearer",
  "cookie",
  "salt",
  "seed",
  "mnemonic",
  "hmac",
  "otp",
  "secrets",
];

/** What may stand behind such a word without making the name that of something else. */
const TAILS = new Set([
  ...[
    "value",
    "values",
    "text",
    "plain",
    "plaintext",
    "unencrypted",
    "base64",
    "b64",
    "hex",
    "raw",
    "string",
  ],
  ...["old", "new", "current", "previous", "next", "primary", "secondary", "main", "backup", "default"],
  ...[
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "testing",
    "stage",
    "staging",
    "live",
    "local",
    "ci",
  ],
  ...["admin", "root", "user", "master", "db", "database", "v1", "v2", "v3"],
]);

/** Whether a name is that of a secret: `DB_PASSWORD`, `apiKey`, but not `token_url` or `passwordLength`. */
export function secretName(name: string): SecretName | undefined {
  const words = wordsOf(name);
  if (/(?:^| )connection string$/.test(words.join(" "))) return { randomOnly: false, number: false };
  while (words.length > 1 && (TAILS.has(words.at(-1)!) || /^\d+$/.test(words.at(-1)!))) words.pop();
  const last = words.at(-1) ?? "";
  if (PASSWORDS.includes(last)) return { randomOnly: false, number: true };
  const ofKey = /^keys?$/.test(last) && OF_KEYS.includes(words.at(-2) ?? "");
  if (ofKey || OTHERS.includes(last)) return { randomOnly: false, number: false };
  return RANDOM_ONLY.includes(last) ? { randomOnly: true, number: false } : undefined;
}

/** The words of a name, whether it is written as camelCase, snake_case or kebab-case. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}
