import { TsopsError } from "../../errors.ts";
import type { TreeMap } from "../../formats/tree.ts";
import { printable } from "../../printable.ts";
import { textField } from "../fields.ts";
import type { MasterKey } from "../kind.ts";

/** A key in a vault or managed HSM. */
export interface AzureKey {
  /** Scheme, host and port of the vault; also what an allow-list names. */
  readonly vault: string;
  readonly name: string;
  /** Empty: the newest. */
  readonly version: string;
}

/**
 * Where a master key is. Names and versions hold what Azure allows in them, so that none can lead elsewhere in the
 * vault. @throws TsopsError("bad-key") if one is malformed.
 */
export function azureKey(key: MasterKey): AzureKey {
  const [url, name, version] = ["vault_url", "name", "version"].map((field) => textField(key.fields, field));
  if (!/^[0-9a-z-]{1,127}$/i.test(name!)) throw malformed("the name", name!);
  if (!/^[0-9a-z]{0,64}$/i.test(version!)) throw malformed("the version", version!);
  return { vault: vaultOrigin(url!), name: name!, version: version! };
}

function vaultOrigin(text: string): string {
  if (!URL.canParse(text)) throw malformed("the vault's URL", text);
  const url = new URL(text);
  // a user, a path or a query would make the address look like another one than it is
  const plain = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (url.protocol !== "https:" || !plain || url.password !== "") throw malformed("the vault's URL", text);
  return url.origin;
}

function malformed(what: string, text: string): TsopsError {
  return new TsopsError("bad-key", `${what} ${printable(text)} is malformed`, {
    hint: "keys are written as https://VAULT.vault.azure.net/keys/NAME/VERSION",
  });
}

/** The vaults that SOPS_AZURE_KEYVAULT_URLS names. */
export function vaultsOf(list: string | undefined): string[] {
  return (list ?? "").split(",").flatMap((part) => {
    const url = part.trim();
    return URL.canParse(url) ? [new URL(url).origin] : [];
  });
}

/** As SOPS prints it. */
export function idOf(fields: TreeMap): string {
  return `${textField(fields, "vault_url")}/keys/${textField(fields, "name")}/${textField(fields, "version")}`;
}

/** For messages: a version that is left open leaves a slash at the end. */
export function shownId(id: string): string {
  return id.replace(/\/$/, "");
}
