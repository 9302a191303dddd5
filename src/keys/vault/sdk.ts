/** What is used of node-vault: this alone is in the program (scripts/program.mjs), without its way to send requests. */
export { default as nodeVault } from "node-vault";
