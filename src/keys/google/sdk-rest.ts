/** What is used of Google's client for KMS, over REST: this alone is in the package (scripts/bundle.mjs). */
export { KeyManagementServiceClient } from "@google-cloud/kms/build/src/v1/key_management_service_client.js";
