import type { TsopsError } from "../errors.ts";
import { SECRET_KEY_HINT, SECRET_KEY_WORDS, secretKeysIn } from "../keys/secret.ts";
import type { Config } from "./model.ts";
import { Places } from "./node.ts";
import { configError } from "./problem.ts";

/** An error for each secret key in a configuration, in comments too, but for those that are errors already. */
export function secretErrors(text: string, { path, errors }: Config): TsopsError[] {
  const places = new Places(text, path);
  const said = new Set(
    errors.flatMap(({ message, place }) => (message.includes(SECRET_KEY_WORDS) ? [place?.line] : [])),
  );
  return secretKeysIn(text)
    .map((offset) => places.at(offset))
    .filter(({ line }) => !said.has(line))
    .map((place) => configError(SECRET_KEY_WORDS, place, SECRET_KEY_HINT));
}
