/** What is used of node-vault: this alone is in the package (scripts/bundle.mjs), without its way to send requests. */
export { default as nodeVault } from "node-vault";
