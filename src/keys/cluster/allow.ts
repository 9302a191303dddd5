import { hostOf } from "../allow-list.ts";

/** Addresses of cluster key services, `HOST:PORT`. */
export const CLUSTERS = {
  name: "cluster",
  field: "cluster",
  what: "the key service",
  about: "Addresses of cluster key services.",
  example: "keys.example.com:5000",
  named: hostOf,
} as const;
