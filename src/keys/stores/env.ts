import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { SCHEME } from "./env-uri.ts";
import { storeKind } from "./kind.ts";
import type { StoreAddress } from "./store.ts";

/** `env://NAME`: master keys in an environment variable. */
const address: StoreAddress = {
  name: "env",
  title: "environment variable",
  schemes: [SCHEME],

  check(uri) {
    if (/^env:\/\/[A-Za-z_][A-Za-z0-9_]*$/.test(uri)) return;
    throw new TsopsError("usage", `${shortened(uri)} does not name an environment variable`, {
      hint: "write it as env://NAME: letters, digits and underscores, the first one not a digit",
    });
  },
};

export const env = storeKind(address, async () => (await import("./env-store.ts")).envStore);
