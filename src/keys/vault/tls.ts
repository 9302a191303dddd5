import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { parseGoBool } from "../../formats/numbers.ts";
import type { TlsOptions } from "../../net/agent.ts";
import { pemIn, unreadable } from "../../net/tls.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/**
 * TLS as the vault program takes it from its environment: VAULT_CACERT, VAULT_CACERT_BYTES, VAULT_CAPATH (the first that is
 * set counts, and replaces the usual authorities), VAULT_CLIENT_CERT with VAULT_CLIENT_KEY, VAULT_TLS_SERVER_NAME,
 * VAULT_SKIP_VERIFY.
 * @throws TsopsError("bad-setting") if a file cannot be read, or a variable has no such value.
 */
export async function tlsOptions(context: KeyContext): Promise<TlsOptions> {
  const { env } = context;
  if (Boolean(env.VAULT_CLIENT_CERT) !== Boolean(env.VAULT_CLIENT_KEY)) {
    throw new TsopsError("bad-setting", "only one of VAULT_CLIENT_CERT and VAULT_CLIENT_KEY is set", {
      hint: "set both, or none",
    });
  }
  const skip = skipsVerification(context);
  if (skip) {
    once(context, "vault warning of VAULT_SKIP_VERIFY", () => {
      context.warn("VAULT_SKIP_VERIFY is set: any server can pass for the Vault server and take the token");
      return true;
    });
  }
  const options: TlsOptions = {
    ca: await authorities(context),
    cert: await pemIn(env, "VAULT_CLIENT_CERT"),
    key: await pemIn(env, "VAULT_CLIENT_KEY"),
    servername: env.VAULT_TLS_SERVER_NAME || undefined,
    rejectUnauthorized: !skip,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function authorities({ env }: KeyContext): Promise<string | Buffer | Buffer[] | undefined> {
  const { VAULT_CACERT, VAULT_CACERT_BYTES, VAULT_CAPATH } = env;
  if (VAULT_CACERT) return pemIn(env, "VAULT_CACERT");
  if (VAULT_CACERT_BYTES) return VAULT_CACERT_BYTES;
  if (!VAULT_CAPATH) return undefined;
  const names = await withRoom(() => readdir(VAULT_CAPATH)).catch((error: unknown) => {
    throw unreadable("folder", VAULT_CAPATH, "VAULT_CAPATH", error);
  });
  const files = names
    .sort()
    .map((name) => withRoom(() => readFile(join(VAULT_CAPATH, name))).catch(() => undefined));
  return (await Promise.all(files)).filter((file) => file?.includes("-----BEGIN CERTIFICATE")) as Buffer[];
}

/** Go's spellings of true and false; anything else is refused, since guessing would be unsafe. */
function skipsVerification({ env: { VAULT_SKIP_VERIFY: value } }: KeyContext): boolean {
  const truth = value ? parseGoBool(value) : false;
  if (truth !== undefined) return truth;
  throw new TsopsError("bad-setting", "VAULT_SKIP_VERIFY is neither true nor false", {
    hint: "unset it: the server's certificate gets checked then",
  });
}
