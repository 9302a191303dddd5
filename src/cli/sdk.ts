/** What is used of yargs: a file of its own in the package (scripts/bundle.mjs). */
export { default as yargs } from "yargs";
