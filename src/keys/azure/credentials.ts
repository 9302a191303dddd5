import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { Login } from "../login.ts";
import { azureCli, azureDeveloperCli, powerShell } from "./command-line.ts";
import { passes, throttle } from "./errors.ts";
import { loginFailed } from "./login-errors.ts";
import { managedIdentity } from "./managed-identity.ts";
import { fromEnvironment, workloadIdentity } from "./service-principal.ts";
import {
  type AccessToken,
  type AzureSource,
  type GetTokenOptions,
  type Missing,
  SOURCE_NAMES,
  type SourceName,
  type TokenCredential,
  unavailability,
} from "./sources.ts";

/**
 * Azure's credentials, for everything that talks to Azure: the chain that SOPS uses (DefaultAzureCredential), looked
 * for in the context's environment and home folder rather than the process's.
 */

/** What is on this machine, in the order in which it is tried. */
export interface AzureSources {
  readonly found: readonly AzureSource[];
  /** What was looked for in vain and where, a line each. */
  readonly missing: readonly string[];
}

/**
 * Finds credentials without the network and without using them. AZURE_TOKEN_CREDENTIALS selects some of the chain.
 * @throws TsopsError if its value is not one that Azure's SDKs know.
 */
export function azureSources(context: KeyContext): Promise<AzureSources> {
  return once(context, "azure sources", async () => {
    const selected = selection(context.env.AZURE_TOKEN_CREDENTIALS ?? "");
    const asked = selected.length === 1;
    const results = await Promise.all(selected.map((name) => find(name, context, asked)));
    return {
      found: results.flatMap((result) => ("missing" in result ? [] : [result])),
      missing: results.flatMap((result) => ("missing" in result ? [result.missing] : [])),
    };
  });
}

/**
 * A credential for Azure's SDKs, shared in a run; null if there is none on this machine. It gives the token of the
 * first source that has one, and keeps it until shortly before its end.
 * Its getToken @throws TsopsError that says which source failed and why.
 */
export async function azureCredential(context: KeyContext): Promise<TokenCredential | null> {
  const { found } = await azureSources(context);
  if (found.length === 0) return null;
  return once(context, "azure credential", () => new Chain(found, context));
}

function selection(text: string): readonly SourceName[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return SOURCE_NAMES;
  if (wanted === "prod") return SOURCE_NAMES.slice(0, 3);
  if (wanted === "dev") return SOURCE_NAMES.slice(3);
  const name = SOURCE_NAMES.find((known) => known.toLowerCase() === wanted);
  if (name) return [name];
  throw new TsopsError(
    "bad-setting",
    `AZURE_TOKEN_CREDENTIALS is ${printable(text)}, which is no kind of credential`,
    {
      hint: `it may be dev, prod, ${SOURCE_NAMES.join(", ")}`,
    },
  );
}

async function find(name: SourceName, context: KeyContext, asked: boolean): Promise<AzureSource | Missing> {
  switch (name) {
    case "EnvironmentCredential":
      return fromEnvironment(context);
    case "WorkloadIdentityCredential":
      return workloadIdentity(context);
    case "ManagedIdentityCredential":
      return managedIdentity(context, asked);
    case "AzureCLICredential":
      return azureCli(context);
    case "AzureDeveloperCLICredential":
      return azureDeveloperCli(context);
    case "AzurePowerShellCredential":
      return powerShell(context);
  }
}

/** A token this near to its end is not used any more. */
const MARGIN_MS = 5 * 60_000;

class Chain implements TokenCredential {
  readonly #sources: readonly AzureSource[];
  readonly #context: KeyContext;
  readonly #made = new Map<AzureSource, Promise<TokenCredential>>();
  readonly #logins = new Map<string, Login<AccessToken>>();

  constructor(sources: readonly AzureSource[], context: KeyContext) {
    this.#sources = sources;
    this.#context = context;
  }

  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const name = JSON.stringify([scopes, options.tenantId, options.claims]);
    const login =
      this.#logins.get(name) ??
      new Login(this.#context, (own) => this.#ask(scopes, options, own), {
        now: () => Date.now(),
        until: ({ expiresOnTimestamp }) => expiresOnTimestamp - MARGIN_MS,
        passes,
      });
    this.#logins.set(name, login);
    return await login.get();
  }

  async #ask(scopes: string | string[], options: GetTokenOptions, context: KeyContext): Promise<AccessToken> {
    const reasons: string[] = [];
    for (const source of this.#sources) {
      const ask = async (abortSignal: AbortSignal): Promise<AccessToken | null> => {
        const credential = await this.#credential(source);
        return await credential.getToken(scopes, { ...options, abortSignal });
      };
      try {
        const token = await attempt(context, ask, { service: `azure ${source.name}`, passes, throttle });
        if (token) return token;
        reasons.push(`${source.where}: it gave no token`);
      } catch (error) {
        const why = unavailability(source, error);
        if (why === undefined) throw loginFailed(source, error);
        reasons.push(`${source.where}: ${why}`);
      }
    }
    throw new TsopsError("key-unavailable", "none of the Azure credentials here gives a token", {
      hint: reasons.join("\n"),
    });
  }

  #credential(source: AzureSource): Promise<TokenCredential> {
    const made = this.#made.get(source) ?? source.make();
    this.#made.set(source, made);
    return made;
  }
}
