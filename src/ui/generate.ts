import { generateKeyPairSync, randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Alphabet, Recipe } from "./state/recipe.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Without quotes, backslashes and the like, which shells and formats would take for something else. */
const ALPHABETS: Record<Alphabet, string> = { letters: LETTERS, all: `${LETTERS}!#%*+,-./:;=?@^_~` };

/** A new secret, of Node's own randomness for keys. */
export async function generate(recipe: Recipe): Promise<string> {
  switch (recipe.kind) {
    case "password":
      return pick(recipe.length, ALPHABETS[recipe.alphabet]).join("");
    case "words": {
      const { wordlist } = await import("@scure/bip39/wordlists/english.js");
      return pick(recipe.length, wordlist).join("-");
    }
    case "hex":
      return randomBytes(recipe.length).toString("hex");
    case "base64":
      return randomBytes(recipe.length).toString("base64");
    case "uuid":
      return randomUUID();
    case "age": {
      const { generateIdentity } = await import("../keys/age/keygen.ts");
      return (await generateIdentity(new Date())).text.trimEnd();
    }
    case "ssh":
      return await sshKey();
  }
}

/** Each as likely as the others: `randomInt` leaves none of them out. */
function pick(length: number, of: string | readonly string[]): string[] {
  return Array.from({ length }, () => of[randomInt(of.length)]!);
}

async function sshKey(): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { default: sshpk } = await import("sshpk");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  return sshpk.parsePrivateKey(pem, "pkcs8").toString("ssh");
}
