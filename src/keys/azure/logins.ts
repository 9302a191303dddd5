/** What is used of Azure's SDK for credentials: this alone is in the package (scripts/bundle.mjs). */
export {
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  UsernamePasswordCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
