import { access } from "node:fs/promises";
import { FIRMWARE, hasSign, signsOf } from "../../net/machine.ts";
import type { KeyContext } from "../kind.ts";
import { azureLogins, connectionTo } from "./network.ts";
import { disagreements } from "./process-only.ts";
import type { AzureSource, Missing } from "./sources.ts";

/** What the SDK's class for managed identities reads, and only from the process's own environment. */
const VARIABLES = [
  "IDENTITY_ENDPOINT",
  "IDENTITY_HEADER",
  "IDENTITY_SERVER_THUMBPRINT",
  "IMDS_ENDPOINT",
  "MSI_ENDPOINT",
  "MSI_SECRET",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST",
] as const;

/** What every virtual machine of Azure has as its chassis asset tag. */
const AZURE_TAG = /^7783-7084-3265-9085-8269-3286-77$/;
const METADATA_SERVICE = "http://169.254.169.254";

/** The identity of the machine, container or function that the program runs in. `asked`: the person wants this one. */
export async function managedIdentity(context: KeyContext, asked: boolean): Promise<AzureSource | Missing> {
  const { env } = context;
  const differing = disagreements(context, VARIABLES);
  if (differing.length > 0) {
    return {
      missing: `managed identity: ${differing.join(", ")} can only be used as the process has it in its environment`,
    };
  }
  const endpoint = VARIABLES.find((name) => /ENDPOINT|HOST/.test(name) && env[name]);
  if (!endpoint && !asked && !(await looksLikeAzure())) {
    return {
      missing: "managed identity: no IDENTITY_ENDPOINT or MSI_ENDPOINT, and this is not an Azure machine",
    };
  }
  const clientId = env.AZURE_CLIENT_ID || undefined;
  const address = URL.canParse((endpoint && env[endpoint]) ?? "") ? env[endpoint!]! : METADATA_SERVICE;
  return {
    name: "ManagedIdentityCredential",
    where: `managed identity${clientId ? ` ${clientId} (AZURE_CLIENT_ID)` : ""}, ${endpoint ? `by ${endpoint}` : "by the machine's metadata service"}`,
    advice: "it gave no token: check whether an identity is assigned to the machine, and which ones",
    async make() {
      const { ManagedIdentityCredential } = await azureLogins();
      // what gives out identities is on the machine or next to it, so no proxy is asked
      const options = connectionTo(address, { env: {} });
      return new ManagedIdentityCredential({ clientId, ...options });
    },
  };
}

/** Whether this machine is one of Azure's, by what its firmware says. Asks nobody. */
export async function looksLikeAzure(folder = FIRMWARE): Promise<boolean> {
  if (process.platform === "win32") {
    // the folder of the agent that Azure puts onto its Windows machines
    return access("C:\\WindowsAzure").then(
      () => true,
      () => false,
    );
  }
  return hasSign(signsOf(["chassis_asset_tag"], AZURE_TAG, folder));
}
