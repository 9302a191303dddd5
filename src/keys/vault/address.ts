import { TsopsError } from "../../errors.ts";
import { isLoopback } from "../../net/loopback.ts";
import { printable } from "../../printable.ts";
import { checkAllowed, isAllowed } from "../allow.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { VAULT_SERVERS } from "./allow.ts";

const ALLOWLIST = "SOPS_HC_VAULT_ALLOWLIST";

/** @throws TsopsError("bad-key") if it is not the address of a server. */
export function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return url;
  throw new TsopsError("bad-key", `${printable(address)} is not the address of a Vault server`, {
    hint: "write it as https://vault.example.com:8200",
  });
}

/** An address for messages: a user name and password in it are left out. */
export function shownAddress(url: URL): string {
  return printable(withoutUser(url));
}

/**
 * Refuses addresses that nothing vouches for (docs/security.md). `SOPS_HC_VAULT_ALLOWLIST` means what it means to SOPS:
 * what it does not name is refused, whoever else vouches for it; what it names is vouched for.
 * @throws TsopsError("not-allowed" | "config")
 */
export async function checkVaultAllowed(context: KeyContext, address: string): Promise<void> {
  const listed = listedInVariable(context, address);
  if (listed === true) return;
  if (listed === undefined) {
    return checkAllowed(context, VAULT_SERVERS, withoutUser(parseAddress(address)), [context.env.VAULT_ADDR]);
  }
  const shown = shownAddress(parseAddress(address));
  throw new TsopsError("not-allowed", `${ALLOWLIST} does not have the Vault server ${shown}`, {
    hint: `if you know it, add it to that variable; commas separate the addresses`,
  });
}

/** The same as a question, for addresses that a server names in a redirect. */
export async function isVaultAllowed(context: KeyContext, address: string): Promise<boolean> {
  const listed = listedInVariable(context, address);
  return (
    listed ??
    (await isAllowed(context, VAULT_SERVERS, withoutUser(parseAddress(address)), [context.env.VAULT_ADDR]))
  );
}

/** Says once a run what makes the connection unsafe. */
export function warnOfConnection(context: KeyContext, url: URL): void {
  const shown = shownAddress(url);
  if (url.protocol === "https:" || isLoopback(url.hostname)) return;
  once(context, `vault warning ${shown}`, () => {
    context.warn(
      `the connection to the Vault server ${shown} is not encrypted: anybody on the way can read the token and the data key`,
    );
    return true;
  });
}

/** Whether the allow-list of SOPS has it; undefined without such a list. SOPS compares beginnings of texts. */
function listedInVariable({ env }: KeyContext, address: string): boolean | undefined {
  const list = env[ALLOWLIST];
  if (!list) return undefined;
  if (list === "all") return true;
  if (list === "none") return false;
  const entries = list.split(",").map((entry) => entry.trim());
  if (entries.includes("")) {
    throw new TsopsError("config", `an entry of ${ALLOWLIST} is empty`, {
      hint: "commas separate the addresses: look for one too many",
    });
  }
  const withSlash = (text: string): string => (text.endsWith("/") ? text : `${text}/`);
  return entries.some((entry) => withSlash(address).startsWith(withSlash(entry)));
}

function withoutUser({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}
