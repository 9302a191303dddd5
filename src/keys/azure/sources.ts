import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";

/** The single credentials of SOPS's chain, in its order, by the names that AZURE_TOKEN_CREDENTIALS takes. */
export const SOURCE_NAMES = [
  "EnvironmentCredential",
  "WorkloadIdentityCredential",
  "ManagedIdentityCredential",
  "AzureCLICredential",
  "AzureDeveloperCLICredential",
  "AzurePowerShellCredential",
] as const;

export type SourceName = (typeof SOURCE_NAMES)[number];

/** A credential that is on this machine, as far as that shows without the network. */
export interface AzureSource {
  readonly name: SourceName;
  /** For people: what it is and where it was found. */
  readonly where: string;
  /** What to see to if it gives no token and does not say why. */
  readonly advice?: string;
  /** @throws TsopsError if what it needs is broken. */
  make(): Promise<TokenCredential>;
}

/** What was looked for and where, if it is not there. */
export interface Missing {
  readonly missing: string;
}

/** A credential cannot give a token here, and the next one of the chain is to be tried. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** Why a credential gives no token, if that is a reason to try the next one. */
export function unavailability(source: AzureSource, error: unknown): string | undefined {
  if (error instanceof Unavailable) return error.message;
  if (!(error instanceof Error) || error.name !== "CredentialUnavailableError") return undefined;
  const [, tenant] =
    /not configured to acquire tokens for tenant ([\w-]+(?:\.[\w-]+)*)/.exec(error.message) ?? [];
  if (tenant) {
    return `it is not for tenant ${tenant}, which the vault belongs to (AZURE_ADDITIONALLY_ALLOWED_TENANTS adds tenants)`;
  }
  return source.advice ?? "it gave no token";
}

export type { AccessToken, GetTokenOptions, TokenCredential };
