/** What is used of Azure's SDK for key vaults: this alone is in the package (scripts/bundle.mjs). */
export { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

/** For those whose tokens no program on this machine gives. */
export const logins = () => import("./logins.ts");
