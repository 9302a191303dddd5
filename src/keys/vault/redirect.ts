import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";
import { isVaultAllowed, shownAddress } from "./address.ts";
import type { Transport } from "./transport.ts";

/** Follows one redirect, as a standby server gives to the active one; with the token only to servers that are vouched for. */
export function withRedirect(context: KeyContext, { origin }: URL, transport: Transport): Transport {
  return async (exchange) => {
    const answer = await transport(exchange);
    if (![301, 302, 307, 308].includes(answer.status)) return answer;
    const { location = "" } = answer.headers;
    const target = URL.canParse(location, exchange.url.href) ? new URL(location, exchange.url) : undefined;
    if (!target) throw misled(origin, "nowhere");
    if (target.origin !== origin && !(await isVouchedFor(context, target, exchange.url))) {
      throw misled(origin, shownAddress(new URL(target.origin)));
    }
    const next = await transport({ ...exchange, url: target });
    if (next.status >= 300 && next.status < 400) throw misled(origin, "one that redirects again");
    return next;
  };
}

async function isVouchedFor(context: KeyContext, target: URL, from: URL): Promise<boolean> {
  if (target.protocol !== "https:" && target.protocol !== from.protocol) return false;
  return /^https?:$/.test(target.protocol) && isVaultAllowed(context, target.origin);
}

function misled(from: string, to: string): TsopsError {
  return new TsopsError(
    "service-failed",
    `the Vault server ${from} redirects to ${to}, which got no credentials`,
    {
      hint: "if you know that server, use its address, or put it into allow.vault of your own configuration or into TSOPS_ALLOW",
    },
  );
}
