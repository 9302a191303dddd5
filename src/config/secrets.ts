import type { TsopsError } from "../errors.ts";
import { SECRET_KEY_HINT, SECRET_KEY_WORDS, secretKeysIn } from "../keys/secret.ts";
import type { Config } from "./model.ts";
import { Places } from "./node.ts";
import { configError } from "./problem.ts";

/** An error for each secret key in a configuration, in comments too. */
export function secretErrors(text: string, { path }: Config): TsopsError[] {
  const places = new Places(text, path);
  return secretKeysIn(text).map((offset) =>
    configError(SECRET_KEY_WORDS, places.at(offset), SECRET_KEY_HINT),
  );
}
