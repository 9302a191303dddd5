import { variableNamed } from "../../programs/secret-variables.ts";
import { secretVariables } from "../environment.ts";
import { nameOf } from "./env-uri.ts";
import type { Store } from "./store.ts";

/** Environment variables as a store. */
export const envStore: Store = {
  async read(uri, context) {
    secretVariables(context).add(nameOf(uri));
    const value = variableNamed(context.env, nameOf(uri));
    return value ? { text: Buffer.from(value) } : null;
  },

  whyNot(uri, { env }) {
    const state = variableNamed(env, nameOf(uri)) === undefined ? "not set" : "empty";
    return [
      `the variable ${nameOf(uri)} is ${state}`,
      "set it to a master key; `tsops keygen --master` makes a new one",
    ];
  },

  describe: (uri) => [`the variable ${nameOf(uri)} is set`],
};
