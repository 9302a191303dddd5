import type { ClientSecretCredentialOptions } from "@azure/identity";
import { statusPasses } from "../../net/failure.ts";
import type { TokenCredential } from "./sources.ts";

type Policies = NonNullable<ClientSecretCredentialOptions["additionalPolicies"]>;

interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
}

/** The login service answered that it cannot answer now. */
export class LoginBusy extends Error {
  override readonly name = "LoginBusy";
  readonly statusCode: number;
  /** As the SDK's own errors have it: for `Retry-After`. */
  readonly response: Answer;

  constructor(response: Answer) {
    super(`HTTP ${response.status}`);
    this.statusCode = response.status;
    this.response = response;
  }
}

/**
 * A credential whose errors say when the network or the login service had trouble: the SDK reports that as if the
 * credential were bad.
 */
export function watched(make: (additionalPolicies: Policies) => TokenCredential): TokenCredential {
  let trouble: unknown;
  const policy: Policies[number]["policy"] = {
    name: "tsops-trouble",
    async sendRequest(request, next) {
      try {
        const response = await next(request);
        trouble = statusPasses(response.status) ? new LoginBusy(response) : undefined;
        return response;
      } catch (error) {
        trouble = error;
        throw error;
      }
    },
  };
  const made = () => make([{ policy, position: "perRetry" }]);
  let credential = made();
  return {
    async getToken(scopes, options) {
      trouble = undefined;
      try {
        return await credential.getToken(scopes, options);
      } catch (error) {
        if (trouble === undefined) throw error;
        // this one would not ask again for a minute, whatever the service says
        credential = made();
        throw trouble;
      }
    },
  };
}
