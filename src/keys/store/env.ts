import { TsopsError } from "../../errors.ts";
import { shortened } from "../printable.ts";
import { storeKind } from "./kind.ts";
import type { Store } from "./store.ts";

const SCHEME = "env://";

/** `env://NAME`: master keys in an environment variable. */
const store: Store = {
  name: "env",
  title: "environment variable",
  schemes: [SCHEME],

  check(uri) {
    if (/^env:\/\/[A-Za-z_][A-Za-z0-9_]*$/.test(uri)) return;
    throw new TsopsError("usage", `${shortened(uri)} does not name an environment variable`, {
      hint: "write it as env://NAME: letters, digits and underscores, the first one not a digit",
    });
  },

  async read(uri, { env }) {
    const value = env[nameOf(uri)];
    return value ? { text: Buffer.from(value) } : null;
  },

  whyNot(uri, { env }) {
    const state = env[nameOf(uri)] === undefined ? "not set" : "empty";
    return [
      `the variable ${nameOf(uri)} is ${state}`,
      "set it to a master key; `tsops keygen --master` makes a new one",
    ];
  },

  describe: (uri) => [`the variable ${nameOf(uri)} is set`],
};

function nameOf(uri: string): string {
  return uri.slice(SCHEME.length);
}

export const env = storeKind(store);
