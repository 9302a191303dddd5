import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { defineKind } from "../define.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField } from "../fields.ts";
import { KEY_VAULTS } from "./allow.ts";
import { idOf, shownId } from "./identifier.ts";

const TITLE = "Azure Key Vault";
const SERVER = "[A-Za-z0-9.\\[\\]:_-]+";

/** Keys in Azure key vaults and managed HSMs: `https://VAULT/keys/NAME/VERSION` (docs/internals/sops.md §5). */
export const azureKv = defineKind({
  name: "azure_kv",
  title: TITLE,
  uris: [
    {
      scheme: "azurekms://",
      stands: "https://",
      example: "azurekms://team.vault.azure.net/keys/sops/0123456789abcdef0123456789abcdef",
      rest: `${SERVER}/keys/[\\w-]+(/[\\w-]*)?`,
    },
  ],
  sops: {
    field: "azure_kv",
    option: "azure-kv",
    listed: "Azure Key Vault key URLs",
    variable: "SOPS_AZURE_KEYVAULT_URLS",
    rule: "azure_keyvault",
    group: "azure_keyvault",
    groupFields: ["vaultUrl", "key", "version"],
    groupId(text) {
      const [vault, key, version] = [text("vaultUrl").replace(/\/+$/, ""), text("key"), text("version")];
      return vault === "" ? "" : `${vault}/keys/${key}${version === "" ? "" : `/${version}`}`;
    },
    place: { option: 4, rule: 6 },
  },
  wire: {
    name: "azure_keyvault_key",
    number: 4,
    fields: [
      { wire: "vault_url", own: "vault_url" },
      { wire: "name", own: "name" },
      { wire: "version", own: "version" },
    ],
    check({ fields }) {
      if (textField(fields, "version") !== "") return;
      // the answer is the wrapped key only, and without the version nobody could open it after the next rotation
      throw new TsopsError("bad-key", "a key service does not say which version of the key it used", {
        hint: "name the key with its version: https://VAULT/keys/NAME/VERSION",
      });
    },
  },
  examinedFor: () => "",
  names: [KEY_VAULTS],
  secrets: {
    // the last two are those of its managed identities
    prefixes: ["AZURE_", "IDENTITY_HEADER", "MSI_SECRET"],
    words: ["azure"],
    credentials: [
      "AZURE_CLIENT_SECRET",
      "AZURE_CLIENT_CERTIFICATE_PASSWORD",
      "AZURE_PASSWORD",
      "AZURE_STORAGE_KEY",
      "AZURE_STORAGE_CONNECTION_STRING",
      "AZURE_STORAGE_SAS_TOKEN",
      "IDENTITY_HEADER",
      "MSI_SECRET",
    ],
  },

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const [, vault, name, version = ""] =
        /^(https:\/\/[^/]+)\/keys\/([^/]+)(?:\/([^/]*))?$/.exec(part.trim()) ?? [];
      if (vault === undefined || name === undefined) {
        throw new TsopsError("usage", `${printable(part)} is not an Azure Key Vault key`, {
          hint: "write it as https://VAULT.vault.azure.net/keys/NAME/VERSION",
        });
      }
      // Without a version the newest is meant; wrap looks up which one that is.
      const fields = sortedFields([
        ["name", name],
        ["vault_url", vault],
        ["version", version],
      ]);
      return { kind: "azure_kv", id: idOf(fields), fields };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    neededField(fields, "vault_url", TITLE);
    neededField(fields, "name", TITLE);
    return { kind: "azure_kv", id: idOf(fields), fields };
  },

  shownId,

  // whatever its version
  spellings(id) {
    const [vault = id, name = ""] = id.split("/keys/");
    return [shownId(id), `${vault}/keys/${name.split("/")[0]}`];
  },

  /** A key whose version is left open, as configurations may have it, stands for all of its versions. */
  covers({ id }, other) {
    // what has more parts, as `../other/1`, names another key
    return id.endsWith("/") && other.id.startsWith(id) && !other.id.includes("/", id.length);
  },

  holder: ({ id }) => id.slice(0, id.lastIndexOf("/")),

  use: async () => (await import("./use.ts")).azureUse,
});
