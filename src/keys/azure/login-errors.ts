import { TsopsError } from "../../errors.ts";
import { prefixed } from "../reasons.ts";
import { type Sentences, unreachable } from "./errors.ts";
import type { AzureSource } from "./sources.ts";
import { LoginBusy } from "./watched.ts";

/** What Microsoft Entra ID's codes mean (learn.microsoft.com/entra/identity-platform/reference-error-codes). */
const CODES: Readonly<Record<string, Sentences>> = {
  "7000215": [
    "bad-credentials",
    "the client secret is wrong",
    "AZURE_CLIENT_SECRET needs the secret's value, not its id; make a new one with `az ad app credential reset`",
  ],
  "7000222": [
    "bad-credentials",
    "the client secret has expired",
    "make a new one with `az ad app credential reset`",
  ],
  "700027": [
    "bad-credentials",
    "the certificate is not one of the application's, or has expired",
    "add the certificate to the application (`az ad app credential reset --cert`)",
  ],
  "700016": [
    "bad-setting",
    "the tenant has no such application",
    "compare AZURE_CLIENT_ID and AZURE_TENANT_ID with the application's registration",
  ],
  "90002": [
    "bad-setting",
    "there is no such tenant",
    "compare AZURE_TENANT_ID; another cloud needs AZURE_AUTHORITY_HOST",
  ],
  "700024": [
    "bad-credentials",
    "the federated token has expired",
    "run it again, soon after the job or pod got its token",
  ],
  "70021": [
    "bad-credentials",
    "the application trusts no token like this one",
    "compare issuer, subject and audience of its federated credential with the token's",
  ],
  "50173": ["bad-credentials", "the login has been revoked", "log in again"],
  "700082": ["bad-credentials", "the login has expired", "log in again"],
  "50076": ["bad-credentials", "a second factor is needed", "log in again, on a terminal"],
  "53003": ["access-denied", "a conditional access policy forbids it", "ask who runs the tenant"],
  "7000112": ["access-denied", "the application is disabled", "ask who runs the tenant"],
};

/** Codes that say the same as another one. */
const SAME: Readonly<Record<string, string>> = { "700211": "70021", "700213": "70021", "50079": "50076" };

/** Why a source gave no token, although it is there. The services' own words stay out: they may quote anything. */
export function loginFailed(source: AzureSource, error: unknown): unknown {
  const what = `no token by ${source.where}`;
  if (error instanceof TsopsError) return prefixed(error, what);
  if (!(error instanceof Error) || error.name === "AbortError") return error;
  const [code, message, hint] = networkTrouble(error) ?? refusal(error.message);
  return new TsopsError(code, `${what}: ${message}`, { hint, cause: error });
}

function networkTrouble(error: Error): Sentences | undefined {
  if (error instanceof LoginBusy) {
    const why = error.statusCode === 429 ? "gets too many requests" : "has an internal error";
    return ["service-failed", `the login service ${why} (${error.message})`, "try again in a minute"];
  }
  const { request } = error as { request?: { url: string } };
  return request && unreachable(error, request.url);
}

function refusal(message: string): Sentences {
  const [, number] = /AADSTS(\d+)/.exec(message) ?? [];
  const known = number && CODES[SAME[number] ?? number];
  if (known) {
    const [code, why, hint] = known;
    return [code, `${why} (AADSTS${number})`, hint];
  }
  if (!number) {
    return [
      "service-failed",
      "the login service gave no usable answer",
      "check the network, and AZURE_AUTHORITY_HOST if it is set",
    ];
  }
  const page = `https://login.microsoftonline.com/error?code=${number}`;
  return ["bad-credentials", `Microsoft Entra ID refuses it (AADSTS${number})`, `${page} says more`];
}
