import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { nameOf, SCHEME } from "./env-uri.ts";
import { storeKind } from "./kind.ts";

/** `env://NAME`: master keys in an environment variable. */
export const env = storeKind(
  {
    name: "env",
    title: "environment variable",
    uris: [{ scheme: SCHEME, stands: SCHEME, example: "env://NAME_OF_A_VARIABLE", rest: "[A-Za-z_]\\w*" }],
    variableOf: nameOf,
  },
  { check, load: async () => (await import("./env-store.ts")).envStore },
);

function check(uri: string): void {
  if (/^env:\/\/[A-Za-z_][A-Za-z0-9_]*$/.test(uri)) return;
  throw new TsopsError("usage", `${shortened(uri)} does not name an environment variable`, {
    hint: "write it as env://NAME: letters, digits and underscores, the first one not a digit",
  });
}
