import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";
import { Login } from "../login.ts";
import { prefixed } from "../reasons.ts";
import type { Send } from "./api.ts";
import type { LoginCredentials } from "./credentials.ts";
import { VaultError } from "./errors.ts";
import { troubleOf } from "./explain.ts";

/** Gives the token of a login, and logs in again when that is about to expire: an edit session may take hours. */
export function loggedIn(
  context: KeyContext,
  sender: (own: KeyContext) => Send,
  address: string,
  credentials: LoginCredentials,
): () => Promise<string> {
  const login = new Login(context, (own) => logIn(own, sender(own), address, credentials), {
    now: () => context.now().getTime(),
    until: ({ expires }) => expires,
  });
  return async () => (await login.get()).token;
}

async function logIn(
  context: KeyContext,
  send: Send,
  address: string,
  { mount, body, source }: LoginCredentials,
): Promise<{ token: string; expires: number }> {
  const answer = await send("", "POST", `auth/${mount}/login`, { body }).catch((error: unknown) => {
    if (!(error instanceof VaultError)) throw prefixed(error, `${source} at ${address} failed`);
    const trouble = troubleOf(error, address);
    if (trouble) {
      const { code, why, hint } = trouble;
      throw new TsopsError(code, `${source} failed: ${why}`, { hint, cause: error });
    }
    throw new TsopsError("bad-credentials", `${source} at ${address} failed: ${error.message}`, {
      hint: `check the role, that the login is enabled at auth/${mount}, and VAULT_NAMESPACE`,
      cause: error,
    });
  });
  const { client_token: token, lease_duration: seconds } = answer?.auth ?? {};
  if (typeof token !== "string" || token === "") {
    throw new TsopsError("bad-credentials", `${source} at ${address} gave no token`, {
      hint: "logins that need a second factor cannot be used here",
    });
  }
  // a lease of 0 has no end
  const lifetime = typeof seconds === "number" && seconds > 0 ? seconds * 900 : Number.POSITIVE_INFINITY;
  return { token, expires: context.now().getTime() + lifetime };
}
