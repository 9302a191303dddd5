import { TsopsError } from "../../errors.ts";
import type { TreeMap } from "../../formats/tree.ts";
import { printable } from "../../printable.ts";
import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, textField } from "../fields.ts";
import { VAULT_SERVERS } from "./allow.ts";
import { uriWithoutUser } from "./shown.ts";

const TITLE = "HashiCorp Vault";
const REST = "[A-Za-z0-9.\\[\\]:_-]+/v1/.+/keys/[^/]+";
const EXAMPLE = "https://vault.example.com:8200/v1/transit/keys/keyName";

/** Keys of HashiCorp Vault's transit engine, by URI (docs/internals/sops.md §5). */
export const hcVault = defineKind({
  name: "hc_vault",
  title: TITLE,
  // a version of the key may be too old
  examinedFor: ({ fields }) => /^vault:v\d+:/.exec(textField(fields, "enc"))?.[0] ?? "",
  uris: [
    {
      scheme: "hashivault://",
      stands: "https://",
      example: "hashivault://vault.example.com:8200/v1/transit/keys/sops",
      rest: REST,
    },
    {
      scheme: "hashivault+http://",
      stands: "http://",
      example: "hashivault+http://127.0.0.1:8200/v1/transit/keys/sops",
      rest: REST,
    },
  ],
  sops: {
    field: "hc_vault",
    always: true,
    option: "hc-vault-transit",
    listed: "Vault transit key URIs",
    variable: "SOPS_VAULT_URIS",
    rule: "hc_vault_transit_uri",
    skipsEmpty: true,
    group: "hc_vault",
    place: { option: 6, rule: 7 },
  },
  wire: {
    name: "vault_key",
    number: 5,
    fields: [
      { wire: "vault_address", own: "vault_address" },
      { wire: "engine_path", own: "engine_path" },
      { wire: "key_name", own: "key_name" },
    ],
  },
  names: [VAULT_SERVERS],
  secrets: {
    prefixes: ["VAULT_", "BAO_"],
    words: ["vault", "bao"],
    credentials: ["VAULT_TOKEN", "VAULT_SECRET_ID", "VAULT_JWT", "BAO_TOKEN"],
  },

  parse(list) {
    const uris = list.split(",").map((part) => part.trim());
    return uris.filter(Boolean).map((uri) => {
      const fields = parseUri(uri);
      return { kind: "hc_vault", id: idOf(fields), fields };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    for (const name of ["vault_address", "engine_path", "key_name"]) neededField(fields, name, TITLE);
    return { kind: "hc_vault", id: idOf(fields), fields };
  },

  shownId: uriWithoutUser,

  use: async () => (await import("./use.ts")).transitUse,
});

/** Address, engine and key from `ADDRESS/v1/ENGINE/keys/NAME`; the engine's path may have several parts. */
function parseUri(uri: string): TreeMap {
  const refuse = (why: string): TsopsError =>
    new TsopsError("usage", `${printable(uri)} is not a HashiCorp Vault key: ${why}`, {
      hint: `write it as ${EXAMPLE}`,
    });
  const [, address, path = ""] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)([^?#]*)$/i.exec(uri) ?? [];
  if (address === undefined) throw refuse("it has no scheme such as https://, or a query");
  if (/\/[^/]+\/v\d+\/[^/]+\/[^/]+\/[^/]+/.test(path))
    throw refuse("Vault under a path of its own is not supported");
  if (!/\/v\d+\/[^/]+\/[^/]+\/[^/]+/.test(path)) throw refuse("its path is not one of a transit key");
  const parts = path.replace(/^\/+|\/+$/g, "").split("/");
  return sortedFields([
    ["engine_path", parts.slice(1, -2).filter(Boolean).join("/")],
    ["key_name", parts.at(-1)],
    ["vault_address", address],
  ]);
}

/** As SOPS prints it. */
function idOf(fields: TreeMap): string {
  const [address, engine, name] = ["vault_address", "engine_path", "key_name"].map((f) =>
    textField(fields, f),
  );
  return `${address}/v1/${engine}/keys/${name}`;
}
