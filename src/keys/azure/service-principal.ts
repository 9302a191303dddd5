import { readFile } from "node:fs/promises";
import { withRoom } from "../../descriptors.ts";
import { TsopsError } from "../../errors.ts";
import { readPem } from "../../net/tls.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { azureLogins, connectionTo } from "./network.ts";
import type { AzureSource, Missing } from "./sources.ts";
import { watched } from "./watched.ts";

const PUBLIC_CLOUD = "https://login.microsoftonline.com";

/** The options that identity clients take, with nothing left for them to look up in the process's environment. */
function clientOptions(context: KeyContext) {
  const { env } = context;
  const authorityHost = env.AZURE_AUTHORITY_HOST || PUBLIC_CLOUD;
  if (!/^https:\/\//i.test(authorityHost) || !URL.canParse(authorityHost)) {
    throw new TsopsError(
      "bad-setting",
      `AZURE_AUTHORITY_HOST is ${printable(authorityHost)}: not an https URL`,
      {
        hint: `leave it unset for the public cloud (${PUBLIC_CLOUD})`,
      },
    );
  }
  const tenants = (env.AZURE_ADDITIONALLY_ALLOWED_TENANTS ?? "").split(";").map((tenant) => tenant.trim());
  return {
    ...connectionTo(authorityHost, context),
    authorityHost,
    additionallyAllowedTenants: tenants.filter((tenant) => tenant !== ""),
  };
}

/** A service principal's secret or certificate, or a person's password, in variables. */
export function fromEnvironment(context: KeyContext): AzureSource | Missing {
  const { env } = context;
  const [tenant, client] = [env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID];
  const { AZURE_CLIENT_SECRET: secret, AZURE_CLIENT_CERTIFICATE_PATH: certificate } = env;
  const { AZURE_USERNAME: username, AZURE_PASSWORD: password } = env;
  const kinds = { secret, certificate, password: username && password };
  const kind = (["secret", "certificate", "password"] as const).find((name) => kinds[name]);
  const lacking = [
    ...(tenant ? [] : ["AZURE_TENANT_ID"]),
    ...(client ? [] : ["AZURE_CLIENT_ID"]),
    ...(kind ? [] : ["AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)"]),
  ];
  if (!tenant || !client || !kind) {
    return { missing: `a service principal in the environment: no ${lacking.join(", no ")}` };
  }
  const what = {
    secret: "with the secret in AZURE_CLIENT_SECRET",
    certificate: `with the certificate ${printable(certificate ?? "")} (AZURE_CLIENT_CERTIFICATE_PATH)`,
    password: "with AZURE_USERNAME and AZURE_PASSWORD",
  }[kind];
  const make = async () => {
    const identity = await azureLogins();
    const options = clientOptions(context);
    if (kind === "secret") {
      return watched((additionalPolicies) => {
        return new identity.ClientSecretCredential(tenant, client, secret!, {
          ...options,
          additionalPolicies,
        });
      });
    }
    if (kind === "password") {
      return watched((additionalPolicies) => {
        const more = { ...options, additionalPolicies };
        return new identity.UsernamePasswordCredential(tenant, client, username!, password!, more);
      });
    }
    const configuration = {
      certificate: await readCertificate(certificate!),
      certificatePassword: env.AZURE_CLIENT_CERTIFICATE_PASSWORD,
    };
    const sendCertificateChain = /^(1|true)$/i.test(env.AZURE_CLIENT_SEND_CERTIFICATE_CHAIN ?? "");
    return watched((additionalPolicies) => {
      const more = { ...options, additionalPolicies, sendCertificateChain };
      return new identity.ClientCertificateCredential(tenant, client, configuration, more);
    });
  };
  return {
    name: "EnvironmentCredential",
    where: `environment: application ${printable(client)} of tenant ${printable(tenant)}, ${what}`,
    make,
  };
}

async function readCertificate(path: string): Promise<string> {
  const text = (await readPem(path, "AZURE_CLIENT_CERTIFICATE_PATH")).toString("latin1");
  if (text.includes("-----BEGIN ") && text.includes("PRIVATE KEY-----")) return text;
  throw new TsopsError(
    "bad-credentials",
    `the certificate ${printable(path)} is not PEM with its private key`,
    {
      hint: "PKCS#12 can be converted: openssl pkcs12 -in FILE -out FILE.pem -nodes",
    },
  );
}

/** A token of the place where the program runs (Kubernetes, a CI system), exchanged for one of Azure's. */
export function workloadIdentity(context: KeyContext): AzureSource | Missing {
  const { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId } = context.env;
  const tokenFilePath = context.env.AZURE_FEDERATED_TOKEN_FILE;
  if (!tokenFilePath) return { missing: "workload identity (OIDC): no AZURE_FEDERATED_TOKEN_FILE" };
  if (!tenantId || !clientId) {
    const variable = tenantId ? "AZURE_CLIENT_ID" : "AZURE_TENANT_ID";
    return { missing: `workload identity (OIDC): AZURE_FEDERATED_TOKEN_FILE is set, but no ${variable}` };
  }
  return {
    name: "WorkloadIdentityCredential",
    where: `workload identity: application ${printable(clientId)} of tenant ${printable(tenantId)}, with the token in ${printable(tokenFilePath)}`,
    async make() {
      await checkTokenFile(tokenFilePath);
      const { WorkloadIdentityCredential } = await azureLogins();
      const options = { ...clientOptions(context), tenantId, clientId, tokenFilePath };
      return watched((additionalPolicies) => {
        return new WorkloadIdentityCredential({ ...options, additionalPolicies });
      });
    },
  };
}

async function checkTokenFile(path: string): Promise<void> {
  const [text, why] = await withRoom(() => readFile(path, "utf8")).then(
    (content) => [content.trim(), "it is empty"],
    (error: NodeJS.ErrnoException) => ["", error.code ?? "unknown cause"],
  );
  if (text !== "") return;
  throw new TsopsError("bad-credentials", `the token file ${printable(path)} cannot be used: ${why}`, {
    hint: "AZURE_FEDERATED_TOKEN_FILE names it; check whether its pod or job is set up for workload identity",
  });
}
