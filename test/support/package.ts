/* What users of the library write, for tests of the package. */

/** A user's script, as a module. Each key's server is one where nothing listens: its SDK gets as far as that. */
export const UNREACHABLE = `
import { decrypt } from "tsops";
const created_at = "2026-01-01T00:00:00Z", enc = "AAAA", server = "127.0.0.1:9";
const kms = { arn: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", aws_profile: "" };
const gcp_kms = { resource_id: "projects/p/locations/l/keyRings/r/cryptoKeys/k" };
const azure_kv = { vault_url: "https://" + server, name: "k", version: "v" };
const hc_vault = { vault_address: "http://" + server, engine_path: "transit", key_name: "k" };
const aws = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s", AWS_ENDPOINT_URL: "http://" + server };
const google = { GOOGLE_OAUTH_ACCESS_TOKEN: "t", SOPS_GCP_KMS_ENDPOINT: server };
const azure = { AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001", AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "s",
  AZURE_AUTHORITY_HOST: "https://" + server };
const allow = { azure: ["https://" + server], vault: ["http://" + server] };
for (const [key, env] of [
  [{ kms }, aws],
  [{ gcp_kms }, google],
  [{ gcp_kms }, { ...google, SOPS_GCP_KMS_CLIENT_TYPE: "rest" }],
  [{ azure_kv }, azure],
  [{ hc_vault }, { VAULT_ADDR: "http://" + server, VAULT_TOKEN: "t" }],
]) {
  const [[name, fields]] = Object.entries(key);
  const sops = { [name]: [{ ...fields, created_at, enc }], lastmodified: created_at, mac: "x", version: "3.13.3" };
  await decrypt(JSON.stringify({ a: "x", sops }), { format: "json", env, allow }).catch(({ hint }) =>
    console.log(name, hint.includes("nothing listens there (ECONNREFUSED)") || hint),
  );
}
`;
/** What it prints where each SDK gets as far as the network. */
export const REACHED = ["kms", "gcp_kms", "gcp_kms", "azure_kv", "hc_vault"]
  .map((name) => `${name} true\n`)
  .join("");
