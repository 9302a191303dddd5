import { TsopsError } from "../../errors.ts";
import type { TreeMap } from "../../formats/tree.ts";
import { printable } from "../../printable.ts";
import { withoutControls } from "../controls.ts";
import { checkCreatedAt, neededField, sortedFields, splitList, textField } from "../fields.ts";
import type { KeyKind } from "../kind.ts";
import { lazily } from "../lazily.ts";

const TITLE = "Azure Key Vault";

/** Keys in Azure key vaults and managed HSMs: `https://VAULT/keys/NAME/VERSION` (SPEC section 5). */
export const azureKv: KeyKind = withoutControls({
  name: "azure_kv",
  field: "azure_kv",
  title: TITLE,

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

  ...lazily(async () => (await import("./use.ts")).azureUse),
});

/** As SOPS prints it. */
export function idOf(fields: TreeMap): string {
  return `${textField(fields, "vault_url")}/keys/${textField(fields, "name")}/${textField(fields, "version")}`;
}
