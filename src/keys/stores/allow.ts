import { hostOf } from "../allow-list.ts";

/** Addresses of Keywhiz servers, `HOST:PORT`. */
export const KEYWHIZ_SERVERS = {
  name: "keywhiz",
  field: "keywhiz",
  what: "the Keywhiz server",
  about: "Addresses of Keywhiz servers.",
  example: "keywhiz.example.com:4444",
  port: 4444,
  named: hostOf,
} as const;
