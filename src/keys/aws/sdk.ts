/** What is used of AWS's SDK for KMS: this alone is in the package (scripts/bundle.mjs). */
export { DecryptCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";

/** For those whose credentials have to be fetched. */
export const logins = () => import("./logins.ts");
