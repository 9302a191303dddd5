import { X509Certificate } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { pemIn } from "../../net/tls.ts";
import type { KeyContext } from "../kind.ts";

/** What a client shows to a Keywhiz server, and whom it trusts; PEM. */
export interface KeywhizCredentials {
  readonly cert: Buffer;
  /** Cleared by who loaded it. */
  readonly key: Buffer;
  /** Authorities of the server's certificate; undefined: those that come with Node. */
  readonly ca: Buffer | undefined;
}

/**
 * The files that KEYWHIZ_CLIENT_CERT, KEYWHIZ_CLIENT_KEY and KEYWHIZ_CA name.
 * @throws TsopsError("bad-credentials") if one cannot be read or is no PEM, or the certificate is not valid now.
 */
export async function loadCredentials(context: KeyContext): Promise<KeywhizCredentials> {
  const load = (variable: string) => pemIn(context.env, variable);
  // the store is not ready without these two (keywhiz-store.ts)
  const cert = (await load("KEYWHIZ_CLIENT_CERT"))!;
  checkDates(cert, context.now());
  return { cert, ca: await load("KEYWHIZ_CA"), key: (await load("KEYWHIZ_CLIENT_KEY"))! };
}

function checkDates(pem: Buffer, now: Date): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new TsopsError(
      "bad-credentials",
      "the file that KEYWHIZ_CLIENT_CERT names is not a certificate in PEM",
      {
        hint: "it begins with -----BEGIN CERTIFICATE-----",
        cause,
      },
    );
  }
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (now >= from && now <= to) return;
  const when = now > to ? `has expired (${to.toISOString()})` : `is not valid before ${from.toISOString()}`;
  throw new TsopsError("bad-credentials", `the Keywhiz client certificate ${when}`, {
    hint: "get a new certificate for the client, or set this machine's clock",
  });
}
