import { KEYWHIZ_SERVERS } from "./allow.ts";
import { parseKeywhiz } from "./keywhiz-address.ts";
import { storeKind } from "./kind.ts";

/** `keywhiz://HOST[:PORT]/SECRET`: master keys in a secret of a Keywhiz server, which knows its clients by certificate. */
export const keywhiz = storeKind(
  {
    name: "keywhiz",
    title: "Keywhiz",
    uris: [
      {
        scheme: "keywhiz://",
        stands: "keywhiz://",
        example: "keywhiz://keywhiz.example.com:4444/sops-master",
        rest: "[A-Za-z0-9.\\[\\]:_-]+/.+",
      },
    ],
    names: [KEYWHIZ_SERVERS],
    secrets: { prefixes: ["KEYWHIZ_"], words: ["keywhiz"], places: ["KEYWHIZ_CLIENT_KEY"] },
  },
  { check: parseKeywhiz, load: async () => (await import("./keywhiz-store.ts")).keywhizStore },
);
